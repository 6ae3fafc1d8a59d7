package resolver_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/internal/canary"
	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func TestAReferenceMayNameAStore(t *testing.T) {
	first, second := resolvertest.New(t), resolvertest.New(t)
	first.Secrets.Put("pw", map[string]string{"value": "1"})
	second.Secrets.Put("pw", map[string]string{"value": "2"})
	named := map[string]resolver.NamedSecrets{"second": {Store: second.Secrets}}
	const fields = `"a":{"secretKeyRef":{"name":"pw"}},"b":{"secretKeyRef":{"name":"pw","store":"second"}},"c":"${pw}"`
	resolve := func(options resolver.Options, config string) *resolver.Resolver {
		first.Configs.Put(guid, config)
		options.Configs, options.Named = first.Configs, named
		return resolver.New(options)
	}
	both := resolver.Options{Secrets: first.Secrets}

	assert.Equal(t, `{"a":"1","b":"2","c":"1"}`, answer(t, resolve(both, explicitly(fields))))
	assert.Equal(t, []string{"pw"}, first.Secrets.Asked())
	assert.Equal(t, []string{"pw"}, second.Secrets.Asked())

	// References that name no store use the config's own store.
	own := `{"credential-resolver":{"references":"explicit","secretStore":"second"},` + fields + `}`
	assert.Equal(t, `{"a":"2","b":"2","c":"2"}`, answer(t, resolve(both, own)))
	assert.Equal(t, []string{"pw", "pw"}, second.Secrets.Asked(), "one secret of one store is read once")

	// Without a default store, each reference must name one.
	failure := failed(t, resolve(resolver.Options{}, explicitly(`"b":{"secretKeyRef":{"name":"pw","store":"second"}},"c":["${pw}"]`)))
	assert.Equal(t, credential.FailedPrecondition, failure.Kind)
	assert.Equal(t, `its field "c[0]" names no store, and the Component has no secretStore`, failure.Reason)
	assert.Equal(t, `{"b":"2","c":"x"}`, answer(t, resolve(resolver.Options{}, explicitly(`"b":{"secretKeyRef":{"name":"pw","store":"second"}},"c":"x"`))))
}

func TestExplicitConfigWithoutAStoreIsUnchanged(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, explicitly(`"a":"${one}"`))
	assert.Equal(t, `{"a":"${one}"}`, answer(t, resolver.New(resolver.Options{Configs: stores.Configs})))
}

func TestExplicitInvalidNameIsAnError(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, explicitly(`"a":"${fine}","b":{"c":{"secretKeyRef":{"name":"`+canary.Reference+`","optional":true,"default":1}}}`))
	options := stores.Options()
	options.Secrets = stores.Secrets.Named(func(name string) bool { return name == "fine" }, false)
	failure := failed(t, resolver.New(options))
	assert.Equal(t, credential.FailedPrecondition, failure.Kind)
	assert.Equal(t, `its field "b.c" refers to a name that no secret of its store can have`, failure.Reason)
	assert.Equal(t, credential.Reference(canary.Reference), failure.Reference)
	assert.Empty(t, stores.Secrets.Asked())
	assertRedactedError(t, failure)
}

// A name that single-key mode would treat as a literal is a valid explicit name, if the store
// allows it.
func TestExplicitNameFollowsOnlyTheStoreGrammar(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, explicitly(`"a":{"secretKeyRef":{"name":"a #|}{?% b"}}`))
	stores.Secrets.Put("a #|}{?% b", map[string]string{"v": "x"})
	assert.Equal(t, `{"a":"x"}`, answer(t, stores.Resolver()))
}

func TestAnExplicitReferenceThatIsNotAllowed(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.PutAll(secrets{"fine": {"v": "x"}, canary.Reference: {"v": canary.Secret}})
	for _, literal := range []bool{false, true} {
		stores.Configs.Put(guid, explicitly(`"a":"${fine}","b":["${`+canary.Reference+`}"],"c":{"secretKeyRef":{"name":"`+canary.Reference+`","optional":true,"default":1}}`))
		options := stores.Options()
		options.Allowed = func(name string) bool { return name == "fine" }
		options.DeniedIsLiteral = literal
		failure := failed(t, resolver.New(options))
		assert.Equal(t, credential.Denied, failure.Kind)
		assert.Equal(t, `its field "b[0]" asks for a secret that metadata allowedSecrets does not allow`, failure.Reason)
		assert.Empty(t, stores.Secrets.Asked(), "not even for allowed secrets")
		assertRedactedError(t, failure)
	}
}

