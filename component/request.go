package component

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"credential-resolver/internal/nearest"
	"credential-resolver/resolver/credential"
)

// Format is the format of an answer (DESIGN.md, section 3).
type Format string

// The two formats.
const (
	// Flat is one entry for each field, as text.
	Flat Format = "flat"
	// JSON is one entry, _value: the whole credential as JSON.
	JSON Format = "json"
)

// Request is a request for a credential, without its GUID.
type Request struct {
	// Format is the format of the answer.
	Format Format
	// Fields are the requested fields; nil for all. "extra.token" is the field token of the
	// object extra.
	Fields []string
	// Refresh asks for a read that begins after the request.
	Refresh bool
	// Fingerprint asks for the credential's fingerprint in the answer.
	Fingerprint bool
	// Explain asks where the credential's fields come from, and not for its values.
	Explain bool
	// Rejected is the fingerprint of a credential that a server has rejected; "" for none.
	Rejected string
	// FromRuntime says that daprd itself asks, for a component with a secretKeyRef.
	FromRuntime bool
	// Bulk says that the request is for all credentials. It fails if a store is down: it gets
	// no stale answer.
	Bulk bool
}

// requestNames are the known names of request metadata.
var requestNames = []string{"format", "fields", "refresh", "fingerprint", "rejected", "explain", "namespace"}

// The limits of a request (section 3).
const (
	maxRequestMetadata = 16 << 10 // bytes of names and values
	maxFields          = 100
	maxLevels          = 64 // in the path of a field
)

// ParseRequest parses the metadata of a request for guid. byDefault is the format if the
// metadata names none. Its error has kind InvalidRequest.
func ParseRequest(guid string, metadata map[string]string, byDefault Format) (Request, error) {
	req := Request{Format: byDefault}
	if len(metadata) == 0 {
		return req, nil
	}
	size := 0
	for name, value := range metadata {
		size += len(name) + len(value)
	}
	if size > maxRequestMetadata {
		return req, invalid(guid, "the request has more than 16 KiB of metadata: ask for fewer fields, or for all fields")
	}
	for _, name := range slices.Sorted(maps.Keys(metadata)) {
		switch value := metadata[name]; name {
		case "format":
			if value != string(Flat) && value != string(JSON) {
				return req, invalid(guid, `metadata.format must be "flat" or "json"`)
			}
			req.Format = Format(value)
		case "fields":
			fields, err := parseFields(guid, value)
			if err != nil {
				return req, err
			}
			req.Fields = fields
		case "refresh", "fingerprint", "explain":
			if value != "true" && value != "false" {
				return req, invalid(guid, "metadata."+name+` must be "true" or "false"`)
			}
			req.set(name, value == "true")
		case "rejected":
			if value == "" {
				return req, invalid(guid, "metadata.rejected is empty: set it to the _fingerprint of the rejected credential")
			}
			req.Rejected = value
		case "namespace":
		default:
			return req, unknownMetadata(guid, name)
		}
	}
	if _, ok := metadata["namespace"]; ok {
		req.Format, req.FromRuntime = Flat, true
	}
	if req.Explain && req.FromRuntime { // to ignore either one could put a value where none is expected
		return req, invalid(guid, "metadata.explain and metadata.namespace exclude each other: remove one of them")
	}
	return req, nil
}

// set sets an option that is true or false.
func (r *Request) set(name string, on bool) {
	switch name {
	case "refresh":
		r.Refresh = on
	case "fingerprint":
		r.Fingerprint = on
	case "explain":
		r.Explain = on
	}
}

func parseFields(guid, value string) ([]string, error) {
	if strings.Count(value, ",") >= maxFields {
		return nil, invalid(guid, "metadata.fields names more than 100 fields: name fewer fields, or remove metadata.fields to get all")
	}
	var fields []string
	for field := range strings.SplitSeq(value, ",") {
		field = strings.TrimSpace(field)
		switch {
		case field == "":
			return nil, invalid(guid, `metadata.fields has an empty name: write names such as "username,extra.token"`)
		case strings.Count(field, ".") >= maxLevels:
			return nil, invalid(guid, "metadata.fields has a path of more than 64 levels: ask for an object at a higher level")
		case !slices.Contains(fields, field): // at most maxFields
			fields = append(fields, field)
		}
	}
	return fields, nil
}

func unknownMetadata(guid, name string) error {
	return invalid(guid, fmt.Sprintf("unknown request metadata %s%s; the known names are %s",
		credential.QuoteName(name), nearest.Hint(name, requestNames), strings.Join(requestNames, ", ")))
}

func invalid(guid, reason string) *credential.Error {
	return &credential.Error{Kind: credential.InvalidRequest, GUID: guid, Reason: reason}
}
