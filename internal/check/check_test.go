package check_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/component"
	"credential-resolver/internal/canary"
	"credential-resolver/internal/check"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

func explicitly(fields string) string {
	return `{"credential-resolver":{"references":"explicit"},` + fields + `}`
}

func agent(fields string) string { return `{"credentialSource":"agent",` + fields + `}` }

func TestEachMistakeIsFound(t *testing.T) {
	for name, row := range map[string]struct {
		config string
		change func(*fixture)
		want   []string // without the GUID
	}{
		"nothing":                 {config: agent(`"password":"pw","host":"h","user":"u"`)},
		"no object":               {config: `[]`, want: []string{"error config-invalid"}},
		"a malformed reference":   {config: explicitly(`"a":"${"`), want: []string{"error config-invalid"}},
		"a wrong secret-path":     {config: `{"secret-path":1}`, want: []string{"error config-invalid"}},
		"an unknown store":        {config: `{"credential-resolver":{"secretStore":"third"}}`, want: []string{"error unresolvable"}},
		"a bundle that is gone":   {config: agent(`"secret-path":"gone"`), want: []string{"error reference-missing secretStore/gone"}},
		"a store of a reference":  {config: explicitly(`"a":{"secretKeyRef":{"name":"gone","store":"second"}}`), want: []string{"error reference-missing secretStores.second/gone"}},
		"a refused bundle":        {config: agent(`"secret-path":"denied"`), want: []string{"error secret-denied secretStore/denied"}},
		"a refused value":         {config: agent(`"a":"denied","b":"pw"`), want: []string{"error secret-denied secretStore/"}},
		"an unusable secret":      {config: agent(`"secret-path":"unusable"`), want: []string{"error secret-unusable secretStore/unusable"}},
		"nothing replaced":        {config: agent(`"a":"none"`), want: []string{"error unresolvable"}},
		"a name of no secret":     {config: agent(`"secret-path":"pw","a":"value"`), want: nil},
		"source":                  {config: `{"credentialSource":"vault"}`, want: []string{"warning source-unknown credentialSource"}},
		"a secret that is unused": {config: agent(`"a":"pw","b":"several"`), want: []string{"warning secret-unused b secretStore/several"}},
		"only an entry is used":   {config: agent(`"a":"one","b":"several"`), want: nil},
		"a replaced port":         {config: agent(`"password":"pw","port":"5432","db_host":"h"`), want: []string{"warning literal-replaced port"}},
		"a missing secret":        {config: agent(`"a":"pw","apiToken":"tok","user":"x"`), want: []string{"warning lookup-missing apiToken"}},
		"a missing entry":         {config: agent(`"secret-path":"several","a":"one","extra":{"token":"three"}`), want: []string{"warning lookup-missing extra.token"}},
		"a direct one":            {config: `{"password":"plain","user":"u","api_key_id":"x","extra":{"deep":[{"clientSecret":"y"}]}}`, want: []string{"warning plain-text password", "warning plain-text extra.deep[0].clientSecret"}},
		"a value that was looked up, but is a key": {
			config: agent(`"a":"pw","b":"-----BEGIN RSA PRIVATE KEY-----\nMII"`), want: []string{"warning plain-text b"},
		},
		"placeholders":    {config: `{"password":"","token":"***","secret":null,"api_key":"<set me>","pwd":"changeme"}`, want: nil},
		"explicit":        {config: explicitly(`"password":"plain","url":"x://u:${pw}@h","v":{"secretKeyRef":{"name":"pw"}},"url2":"x://u:p@h","o":{"l":[{"token":"t"}]}`), want: []string{"warning plain-text password", "warning plain-text url2", "warning plain-text o.l[0].token"}},
		"a failing one":   {config: explicitly(`"password":"plain","a":"${gone}"`), want: []string{"error reference-missing secretStore/gone", "warning plain-text password"}},
		"not explicit":    {config: `{"password":"${pw}","o":{"secretKeyRef":{"name":"pw"}}}`, want: []string{"warning reference-ignored password", "warning reference-ignored o"}},
		"allowed secrets": {config: agent(`"secret-path":"pw"`), change: allowOnly("x"), want: []string{"error secret-not-allowed secretStore/pw"}},
		"refused is literal": {
			config: agent(`"a":"denied","b":"pw","token":"denied"`), change: func(f *fixture) { f.settings.DeniedIsLiteral = true }, want: []string{"warning lookup-missing token"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if row.change != nil {
				row.change(f)
			}
			f.stores.Secrets.PutAll(map[string]map[string]string{
				"pw": {"value": "the-password"}, "several": {"one": "1", "two": "2"}, "5432": {"value": "x"}, "h": {"value": ""},
			})
			f.stores.Secrets.Before("denied", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("403")}))
			f.stores.Secrets.Before("unusable", resolvertest.Fail(&credential.StoreError{Kind: credential.FailedPrecondition}))
			f.stores.Configs.Put("guid", row.config)
			findings, summary := f.check(t, "")
			var want []string
			for _, line := range row.want {
				words := strings.SplitN(line, " ", 3)
				words = append(words[:2], append([]string{"guid"}, words[2:]...)...)
				want = append(want, strings.Join(words, " "))
			}
			assert.Equal(t, want, lines(findings))
			assert.Equal(t, len(findings), summary.Errors+summary.Warnings)
			assert.Equal(t, 1, summary.Credentials)
			assert.Zero(t, summary.Unchecked)
		})
	}
}

