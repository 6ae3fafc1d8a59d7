package resolver_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

const errOddVersion = credential.Remedy("versions are even: give an even one")

// versionedStores returns stores with two versions of a secret and its current one. The store
// refuses the version "odd".
func versionedStores(t *testing.T) (*resolvertest.Stores, resolver.Options) {
	t.Helper()
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(secrets{"pw": {"k": "now"}, "pw@2": {"k": "two"}, "pw@4": {"k": "four"}})
	options := stores.Options()
	options.Secrets = stores.Secrets.Versioned(func(version string) error {
		if version == "odd" {
			return errOddVersion
		}
		return nil
	})
	return stores, options
}

func TestReferenceToAVersion(t *testing.T) {
	ref := func(more string) string { return `{"secretKeyRef":{"name":"pw","key":"k"` + more + `}}` }
	for name, test := range map[string]struct{ fields, want string }{
		"two versions beside the current one": {
			`"a":` + ref(`,"version":"2"`) + `,"b":` + ref(`,"version":"4"`) + `,"c":` + ref(``) + `,"d":"${pw#k}"`,
			`{"a":"two","b":"four","c":"now","d":"now"}`,
		},
		"a number":                       {`"a":` + ref(`,"version":4`), `{"a":"four"}`},
		"a missing one with a default":   {`"a":` + ref(`,"version":"6","default":"d"`), `{"a":"d"}`},
		"a missing one that may":         {`"a":` + ref(`,"version":"6","optional":true`) + `,"b":"x"`, `{"b":"x"}`},
		"in a literal, it means nothing": {`"version":"2","a":"${pw#k}"`, `{"version":"2","a":"now"}`},
	} {
		t.Run(name, func(t *testing.T) {
			stores, options := versionedStores(t)
			stores.Configs.Put(guid, explicitly(test.fields))
			assert.Equal(t, test.want, answer(t, resolver.New(options)))
		})
	}
}

func TestReferenceToAVersionThatCannotBe(t *testing.T) {
	with := func(version string) string {
		return `"a":[{"secretKeyRef":{"name":"pw","version":` + version + `,"optional":true}}]`
	}
	const subject = `its field "a[0]" has a "secretKeyRef" `
	for name, test := range map[string]struct{ fields, want string }{
		"refused by the store": {with(`"odd"`), subject + `with a "version": ` + string(errOddVersion)},
		"null":                 {with(`null`), subject + `whose "version" has the wrong type, or is empty`},
		"empty":                {with(`""`), subject + `whose "version" has the wrong type, or is empty`},
		"an object":            {with(`{}`), subject + `whose "version" has the wrong type, or is empty`},
	} {
		t.Run(name, func(t *testing.T) {
			stores, options := versionedStores(t)
			stores.Configs.Put(guid, explicitly(test.fields))
			failure := failed(t, resolver.New(options))
			assert.Equal(t, credential.FailedPrecondition, failure.Kind)
			assert.Equal(t, test.want, failure.Reason)
			assert.Empty(t, stores.Secrets.Asked())
		})
	}
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, explicitly(with(`"2"`)))
	failure := failed(t, stores.Resolver())
	assert.Equal(t, credential.FailedPrecondition, failure.Kind)
	assert.Equal(t, subject+`with a "version": this type of secret store keeps no versions: remove it`, failure.Reason)
	assert.Empty(t, stores.Secrets.Asked())
}

func TestMissingVersionIsNamed(t *testing.T) {
	stores, options := versionedStores(t)
	stores.Configs.Put(guid, explicitly(`"a":{"secretKeyRef":{"name":"pw","version":"6"}}`))
	failure := failed(t, resolver.New(options))
	assert.Equal(t, credential.NotFound, failure.Kind)
	assert.Equal(t, `its field "a" refers to a version of a secret that does not exist`, failure.Reason)
}

// allowedSecrets and maxSecrets hold for versions too.
func TestVersionsAreLimitedLikeSecrets(t *testing.T) {
	stores, options := versionedStores(t)
	stores.Configs.Put(guid, explicitly(`"a":{"secretKeyRef":{"name":"pw","version":"2"}},"b":{"secretKeyRef":{"name":"pw","version":"4"}}`))
	options.Allowed = func(name string) bool { return name == "pw" }
	options.MaxSecrets = 2
	assert.Equal(t, `{"a":"two","b":"four"}`, answer(t, resolver.New(options)))
	options.MaxSecrets = 1
	assert.Equal(t, credential.FailedPrecondition, failed(t, resolver.New(options)).Kind)
	options.MaxSecrets, options.Allowed = 2, func(string) bool { return false }
	assert.Equal(t, credential.Denied, failed(t, resolver.New(options)).Kind)
}

// A cached version is never answered in place of another one, and each is prefetched.
func TestVersionsAreCachedApart(t *testing.T) {
	stores, options := versionedStores(t)
	options.Cache = cache.Options{TTL: cache.DefaultTTL}
	r := resolver.New(options)
	t.Cleanup(r.Close)
	for range 2 {
		stores.Configs.Put(guid, explicitly(`"a":{"secretKeyRef":{"name":"pw","version":"2"}},"b":"${pw}"`))
		assert.Equal(t, `{"a":"two","b":"now"}`, answer(t, r))
		stores.Configs.Put(guid, explicitly(`"a":"${pw}","b":{"secretKeyRef":{"name":"pw","version":"4"}}`))
		assert.Equal(t, `{"a":"now","b":"four"}`, answer(t, r))
	}
	assert.ElementsMatch(t, []string{"pw", "pw@2", "pw@4"}, stores.Secrets.Asked())
}
