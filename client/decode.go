package client

import (
	"encoding"
	stdjson "encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/grpc/codes"
)

// Decode puts the credential's fields into what target points to: a struct, by its
// json tags, or a map. As with the getters, a number, a boolean or a duration may be a
// string of one, and a duration may be a number of seconds. Names are matched without
// regard to case, fields that target does not have are left out, and it keeps what it
// has where the credential has nothing.
//
// A value that does not fit fails with [ErrPrecondition]; target is then partly filled.
// The error names the field, and holds nothing of the value.
func (c Credential) Decode(target any) error {
	if v := reflect.ValueOf(target); v.Kind() != reflect.Pointer || v.IsNil() {
		return &Error{Code: codes.InvalidArgument, GUID: c.GUID(), Reason: "a credential is decoded into a pointer that is not nil"}
	}
	text, err := c.Reveal()
	if err != nil {
		return err
	}
	err = json.Unmarshal(text, target,
		json.MatchCaseInsensitiveNames(true),
		json.WithUnmarshalers(json.UnmarshalFromFunc(unmarshalScalar)))
	if err == nil {
		return nil
	}
	var semantic *json.SemanticError // whose words hold the value
	if !errors.As(err, &semantic) || semantic.JSONPointer == "" {
		return &Error{Code: codes.FailedPrecondition, GUID: c.GUID(), Reason: "it does not fit what it is decoded into"}
	}
	return c.misfit(dotted(semantic.JSONPointer), "of another kind than what it is decoded into")
}

// dotted writes a path as the getters take it.
func dotted(p jsontext.Pointer) string {
	var names []string
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return strings.Join(names, ".")
}

// errMisfit is a value that does not fit; where, package json says.
var errMisfit = errors.New("does not fit")

// unmarshalScalar reads a number, a boolean or a duration, or a string of one. It
// leaves alone what reads itself, and what is none of them.
func unmarshalScalar(d *jsontext.Decoder, target any) error {
	switch target.(type) {
	case stdjson.Unmarshaler, json.UnmarshalerFrom, encoding.TextUnmarshaler:
		return errors.ErrUnsupported
	}
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || !isScalar(v.Elem().Kind()) {
		return errors.ErrUnsupported
	}
	var text string
	switch kind := d.PeekKind(); kind {
	case jsontext.KindString, jsontext.KindNumber, jsontext.KindTrue, jsontext.KindFalse:
		boolean := kind == jsontext.KindTrue || kind == jsontext.KindFalse
		if kind != jsontext.KindString && boolean != (v.Elem().Kind() == reflect.Bool) {
			return errors.ErrUnsupported // which fails
		}
		token, err := d.ReadToken()
		if err != nil {
			return err
		}
		text = token.String()
	default:
		return errors.ErrUnsupported
	}
	if setScalar(v.Elem(), text) != nil {
		return errMisfit
	}
	return nil
}

func isScalar(k reflect.Kind) bool {
	return k == reflect.Bool || reflect.Int <= k && k <= reflect.Float64 && k != reflect.Uintptr
}

// setScalar sets a number, a boolean or a duration by its text.
func setScalar(v reflect.Value, text string) error {
	if d, ok := v.Addr().Interface().(*time.Duration); ok {
		parsed, err := parseDuration(text)
		*d = parsed
		return err
	}
	switch {
	case v.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		v.SetBool(b)
		return err
	case v.CanInt():
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		return err
	case v.CanUint():
		n, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
		return err
	default:
		n, err := strconv.ParseFloat(text, v.Type().Bits())
		v.SetFloat(n)
		return err
	}
}