func allowOnly(globs string) func(*fixture) {
	return func(f *fixture) {
		allowed, err := component.ParseGlobs(globs)
		if err != nil {
			panic(err)
		}
		f.settings.AllowedSecrets = allowed
	}
}

func TestTheOrderIsThatOfTheGUIDs(t *testing.T) {
	f := newFixture(t)
	var want []string
	for i := range 50 {
		guid := fmt.Sprintf("g%02d", i)
		f.stores.Configs.Put(guid, `[]`)
		want = append(want, "error config-invalid "+guid)
	}
	findings, summary := f.check(t, "")
	assert.Equal(t, want, lines(findings))
	assert.Equal(t, check.Summary{Credentials: 50, Errors: 50}, summary)
	assert.Equal(t, []string{"16 of 50", "32 of 50", "48 of 50", "50 of 50"}, f.done)
}

func TestOneCredentialIsChecked(t *testing.T) {
	f := newFixture(t)
	f.stores.Configs.Put("bad", `[]`)
	f.stores.Configs.Put("good", `{}`)
	findings, _ := f.check(t, "good")
	assert.Empty(t, findings)
	findings, _ = f.check(t, "gone")
	assert.Equal(t, []string{"error config-missing gone"}, lines(findings))
	assert.NotContains(t, f.stores.Configs.Asked(), resolvertest.Listing)
}

func TestConfigsThatCannotBeAskedForAreFound(t *testing.T) {
	f := newFixture(t)
	f.stores.Configs.Put("a b", `{}`)
	f.stores.Configs.Put("deleted", `{}`)
	f.stores.Configs.Before("deleted", resolvertest.Fail(&credential.StoreError{Kind: credential.NotFound}))
	f.stores.Configs.Put("refused", `{}`)
	f.stores.Configs.Before("refused", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("no right")}))
	findings, summary := f.check(t, "")
	assert.Equal(t, []string{"warning guid-malformed a b", "error config-unreadable refused configStore/"}, lines(findings))
	assert.Contains(t, findings[1].Message, "the config store refused the request: no right")
	assert.Equal(t, 2, summary.Credentials)
}

func TestSharedValuesAreFoundOnce(t *testing.T) {
	f := newFixture(t)
	f.stores.Secrets.PutAll(map[string]map[string]string{
		"a": {"value": "the-same-value"}, "b": {"value": "the-same-value"}, "c": {"password": "the-same-value", "user": "the-same-user"},
		"d": {"user": "the-same-user", "password": "another-value"}, "short": {"value": "1234567"}, "short2": {"value": "1234567"},
		"twice": {"password": "twice-the-same", "token": "twice-the-same"},
	})
	f.second.Secrets.Put("a", map[string]string{"value": "the-same-value"})
	for i, name := range []string{"a", "b", "b", "c", "d", "short", "short2", "twice"} {
		f.stores.Configs.Put(fmt.Sprintf("g%d", i), agent(`"secret-path":"`+name+`"`))
	}
	f.stores.Configs.Put("g9", `{"credential-resolver":{"secretStore":"second"},"credentialSource":"agent","secret-path":"a"}`)
	findings, _ := f.check(t, "")
	assert.Equal(t, []string{
		"warning value-shared g1 secretStore/b", "warning value-shared g3 secretStore/c", "warning value-shared g9 secretStores.second/a",
	}, lines(findings))
	assert.Equal(t, `one of its secrets has the same value as "a" in secretStore, which "g0" uses`, findings[0].Message)
}

