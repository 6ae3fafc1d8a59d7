package backend

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"credential-resolver/resolver"
)

// checkSecretsFile refuses what contrib's file store would change without a
// word: values that are not strings (5432 becomes "%!s(float64=5432)"), entries
// that it leaves out, and names that become the same when they are joined. The
// error names the entry, and holds no value.
func checkSecretsFile(text []byte, multiValued bool, separator string) error {
	if err := checkJSON(text); err != nil {
		return err
	}
	secrets, err := resolver.ParseObject(text)
	if err != nil {
		return fmt.Errorf("the secrets file is %w", err)
	}
	if separator == "" {
		separator = ":"
	}
	if !multiValued {
		return newFlattening(separator).object("", secrets)
	}
	for name, v := range secrets.All() {
		switch v.Kind() {
		case resolver.StringKind:
		case resolver.ObjectKind:
			entries, _ := v.Object()
			f := newFlattening(separator)
			f.secret = name
			if err := f.object("", entries); err != nil {
				return err
			}
		default:
			return fmt.Errorf("secret %q is neither a string nor an object: it would be left out; "+
				"write it as a string", name)
		}
	}
	return nil
}

// checkJSON finds a fault of the text, and where.
func checkJSON(text []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(text))
	_, err := d.ReadValue()
	var fault *jsontext.SyntacticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName) && errors.As(err, &fault):
		return fmt.Errorf("entry %q stands twice in the secrets file", fault.JSONPointer)
	case errors.As(err, &fault):
		line := bytes.Count(text[:min(int(fault.ByteOffset), len(text))], []byte("\n")) + 1
		return fmt.Errorf("the secrets file is not valid JSON: line %d", line)
	case err != nil:
		return errors.New("the secrets file is empty: it must be a JSON object")
	}
	return nil
}

// flattening follows contrib as it joins nested names.
type flattening struct {
	separator string
	secret    string // the secret that the names belong to; "" for the whole file
	seen      map[string]bool
}

func newFlattening(separator string) *flattening {
	return &flattening{separator: separator, seen: map[string]bool{}}
}

func (f *flattening) object(prefix string, o resolver.Object) error {
	for name, v := range o.All() {
		if err := f.value(prefix+name, v); err != nil {
			return err
		}
	}
	return nil
}

func (f *flattening) value(name string, v resolver.Value) error {
	switch v.Kind() {
	case resolver.ObjectKind:
		o, _ := v.Object()
		return f.object(name+f.separator, o)
	case resolver.ArrayKind:
		for i, element := range v.Elements() {
			if err := f.value(name+f.separator+strconv.Itoa(i), element); err != nil {
				return err
			}
		}
		return nil
	case resolver.StringKind:
		if f.seen[name] {
			return fmt.Errorf("entry %s comes from two places of the secrets file", f.entry(name))
		}
		f.seen[name] = true
		return nil
	default:
		return fmt.Errorf("entry %s of the secrets file is not a string: write it as one, in quotes", f.entry(name))
	}
}

func (f *flattening) entry(name string) string {
	if f.secret == "" {
		return strconv.Quote(name)
	}
	return fmt.Sprintf("%q of secret %q", name, f.secret)
}
