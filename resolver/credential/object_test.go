package credential_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestAnObjectIsWrittenAsItWasRead(t *testing.T) {
	for _, row := range []struct{ name, text, want string }{
		{"nothing in it", `{}`, `{}`},
		{"the order of its fields", `{"z":1,"a":2,"m":{"z":1,"a":2}}`, `{"z":1,"a":2,"m":{"z":1,"a":2}}`},
		{"digits", `{"a":12345678901234567,"b":1e21,"c":12.50,"d":[0.0,-0,1E+5]}`, `{"a":12345678901234567,"b":1e21,"c":12.50,"d":[0.0,-0,1E+5]}`},
		{"less white space", " {\n \"a\" : [ 1 , { \"b\" : 2 } ]\t}\r\n", `{"a":[1,{"b":2}]}`},
		{"white space in strings", `{"a b":" c "}`, `{"a b":" c "}`},
		{"a duplicate name: the last value at the first place", `{"a":1,"b":2,"a":{"c":3}}`, `{"a":{"c":3},"b":2}`},
		{"a duplicate name, once with an escape", `{"a":1,"b":2,"\u0061":3}`, `{"a":3,"b":2}`},
		{"a name that is empty", `{"":1}`, `{"":1}`},
		{"words of JSON", `{"a":true,"b":false,"c":null}`, `{"a":true,"b":false,"c":null}`},
		{"escapes that mean a plain character", `{"\u0061":"\u0062\/"}`, `{"a":"b/"}`},
		{"escapes that are needed", `{"a":"\"\\\n\t\u0000\u001f"}`, `{"a":"\"\\\n\t\u0000\u001f"}`},
		{"a pair of surrogates", `{"a":"\ud83d\udd11"}`, `{"a":"🔑"}`},
		{"no escapes for HTML", `{"a":"<b>&'"}`, `{"a":"<b>&'"}`},
		{"the replacement character, which is a character", `{"a":"\ufffd"}`, "{\"a\":\"\ufffd\"}"},
	} {
		t.Run(row.name, func(t *testing.T) {
			o := resolvertest.Parse(t, row.text)
			assert.Equal(t, row.want, resolvertest.JSON(t, o))
			assert.Equal(t, row.want, resolvertest.JSON(t, resolvertest.Parse(t, row.want)), "parsed again")
		})
	}
}

func TestSyntaxErrorSaysWhere(t *testing.T) {
	for _, row := range []struct {
		text   string
		offset int64
	}{
		{``, 0}, {`?`, 0}, {`{"a":?}`, 5}, {`{"a":1,}`, 6}, {`{"a":1} x`, 8}, {`{"a":1`, 6}, {`{"a":[1,?]}`, 8},
	} {
		_, err := credential.ParseObject([]byte(row.text))
		var syntax *credential.SyntaxError
		require.ErrorAs(t, err, &syntax, row.text)
		assert.Equal(t, row.offset, syntax.Offset, row.text)
		assert.Equal(t, "not valid JSON", err.Error(), "the error must not quote the text")
	}
}

func TestObjectDoesNotRetainItsText(t *testing.T) {
	text := []byte(`{"name":"value","n":12.50,"o":{"p":["q"]}}`)
	o, err := credential.ParseObject(text)
	require.NoError(t, err)
	want := string(text)
	copy(text, bytes.Repeat([]byte("#"), len(text)))
	assert.Equal(t, want, resolvertest.JSON(t, o))
}

func TestParsingDoesNotWriteToItsText(t *testing.T) {
	text := []byte(" { \"b\" : \"\\u0061\" , \"a\" : [ 1 , 2 ] } ")
	before := bytes.Clone(text)
	_, err := credential.ParseObject(text)
	require.NoError(t, err)
	assert.Equal(t, before, text)
}

func TestAFieldIsFoundByItsExactName(t *testing.T) {
	o := resolvertest.Parse(t, `{"a":1,"b":{"c":2},"a":3}`)
	assert.Equal(t, 2, o.Len())
	v, ok := o.Get("a")
	assert.True(t, ok)
	assert.Equal(t, credential.NumberKind, v.Kind())
	for _, absent := range []string{"A", "c", "", "b.c"} {
		v, ok := o.Get(absent)
		assert.False(t, ok, absent)
		assert.Equal(t, credential.NullKind, v.Kind())
	}
}

func TestTheZeroObjectIsEmpty(t *testing.T) {
	var o credential.Object
	assert.Equal(t, `{}`, resolvertest.JSON(t, o))
	assert.Zero(t, o.Len())
	_, ok := o.Get("a")
	assert.False(t, ok)
	for range o.All() {
		t.Error("the zero object has a field")
	}
	assert.Equal(t, `{}`, resolvertest.JSON(t, credential.ApplySecretValues(o, o)))
}