// An old version of a secret may have another value, so it is not compared.
func TestVersionsAreNotCompared(t *testing.T) {
	f := newFixture(t)
	f.stores.Secrets.PutAll(map[string]map[string]string{
		"a": {"value": "the-same-value"}, "b": {"value": "the-same-value"}, "b@1": {"value": "the-same-value"},
	})
	f.stores.Configs.Put("g0", explicitly(`"x":"${a}"`))
	f.stores.Configs.Put("g1", explicitly(`"x":{"secretKeyRef":{"name":"b","version":"1"}}`))
	f.stores.Configs.Put("g2", explicitly(`"x":"${b}"`))
	findings, _ := f.check(t, "")
	assert.Equal(t, []string{"warning value-shared g2 secretStore/b"}, lines(findings))
}

// A store that is down is named once, and is not asked for the rest.
func TestAStoreThatFailsIsFoundOnce(t *testing.T) {
	down := &credential.StoreError{Kind: credential.Unavailable, Err: errors.New("no route")}
	for name, row := range map[string]struct {
		fail func(*fixture)
		want string
		text string
	}{
		"down": {
			func(f *fixture) { f.stores.Secrets.Before(resolvertest.Any, resolvertest.Fail(down)) },
			"error store-unreachable  secretStore/", "the secret store is unavailable: no route (100 credentials were not checked, first \"g00\")",
		},
		"refused": {
			func(f *fixture) {
				f.stores.Secrets.Before(resolvertest.Any, resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, General: true, Err: errors.New("403")}))
			},
			"error store-denied  secretStore/", "the secret store refused the request: 403 (100 credentials were not checked, first \"g00\")",
		},
		"not opened": {
			func(f *fixture) { f.failed["secretStore"] = errors.New("secretStore (x): no file") },
			"error store-unreachable  secretStore/", "it cannot be opened (x): no file (100 credentials were not checked, first \"g00\")",
		},
		"configs": {
			func(f *fixture) {
				f.stores.Configs.Before(resolvertest.Any, resolvertest.Fail(down))
				f.stores.Configs.Before(resolvertest.Listing, func(context.Context) error { return nil })
			},
			"error store-unreachable  configStore/", "store: unavailable: no route (100 credentials were not checked, first \"g00\")",
		},
		"no list": {
			func(f *fixture) {
				f.stores.Configs.Before(resolvertest.Listing, resolvertest.Fail(&credential.StoreError{Kind: credential.FailedPrecondition, Err: errors.New("it keeps no index")}))
			},
			"error store-cannot-list  configStore/", "it cannot list its configs: store: failed precondition: it keeps no index",
		},
		"configs not opened": {
			func(f *fixture) { f.failed["configStore"] = errors.New("configStore (x): wrong password") },
			"error store-unreachable  configStore/", "it cannot be opened (x): wrong password",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			for i := range 100 {
				f.stores.Configs.Put(fmt.Sprintf("g%02d", i), `{}`)
			}
			row.fail(f)
			findings, summary := f.check(t, "")
			require.Equal(t, []string{row.want}, lines(findings))
			assert.Equal(t, row.text, findings[0].Message)
			assert.Equal(t, summary.Credentials, summary.Unchecked)
			assert.LessOrEqual(t, len(f.stores.Secrets.Asked()), 20)
		})
	}
}

// A store that answers now and then is asked again: a single credential is not checked.
func TestAShortOutageIsNoEnd(t *testing.T) {
	f := newFixture(t)
	for i := range 60 {
		f.stores.Configs.Put(fmt.Sprintf("g%02d", i), `{}`)
	}
	f.stores.Secrets.Before("g05", resolvertest.Fail(&credential.StoreError{Kind: credential.Timeout}))
	f.stores.Secrets.Before("g20", resolvertest.Fail(&credential.StoreError{Kind: credential.Timeout}))
	f.stores.Secrets.Before("g35", resolvertest.Fail(&credential.StoreError{Kind: credential.Timeout}))
	findings, summary := f.check(t, "")
	require.Equal(t, []string{"error store-unreachable  secretStore/"}, lines(findings))
	assert.Contains(t, findings[0].Message, `(3 credentials were not checked, first "g05")`)
	assert.Equal(t, check.Summary{Credentials: 60, Unchecked: 3, Errors: 1}, summary)
}

