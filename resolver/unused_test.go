package resolver_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// Section 4, step 5: "a value that names a secret of which nothing was used stays, with a
// warning (once per config)".
func TestUnusedSecretIsReported(t *testing.T) {
	held := secrets{
		"gcp-sa": {"key.json": `{"type":"gcp","project":"p"}`}, "pw": {"value": "s3cret"},
		"several": {"user": "u", "password": "p"}, "nested": {"json": `{"x":{"y":1}}`}, "empty": {"a": "", "b": ""},
		"later": {"several-too": "1", "x": "2"}, "several-too": {"a": "1", "b": "2"},
	}
	for _, row := range []struct {
		name, fields string
		want         []string // the reported fields
	}{
		{"a JSON document", `"sa":"gcp-sa","password":"pw"`, []string{"sa"}},
		{"an object of one object", `"sa":"nested","password":"pw"`, []string{"sa"}},
		{"several entries, none of them named", `"a":"several","password":"pw"`, []string{"a"}},
		{"in extra, and twice", `"a":"several","password":"pw","extra":{"b":"several","c":"gcp-sa"}`, []string{"a", "extra.b", "extra.c"}},
		{"nothing is replaced", `"a":"gcp-sa"`, []string{"a"}},
		{"an entry of it is named by another field", `"a":"several","u":"user","password":"pw"`, nil},
		{"an entry of it is named by a literal field", `"host":"user","a":"several","password":"pw"`, []string{"a"}},
		{"a field of its object is named by another field", `"a":"gcp-sa","u":"type"`, nil},
		{"its only entry is used", `"password":"pw"`, nil},
		{"no secret", `"a":"none","password":"pw"`, nil},
		{"a secret with only empty entries", `"a":"empty","password":"pw"`, nil},
		{"its value is replaced by another secret's entry", `"a":"several-too","b":"later"`, nil},
		{"a literal field", `"host":"gcp-sa","password":"pw"`, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, `{"credentialSource":"agent",`+row.fields+`}`)
			stores.Secrets.PutAll(held)
			options := stores.Options()
			options.AllowUnresolved, options.LiteralFields = true, []string{"host"}
			var reported reports
			options.Observer = &reported
			r := resolver.New(options)
			answer(t, r)
			assert.Equal(t, row.want, reported.unusedFields)
			answer(t, r)
			stores.Configs.Put(guid, `{"credentialSource":"agent",  `+row.fields+`}`)
			answer(t, r)
			if row.want != nil {
				assert.Equal(t, []bool{true, false, true}, reported.firstUnused, "first is true once per config")
			}
		})
	}
}

func TestUnusedSecretsAreReportedForSingleKeyOnly(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(secrets{"p": {"x": "1", "y": "2"}, guid: {"x": "1", "y": "2"}})
	options := stores.Options()
	options.AllowUnresolved = true
	var reported reports
	options.Observer = &reported
	r := resolver.New(options)
	for _, config := range []string{
		`{"a":"p"}`, `{"credentialSource":"agent","secret-path":"p","a":"p"}`, explicitly(`"a":"${p#x}","b":"p"`),
	} {
		stores.Configs.Put(guid, config)
		answer(t, r)
		assert.Empty(t, reported.unusedFields)
	}
}

// Unused prints without its secret, which may be a password.
func TestUnusedSecretIsRedactedWhenPrinted(t *testing.T) {
	assert.NotContains(t, fmt.Sprintf("%v %+v %s", resolver.Unused{Field: "a", Secret: canary.Secret}, []resolver.Unused{{Secret: canary.Secret}},
		credential.Reference(canary.Secret)), canary.Secret)
}