func TestStoreFailureFailsTheExplicitCredential(t *testing.T) {
	for kind, want := range map[credential.Kind]string{
		credential.Unavailable:        "the secret store is unavailable",
		credential.Timeout:            "the secret store did not answer in time",
		credential.Internal:           "internal error",
		credential.Denied:             `the secret store refused the request (its field "b" refers to it)`,
		credential.FailedPrecondition: `the secret store holds the requested data in a form that cannot be used (see the component's log) (its field "b" refers to it)`,
	} {
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, explicitly(`"a":"${fine}","b":{"secretKeyRef":{"name":"x","optional":true,"default":"d"}},"c":{"secretKeyRef":{"name":"x"}}`))
		stores.Secrets.Put("fine", map[string]string{"v": "x"})
		stores.Secrets.Before("x", resolvertest.Fail(&credential.StoreError{Kind: kind}))
		options := stores.Options()
		options.DeniedIsLiteral = true
		failure := failed(t, resolver.New(options))
		assert.Equal(t, kind, failure.Kind)
		assert.Equal(t, want, failure.Reason)
	}
}

func TestPanicInAStoreFailsOneExplicitRequest(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Configs.Put(guid, explicitly(`"a":"${x}"`))
	stores.Secrets.Before("x", resolvertest.Panic("boom"))
	assert.Equal(t, credential.Internal, failed(t, stores.Resolver()).Kind)
}

func TestExplicitReferenceToInvalidUTF8(t *testing.T) {
	stores := resolvertest.New(t)
	stores.Secrets.Put("bin", map[string]string{"v": "\xff"})
	stores.Secrets.Put("object", map[string]string{"v": "{\"a\":\"\xff\"}"})
	for fields, want := range map[string]string{
		`"a":["${bin}"]`: `its field "a[0]" would not be valid UTF-8`,
		`"a":{"b":{"secretKeyRef":{"name":"bin"}}}`: `its field "a.b" would not be valid UTF-8`,
		`"a":"${bin|json}"`:                         `its field "a" would not be valid UTF-8`,
		`"a":"${object}"`:                           `one of its secrets is a JSON object that is not valid UTF-8 (its field "a" refers to it)`,
	} {
		stores.Configs.Put(guid, explicitly(fields))
		failure := failed(t, stores.Resolver())
		assert.Equal(t, credential.FailedPrecondition, failure.Kind)
		assert.Equal(t, want, failure.Reason)
	}
	stores.Configs.Put(guid, explicitly(`"a":["${bin|base64}","${bin|urlquery}"]`))
	assert.Equal(t, `{"a":["/w==","%FF"]}`, answer(t, stores.Resolver()))
}

func TestExplicitReferencesAreFetchedEightAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := resolvertest.New(t)
		var fields []string
		for i := range 30 {
			name := fmt.Sprintf("s%d", i)
			stores.Secrets.Put(name, map[string]string{"v": name})
			fields = append(fields, fmt.Sprintf(`"f%d":["${%s}","${%s#v}"]`, i, name, name))
		}
		stores.Configs.Put(guid, explicitly(strings.Join(fields, ",")))
		gate := stores.Secrets.Hold()
		done := make(chan error)
		go func() {
			_, err := stores.Resolver().Resolve(t.Context(), guid)
			done <- err
		}()
		for answered := range 30 {
			synctest.Wait()
			assert.Equal(t, min(8, 30-answered), stores.Secrets.Running())
			gate <- struct{}{}
		}
		require.NoError(t, <-done)
		assert.Len(t, stores.Secrets.Asked(), 30)
	})
}

func TestExplicitReferencesShareTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stores := resolvertest.New(t)
		stores.Configs.Put(guid, explicitly(`"a":"${x}"`))
		stores.Secrets.Before("x", resolvertest.Block())
		began := time.Now()
		assert.Equal(t, credential.Timeout, failedWithin(t, time.Second, stores.Resolver()).Kind)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

// A config may be deep and long at once. It is read and written in one pass.
func TestADeepAndLongConfig(t *testing.T) {
	stores := resolvertest.New(t)
	const depth = 4000
	config := func(inner string) string {
		return `{"a":` + strings.Repeat(`[{"a":`, depth) + `["` + strings.Repeat("x", 500_000) + `",` + inner + `]` + strings.Repeat(`}]`, depth) + `}`
	}
	stores.Configs.Put(guid, `{"credential-resolver":{"references":"explicit"},`+config(`"${one}"`)[1:])
	stores.Secrets.Put("one", map[string]string{"v": "only"})
	assert.True(t, config(`"only"`) == answer(t, stores.Resolver()))
	stores.Secrets.Delete("one")
	assert.Contains(t, failed(t, stores.Resolver()).Reason, `its field "….a[0].a[0].a`)
}
