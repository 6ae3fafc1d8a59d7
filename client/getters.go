package client

import (
	"math"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"

	"credential-resolver/resolver/credential"
)

// The getters accept a value of their own type, or the text of one: secret stores hold only
// text. They fail with [ErrInvalid] if the field is absent or null, and with [ErrPrecondition]
// if its value is of another type. The error names the field, and contains nothing of the
// value.

// Text returns a field as text: a string as it is, a number with its original digits, a
// boolean as true or false, an object or an array as JSON.
func (c Credential) Text(field string) (string, error) {
	v, err := c.value(field)
	if err != nil {
		return "", err
	}
	text, err := v.AsText()
	if err != nil {
		return "", c.misfit(field, "not valid UTF-8")
	}
	return text, nil
}

// Int returns a field as a whole number. The field is a number without a fraction or an
// exponent, or a string with one.
func (c Credential) Int(field string) (int, error) {
	return scalar(c, field, "not a whole number", credential.NumberKind, strconv.Atoi)
}

// Float returns a field as a floating-point number. The field is a number, or a string with
// one.
func (c Credential) Float(field string) (float64, error) {
	return scalar(c, field, "not a number", credential.NumberKind, parseFloat)
}

// Bool returns a field as a boolean. The field is a boolean, or a string that
// strconv.ParseBool accepts.
func (c Credential) Bool(field string) (bool, error) {
	return scalar(c, field, "not a boolean", credential.BoolKind, strconv.ParseBool)
}

// Duration returns a field as a duration. The field is a string such as "1m30s", a number of
// seconds, or a string with a number of seconds.
func (c Credential) Duration(field string) (time.Duration, error) {
	return scalar(c, field, `neither a duration such as "30s" nor a number of seconds`, credential.NumberKind, parseDuration)
}

// Object returns a field as a credential with the same GUID. The field is an object, or a
// string with the JSON text of one.
func (c Credential) Object(field string) (Credential, error) {
	v, err := c.value(field)
	if err != nil {
		return Credential{}, err
	}
	if o, ok := v.Object(); ok {
		return newCredential(c.GUID(), o), nil
	}
	text, _ := v.Text()
	o, err := credential.ParseObject([]byte(text))
	if err != nil {
		return Credential{}, c.misfit(field, "not an object")
	}
	return newCredential(c.GUID(), o), nil
}

// Extra returns the object "extra". If it is absent or null, the result has no fields.
func (c Credential) Extra() (Credential, error) {
	if !c.Has(credential.FieldExtra) {
		return newCredential(c.GUID(), credential.Object{}), nil
	}
	return c.Object(credential.FieldExtra)
}

// value returns a field's value. It fails if the field is absent or null.
func (c Credential) value(field string) (credential.Value, error) {
	v, ok := c.object().Find(field)
	if !ok || v.Kind() == credential.NullKind {
		return v, &Error{Code: codes.InvalidArgument, GUID: c.GUID(), Reason: "it has no field " + credential.QuoteName(field)}
	}
	return v, nil
}

func (c Credential) misfit(field, reason string) *Error {
	return &Error{
		Code: codes.FailedPrecondition, GUID: c.GUID(),
		Reason: "its field " + credential.QuoteName(field) + " is " + reason,
	}
}

// scalar parses a field of the given kind, or a string with such a value. It drops the
// parser's own error, which contains the value.
func scalar[T any](
	c Credential, field, misfit string, kind credential.ValueKind, parse func(string) (T, error),
) (value T, err error) {
	v, err := c.value(field)
	if err != nil {
		return value, err
	}
	if v.Kind() != kind && v.Kind() != credential.StringKind {
		return value, c.misfit(field, misfit)
	}
	text, err := v.AsText()
	if err == nil {
		value, err = parse(text)
	}
	if err != nil {
		var none T
		return none, c.misfit(field, misfit)
	}
	return value, nil
}

func parseFloat(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

func parseDuration(text string) (time.Duration, error) {
	seconds, err := parseFloat(text)
	if err != nil {
		return time.ParseDuration(text)
	}
	d := seconds * float64(time.Second)
	if math.IsNaN(d) || math.Abs(d) >= math.MaxInt64 {
		return 0, strconv.ErrRange
	}
	return time.Duration(d), nil
}