func TestAllStopsOnBreak(t *testing.T) {
	var seen []string
	for name := range resolvertest.Parse(t, `{"c":1,"a":2,"b":3}`).All() {
		if seen = append(seen, name); name == "a" {
			break
		}
	}
	assert.Equal(t, []string{"c", "a"}, seen)
}

func TestBuiltObjectEqualsAParsedOne(t *testing.T) {
	fields := []credential.Field{
		{Name: "a", Value: credential.StringValue("1")}, {Name: "b"}, {Name: "a", Value: credential.StringValue("2")},
	}
	o := credential.NewObject(fields...)
	assert.Equal(t, `{"a":"2","b":null}`, resolvertest.JSON(t, o))
	fields[0].Name, fields[2].Value = "z", credential.StringValue("3")
	assert.Equal(t, `{"a":"2","b":null}`, resolvertest.JSON(t, o), "the object copies its fields")
}

func TestAppendIsAllOrNothing(t *testing.T) {
	prefix := []byte("prefix")
	got, err := resolvertest.Parse(t, `{"a":1}`).AppendJSON(prefix)
	require.NoError(t, err)
	assert.Equal(t, `prefix{"a":1}`, string(got))

	broken := credential.StringValue("s3cret\xff")
	inner := credential.NewObject(credential.Field{Name: "b", Value: broken}).AsValue()
	for _, o := range []credential.Object{
		credential.NewObject(credential.Field{Name: "a"}, credential.Field{Name: "b", Value: broken}),
		credential.NewObject(credential.Field{Name: "a"}, credential.Field{Name: "s3cret\xff"}),
		credential.NewObject(credential.Field{Name: "a"}, credential.Field{Name: "b", Value: inner}),
	} {
		got, err := o.AppendJSON(prefix)
		assert.EqualError(t, err, "not valid UTF-8")
		assert.Equal(t, "prefix", string(got))
	}
}

func TestDeepNestingIsParsed(t *testing.T) {
	deep := `{"a":` + strings.Repeat(`[`, 5000) + strings.Repeat(`]`, 5000) + `}`
	assert.Equal(t, deep, resolvertest.JSON(t, resolvertest.Parse(t, deep)))

	_, err := credential.ParseObject([]byte(`{"a":` + strings.Repeat(`[`, 500_000)))
	assert.EqualError(t, err, "not valid JSON")
}

// A small object is searched field by field, and a large one through an index.
func TestFieldsAreFoundInObjectsOfAnySize(t *testing.T) {
	for n := range 40 {
		var fields []credential.Field
		var want []string
		for i := range n {
			name := fmt.Sprint("f", i)
			fields = append(fields, credential.Field{Name: name, Value: credential.StringValue("old")})
			want = append(want, fmt.Sprintf(`"%s":"new"`, name))
		}
		for i := range n { // at their positions
			fields = append(fields, credential.Field{Name: fmt.Sprint("f", i), Value: credential.StringValue("key")})
		}
		made := credential.NewObject(fields...)
		secrets := credential.NewObject(credential.Field{Name: "key", Value: credential.StringValue("new")})
		got := credential.ApplySecretValues(made, secrets)
		assert.Equal(t, "{"+strings.Join(want, ",")+"}", resolvertest.JSON(t, got))
		for i := range n {
			for _, o := range []credential.Object{made, got} {
				_, ok := o.Get(fmt.Sprint("f", i))
				assert.True(t, ok, "%d of %d", i, n)
			}
		}
		_, ok := got.Get(fmt.Sprint("f", n))
		assert.False(t, ok)
	}
}

// Consistent reads take credentials for the same only if they are written the same way.
func TestObjectsThatDifferAreNotEqual(t *testing.T) {
	texts := []string{
		`{}`, `{"a":5}`, `{"a":"5"}`, `{"a":5.0}`, `{"b":5}`, `{"a":5,"b":5}`, `{"b":5,"a":5}`, `{"a":true}`, `{"a":"true"}`,
		`{"a":null}`, `{"a":"null"}`, `{"a":""}`, `{"a":{}}`, `{"a":"{}"}`, `{"a":{"b":5}}`, `{"a":{"b":"5"}}`, `{"a":[]}`,
	}
	for i, one := range texts {
		for j, other := range texts {
			assert.Equal(t, i == j, resolvertest.Parse(t, one).Equal(resolvertest.Parse(t, other)), "%s, %s", one, other)
		}
	}
}