// Each name is asked for once, whether it exists or not.
func TestEachNameIsAskedForOnce(t *testing.T) {
	f := newFixture(t)
	f.stores.Secrets.Put("pw", map[string]string{"value": "the-password"})
	f.stores.Secrets.Before("denied", resolvertest.Fail(&credential.StoreError{Kind: credential.Denied}))
	for i := range 40 {
		f.stores.Configs.Put(fmt.Sprintf("g%02d", i), agent(`"a":"pw","b":"none","c":"denied"`))
	}
	f.check(t, "g00")
	asked := len(f.stores.Secrets.Asked())
	assert.Equal(t, 3, asked)
	f.check(t, "")
	counts := map[string]int{}
	for _, name := range f.stores.Secrets.Asked()[asked:] {
		counts[name]++
	}
	assert.Equal(t, 1, counts["pw"])
	assert.LessOrEqual(t, counts["none"], 16, "once per credential of the first chunk at most")
	assert.LessOrEqual(t, counts["denied"], 16)
}

func TestACheckEndsWithItsContext(t *testing.T) {
	f := newFixture(t)
	f.stores.Configs.Put("g", `{}`)
	stores := f.open()
	c, err := check.New(f.settings, stores, nil, nil)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.All(ctx, func(check.Finding) error { return nil })
	require.ErrorIs(t, err, context.Canceled)
	full := errors.New("full")
	f.stores.Configs.Put("g", `[]`)
	_, err = c.All(t.Context(), func(check.Finding) error { return full })
	require.ErrorIs(t, err, full)
}

// A looked-up value may be a password, and so may a value of a config.
func TestNoFindingHasAValue(t *testing.T) {
	f := newFixture(t)
	f.stores.Secrets.Before(canary.Secret, resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("refused " + canary.Secret)}))
	f.stores.Secrets.Put("pw", map[string]string{"value": canary.Secret, "password": canary.Secret})
	f.stores.Secrets.Put("pw2", map[string]string{"value": canary.Secret, "password": canary.Secret})
	for i, config := range []string{
		agent(`"password":"` + canary.Secret + `"`), agent(`"password":"` + canary.Literal + `","b":"pw"`), `{"password":"` + canary.Literal + `"}`,
		explicitly(`"password":"` + canary.Literal + `","a":"${pw#value}","b":"${pw2#value}"`), `{"password":"` + canary.Literal + `}`,
		agent(`"secret-path":"pw","password":"` + canary.Literal + `"`), `{"token":"${` + canary.Literal + `}"}`, explicitly(`"a":"${` + canary.Literal + `#}"`),
	} {
		f.stores.Configs.Put(fmt.Sprintf("g%d", i), config)
	}
	findings, _ := f.check(t, "")
	assert.Equal(t, []string{
		"error secret-denied g0 secretStore/", "error unresolvable g1", "warning plain-text g2 password", "warning plain-text g3 password",
		"warning value-shared g3 secretStore/pw2", "error config-invalid g4", "error unresolvable g5", "warning reference-ignored g6 token", "error config-invalid g7",
	}, lines(findings))
	canary.AssertNone(t, fmt.Sprintf("%+v", findings))
}

// docs/check.md has a row for each ID.
func TestFindingsAreDocumented(t *testing.T) {
	source, err := os.ReadFile("finding.go")
	require.NoError(t, err)
	page, err := os.ReadFile("../../docs/check.md")
	require.NoError(t, err)
	ids := regexp.MustCompile(`ID = "([a-z-]+)"`).FindAllStringSubmatch(string(source), -1)
	rows := regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(ids), 15)
	require.Len(t, rows, len(ids))
	for i, id := range ids {
		assert.Equal(t, id[1], rows[i][1], "in the same order")
	}
}

// A store that could not be opened still knows whether it keeps versions: its credentials are not
// checked, and not found to be wrong.
func TestAVersionInAStoreThatFailedIsNotChecked(t *testing.T) {
	f := newFixture(t)
	f.settings.SecretStore.Type = "secretstores.hashicorp.vault"
	f.settings.SecretStore.Fields = map[string]string{"vaultAddr": "http://127.0.0.1:1", "vaultToken": "none"}
	f.failed["secretStore"] = errors.New("secretStore (x): down")
	f.stores.Configs.Put("g", explicitly(`"a":{"secretKeyRef":{"name":"s","version":"1"}}`))
	findings, summary := f.check(t, "")
	assert.Equal(t, []string{"error store-unreachable  secretStore/"}, lines(findings))
	assert.Equal(t, 1, summary.Unchecked)
}
