package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object with its order. Its values are strings, json.Numbers, bools, nil,
// []any and *object. It is a pointer because Python shares dicts.
type object struct{ fields []field }

type field struct {
	name  string
	value any
}

func (o *object) index(name string) int {
	return slices.IndexFunc(o.fields, func(f field) bool { return f.name == name })
}

func (o *object) get(name string) (any, bool) {
	if i := o.index(name); i >= 0 {
		return o.fields[i].value, true
	}
	return nil, false
}

// set replaces a field at its place, or appends it, as a dict does.
func (o *object) set(name string, value any) {
	if i := o.index(name); i >= 0 {
		o.fields[i].value = value
		return
	}
	o.fields = append(o.fields, field{name, value})
}

// decode parses one JSON text. A duplicate name has its last value at its first place, as in
// Python.
func decode(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	value, err := decodeNext(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("text after the JSON value")
	}
	return value, nil
}

func decodeNext(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := &object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			o.set(name.(string), value)
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		a := []any{}
		for d.More() {
			value, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			a = append(a, value)
		}
		_, err := d.Token()
		return a, err
	}
	return token, nil
}

// encode returns a value as compact JSON.
func encode(value any) string {
	switch v := value.(type) {
	case *object:
		var parts []string
		for _, f := range v.fields {
			parts = append(parts, encode(f.name)+":"+encode(f.value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case []any:
		var parts []string
		for _, element := range v {
			parts = append(parts, encode(element))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err) // decode returns no other types
	}
	return strings.TrimSpace(b.String())
}

// equal compares two values, including the order of fields. It compares numbers as text, or as
// float64 if rounded is set.
func equal(a, b any, rounded bool) bool {
	switch a := a.(type) {
	case *object:
		b, ok := b.(*object)
		return ok && slices.EqualFunc(a.fields, b.fields, func(a, b field) bool {
			return a.name == b.name && equal(a.value, b.value, rounded)
		})
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, func(a, b any) bool { return equal(a, b, rounded) })
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || rounded && sameFloat(a, b))
	}
	switch b.(type) {
	case *object, []any:
		return false
	}
	return a == b
}

func sameFloat(a, b json.Number) bool {
	x, err1 := strconv.ParseFloat(a.String(), 64)
	y, err2 := strconv.ParseFloat(b.String(), 64)
	return err1 == nil && err2 == nil && x == y
}

// equalCredentials compares two credentials. The order of fields that are not in the config
// does not matter: a direct secret adds them, and the original takes them from daprd's answer,
// which has no order.
func equalCredentials(a, b any, config *object, rounded bool) bool {
	x, ok := a.(*object)
	y, ok2 := b.(*object)
	if !ok || !ok2 || config == nil {
		return equal(a, b, rounded)
	}
	return equal(addedLast(x, config), addedLast(y, config), rounded)
}

// addedLast sorts the fields that are not in the config behind the others.
func addedLast(credential, config *object) *object {
	sorted := &object{fields: slices.Clone(credential.fields)}
	slices.SortStableFunc(sorted.fields, func(a, b field) int {
		knownA, knownB := config.index(a.name) >= 0, config.index(b.name) >= 0
		switch {
		case knownA && knownB:
			return 0
		case knownA:
			return -1
		case knownB:
			return 1
		}
		return strings.Compare(a.name, b.name)
	})
	return sorted
}
