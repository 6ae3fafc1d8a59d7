package backend

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// secretsFile is a parsed file of secrets: the usable secrets, by contrib's names, and the
// reason why each of the others cannot be used. contrib would silently change or omit those:
// it turns 5432 into "%!s(float64=5432)".
type secretsFile struct {
	secrets map[string]map[string]string
	faults  map[string]secretFault // by secret
	nested  bool                   // whether a file without multiValued contains objects
}

// secretFault says why a secret cannot be used.
type secretFault struct {
	entry string // "" for the secret as a whole
	why   string
}

// remedy describes the fault to a reader who knows from a hash which secret it is about. It
// does not repeat the secret's own name, which may be a reference.
func (f secretFault) remedy(secret string) credential.Remedy {
	if f.entry == "" || f.entry == secret || len(secret) >= store.MinScrubbed && strings.Contains(f.entry, secret) {
		return credential.Remedy("in the secrets file, the secret or one of its entries " + f.why)
	}
	return credential.Remedy(fmt.Sprintf("in the secrets file, its entry %q %s", f.entry, f.why))
}

// maxFaults limits how many unusable secrets the warnings name.
const maxFaults = 5

// warnings returns what to log when the file is read. They may contain names, because the
// operator chose the names in the file.
func (s *secretsFile) warnings(separator string) []string {
	var said []string
	for i, name := range slices.Sorted(maps.Keys(s.faults)) {
		if i == maxFaults {
			said = append(said, fmt.Sprintf("%d more secrets of the file cannot be used", len(s.faults)-i))
			break
		}
		fault, entry := s.faults[name], ""
		if fault.entry != "" {
			entry = fmt.Sprintf("its entry %q ", fault.entry)
		}
		said = append(said, fmt.Sprintf("secret %q of the file cannot be used: %s%s", name, entry, fault.why))
	}
	if s.nested {
		said = append(said, fmt.Sprintf(`the file has objects, and each of their entries is a secret of its own, such as "database%spassword":`+
			` if each object is one secret, set multiValued to "true"`, separator))
	}
	return said
}

// The faults of a secret.
const (
	notAText  = "is not a string: write it as one, in quotes"
	notASet   = "is neither a string nor an object: write it as a string"
	twice     = "appears twice: remove one of the two"
	partTwice = "has the same name twice in one object: remove one of the two"
	twoPlaces = "comes from two places in the file, because their names are the same after joining: rename one"
)

// readSecretsFile parses a file of secrets. Its error says why the whole file is unreadable,
// and contains neither values nor names.
func readSecretsFile(text []byte, multiValued bool, separator string) (*secretsFile, error) {
	text, err := credential.Unmarked(text)
	if err != nil {
		return nil, credential.Remedy("the secrets file is " + err.Error())
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, credential.Remedy("the secrets file is empty: it must be a JSON object")
	}
	d := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true))
	file := &secretsFile{secrets: map[string]map[string]string{}, faults: map[string]secretFault{}}
	r := &secretsReader{
		d: d, file: file, multiValued: multiValued, separator: separator,
		topOf: map[string]string{}, doubled: map[string]bool{},
	}
	err = r.read()
	var fault *jsontext.SyntacticError
	switch {
	case errors.As(err, &fault):
		line := bytes.Count(text[:min(int(fault.ByteOffset), len(text))], []byte("\n")) + 1
		return nil, credential.Remedy("the secrets file is not valid JSON: line " + strconv.Itoa(line))
	case err != nil:
		return nil, err
	}
	return file, nil
}
