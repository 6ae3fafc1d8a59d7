package resolver_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"credential-resolver/resolver/credential"
)

// A second implementation of section 4's single-key mode, written from the text alone: plain
// loops over plain lists, slow, and sharing no code with the package.

// member is one field of an object. Its value is a string, nil, the members of an object, or a
// json.RawMessage for anything else.
type member struct {
	name  string
	value any
}

// jsonOf returns members as compact JSON.
func jsonOf(members []member) string {
	var parts []string
	for _, m := range members {
		value := "null"
		switch v := m.value.(type) {
		case string:
			value = quoted(v)
		case json.RawMessage:
			value = string(v)
		case []member:
			value = jsonOf(v)
		}
		parts = append(parts, quoted(m.name)+":"+value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("marshalling %q: %v", s, err))
	}
	return string(b)
}

// referenceModel resolves an agent config without a secret-path. held holds the entries of each
// secret by name, and literal the literalFields. It returns the credential, the names that must
// be looked up, and the kind of the failure.
func referenceModel(config []member, held map[string][]member, literal []string) (want []member, asked []string, kind error) {
	values := modelValues(config, literal)
	var lookedUp []string
	for _, v := range values {
		if canBeAName(v) {
			lookedUp = append(lookedUp, v)
		}
	}
	merged := map[string]any{}
	seen := map[string]bool{}
	for _, v := range lookedUp {
		if !seen[v] {
			seen[v] = true
			asked = append(asked, v)
		}
		for _, entry := range nonEmpty(held[v]) {
			merged[entry.name] = entry.value
		}
	}
	last := map[string]any{}
	for _, v := range lookedUp {
		only := nonEmpty(held[v])
		if _, ok := merged[v]; !ok && len(only) == 1 && !isObject(only[0].value) {
			last[v] = only[0].value
		}
	}
	for name, value := range last {
		merged[name] = value
	}
	replaced := false
	for _, v := range values {
		_, ok := merged[v]
		replaced = replaced || ok
	}
	if len(lookedUp) > 0 && !replaced {
		return nil, asked, credential.FailedPrecondition
	}
	return modelSubstitution(config, merged, literal, true), asked, nil
}

// modelValues returns the strings of a config and of extra that may be references, in order.
func modelValues(config []member, literal []string) (values []string) {
	for _, m := range config {
		if m.name == "credentialSource" || m.name == "secret-path" {
			continue
		}
		if s, ok := m.value.(string); ok && !slices.Contains(literal, m.name) {
			values = append(values, s)
		}
		if inner, ok := m.value.([]member); ok && m.name == "extra" {
			for _, m := range inner {
				if s, ok := m.value.(string); ok {
					values = append(values, s)
				}
			}
		}
	}
	return values
}

// canBeAName knows only the names in the test's alphabet.
func canBeAName(s string) bool {
	return s != "" && s != ".." && !strings.HasPrefix(s, "/") && !strings.ContainsAny(s, " ?")
}

func nonEmpty(entries []member) (kept []member) {
	for _, e := range entries {
		if e.value != nil && e.value != "" {
			kept = append(kept, e)
		}
	}
	return kept
}

func isObject(value any) bool {
	switch v := value.(type) {
	case []member:
		return true
	case string:
		return strings.HasPrefix(v, "{") && json.Valid([]byte(v))
	default:
		return false
	}
}

func modelSubstitution(config []member, data map[string]any, literal []string, top bool) (out []member) {
	for _, m := range config {
		switch v := m.value.(type) {
		case string:
			if replacement, ok := data[v]; ok && (!top || !slices.Contains(literal, m.name)) {
				m.value = replacement
			}
		case []member:
			if top && m.name == "extra" {
				m.value = modelSubstitution(v, data, nil, false)
			}
		}
		out = append(out, m)
	}
	return out
}
