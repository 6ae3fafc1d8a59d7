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

// Decode decodes the credential's fields into target, a pointer to a struct with json tags or
// to a map. As with the getters, a number, a boolean or a duration may be given as a string,
// and a duration may be a number of seconds. The case of names is ignored. Fields that target
// does not have are skipped. Fields that the credential does not have keep their values.
//
// If a value does not fit, Decode fails with [ErrPrecondition], and target is partly filled.
// The error names the field, and contains nothing of the value.
func (c Credential) Decode(target any) error {
	if v := reflect.ValueOf(target); v.Kind() != reflect.Pointer || v.IsNil() {
		return &Error{Code: codes.InvalidArgument, GUID: c.GUID(), Reason: "the target of Decode must be a pointer that is not nil"}
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
	var semantic *json.SemanticError // its text contains the value
	if !errors.As(err, &semantic) || semantic.JSONPointer == "" {
		return &Error{Code: codes.FailedPrecondition, GUID: c.GUID(), Reason: "it does not fit the type of the target"}
	}
	return c.misfit(dotted(semantic.JSONPointer), "of a kind that does not fit the type of the target")
}

// dotted converts a JSON pointer to the path form of the getters: "extra.token".
func dotted(p jsontext.Pointer) string {
	var names []string
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return strings.Join(names, ".")
}

// errMisfit says that a value does not fit. Package json adds the position.
var errMisfit = errors.New("does not fit")

// unmarshalScalar decodes a number, a boolean or a duration, or one of these in a string. Types
// with their own unmarshal method and all other kinds are left to package json.
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
			return errors.ErrUnsupported // package json then fails
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

// setScalar parses text and sets a number, a boolean or a duration to it.
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
