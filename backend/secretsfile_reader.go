package backend

import (
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"credential-resolver/resolver/credential"
)

// secretsReader walks through a file of secrets. It joins nested names as contrib does.
type secretsReader struct {
	d           *jsontext.Decoder
	file        *secretsFile
	multiValued bool
	separator   string

	level int    // nesting depth; 0 is the file's own object
	top   string // the first name on the path
	path  []byte // all names on the path, joined; without the first if multiValued

	// These are used only without multiValued. topOf maps a secret to the top-level name that
	// it comes from. doubled holds the top-level names that occur twice, or that contain a
	// name that occurs twice.
	topOf   map[string]string
	doubled map[string]bool
}

var errNoObjectInFile = credential.Remedy("the secrets file is not a JSON object")

// read reads the whole file.
func (r *secretsReader) read() error {
	if r.d.PeekKind() != jsontext.KindBeginObject {
		if _, err := r.d.ReadValue(); err != nil {
			return err
		}
		return errNoObjectInFile
	}
	if err := r.members(r.secret); err != nil {
		return err
	}
	switch _, err := r.d.ReadToken(); {
	case err == nil: // another value
		return &jsontext.SyntacticError{ByteOffset: r.d.InputOffset()}
	case !errors.Is(err, io.EOF):
		return err
	}
	for name, top := range r.topOf {
		if r.doubled[top] {
			r.fault(name, "", partTwice)
		}
	}
	for name := range r.file.faults {
		delete(r.file.secrets, name)
	}
	return nil
}

// members reads an object. It calls read for each value.
func (r *secretsReader) members(read func() error) error {
	if _, err := r.d.ReadToken(); err != nil {
		return err
	}
	names := map[string]bool{}
	for r.d.PeekKind() != jsontext.KindEndObject {
		token, err := r.d.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		err = r.under(name, func() error {
			if names[name] {
				r.stoodBefore()
			}
			return read()
		})
		if err != nil {
			return err
		}
		names[name] = true
	}
	_, err := r.d.ReadToken()
	return err
}

// elements reads an array. The name of an element is its index.
func (r *secretsReader) elements() error {
	if _, err := r.d.ReadToken(); err != nil {
		return err
	}
	for i := 0; r.d.PeekKind() != jsontext.KindEndArray; i++ {
		if err := r.under(strconv.Itoa(i), r.value); err != nil {
			return err
		}
	}
	_, err := r.d.ReadToken()
	return err
}

// under reads the value of a name.
func (r *secretsReader) under(name string, read func() error) error {
	outer := len(r.path)
	if r.level == 0 {
		r.top = name
	}
	switch first := r.multiValued; {
	case r.level == 0 && first:
	case r.level == 0, r.level == 1 && first:
		r.path = append(r.path, name...)
	default:
		r.path = append(append(r.path, r.separator...), name...)
	}
	r.level++
	err := read()
	r.level--
	r.path = r.path[:outer]
	return err
}

// secret reads one top-level value of the file.
func (r *secretsReader) secret() error {
	kind := r.d.PeekKind()
	switch {
	case !r.multiValued:
		r.file.nested = r.file.nested || kind == jsontext.KindBeginObject
	case kind == jsontext.KindBeginObject:
		r.file.secrets[r.top] = map[string]string{}
	case kind != jsontext.KindString:
		r.fault(r.top, "", notASet)
		return r.d.SkipValue()
	}
	return r.value()
}

// value reads a value: a string is an entry, and an object or an array contains entries.
func (r *secretsReader) value() error {
	switch r.d.PeekKind() {
	case jsontext.KindBeginObject:
		return r.members(r.value)
	case jsontext.KindBeginArray:
		return r.elements()
	case jsontext.KindString:
		token, err := r.d.ReadToken()
		if err == nil {
			r.entry(token.String())
		}
		return err
	default:
		secret, entry := r.at()
		r.fault(secret, entry, notAText)
		return r.d.SkipValue()
	}
}

// at returns the current secret and its current entry; entry is "" for the secret itself.
func (r *secretsReader) at() (secret, entry string) {
	if r.multiValued {
		return r.top, string(r.path)
	}
	return string(r.path), ""
}

// entry stores a string at the current position.
func (r *secretsReader) entry(text string) {
	secret, entry := r.at()
	if !r.multiValued {
		r.topOf[secret] = r.top
	}
	if !r.multiValued || r.level == 1 {
		entry = secret // contrib's name for a single entry
	}
	entries := r.file.secrets[secret]
	if entries == nil {
		entries = map[string]string{}
		r.file.secrets[secret] = entries
	}
	if _, ok := entries[entry]; ok && !r.doubled[r.top] {
		_, entry = r.at()
		r.fault(secret, entry, twoPlaces)
		return
	}
	entries[entry] = text
}

// stoodBefore records that the current name occurs twice in one object. JSON does not say
// which of the two counts.
func (r *secretsReader) stoodBefore() {
	if !r.multiValued {
		r.doubled[r.top] = true
		return
	}
	r.fault(r.top, string(r.path), twice)
}

// fault records why a secret cannot be used. Only the first fault of a secret counts.
func (r *secretsReader) fault(secret, entry, why string) {
	if _, ok := r.file.faults[secret]; !ok {
		r.file.faults[secret] = secretFault{entry, why}
	}
}
