package resolver_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

var outcomes = map[credential.Outcome]string{
	credential.SecretFound: "found", credential.SecretMissing: "missing", credential.SecretRefused: "refused",
	credential.SecretKnownLiteral: "known literal", credential.SecretNotAllowed: "not allowed", credential.SecretNotAName: "not a name",
}

// usesIn returns the uses of secrets as texts, such as "found pw" or "missing second:pw@2". Those
// that were not read for this resolution end with ", not asked".
func usesIn(p *credential.Provenance) []string {
	var texts []string
	for _, use := range p.Secrets {
		text := string(use.Name)
		if use.Store != "" {
			text = use.Store + ":" + text
		}
		if use.Version != "" {
			text += "@" + use.Version
		}
		text = outcomes[use.Outcome] + " " + text
		if !p.Asked(use) {
			text += ", not asked"
		}
		texts = append(texts, text)
	}
	return texts
}

func TestProvenanceListsTheSecretsThatWereNeeded(t *testing.T) {
	refuse := resolvertest.Fail(&credential.StoreError{Kind: credential.Denied, Err: errors.New("403")})
	for _, row := range []struct {
		name, config string
		change       func(*resolvertest.Stores, *resolver.Options)
		mode         string
		want         []string
	}{
		{"direct", `{"user":"u"}`, nil, "direct, multi-key", []string{"found " + guid}},
		{"an unknown source", `{"credentialSource":"x"}`, nil, "direct, multi-key, source unknown", []string{"found " + guid}},
		{"direct without a secret", `{"user":"u"}`, func(s *resolvertest.Stores, _ *resolver.Options) {
			s.Secrets.Delete(guid)
		}, "direct, multi-key", []string{"missing " + guid}},
		{"direct, with a GUID that is no name", `{"user":"u"}`, func(s *resolvertest.Stores, o *resolver.Options) {
			o.Secrets = s.Secrets.Named(func(string) bool { return false }, false)
		}, "direct, multi-key", []string{"not a name " + guid + ", not asked"}},
		{"a bundle", `{"credentialSource":"agent","secret-path":"bundle","a":"pw"}`, nil, "agent, multi-key", []string{"found bundle"}},
		{
			"single-key", `{"credentialSource":"agent","z":"none","a":"pw","b":"pw","c":"two words","extra":{"d":"tk"}}`, nil,
			"agent, single-key",
			[]string{"missing none", "found pw", "found tk"},
		},
		{"single-key, with refusals", `{"credentialSource":"agent","h":"hidden","n":"not-allowed","a":"pw"}`, func(s *resolvertest.Stores, o *resolver.Options) {
			s.Secrets.Before("hidden", refuse)
			o.DeniedIsLiteral, o.Allowed = true, func(name string) bool { return name != "not-allowed" }
		}, "agent, single-key", []string{"refused hidden", "found pw", "not allowed not-allowed, not asked"}},
		{"a named store", `{"credential-resolver":{"secretStore":"second"},"credentialSource":"agent","a":"pw"}`, func(s *resolvertest.Stores, o *resolver.Options) {
			o.Named = map[string]resolver.NamedSecrets{"second": {Store: s.Secrets}}
		}, "agent, single-key", []string{"found second:pw"}},
		{
			"explicit references",
			explicitly(`"z":"${pw}${tk}","y":[{"secretKeyRef":{"name":"none","optional":true}}],"x":"${pw}","w":{"secretKeyRef":{"name":"pw","version":"2","store":"second"}}`),
			func(s *resolvertest.Stores, o *resolver.Options) {
				versions := s.Secrets.Versioned(func(string) error { return nil })
				o.Named = map[string]resolver.NamedSecrets{"second": {Store: versions}}
			},
			"explicit",
			[]string{"found pw", "found tk", "missing none", "found second:pw@2"},
		},
		{"no store", `{"credentialSource":"agent","a":"pw"}`, func(_ *resolvertest.Stores, o *resolver.Options) {
			o.Secrets = nil
		}, "agent, single-key, no store", nil},
		{"no default store", `{"credentialSource":"agent","a":"pw"}`, func(s *resolvertest.Stores, o *resolver.Options) {
			o.Secrets, o.Named = nil, map[string]resolver.NamedSecrets{"second": {Store: s.Secrets}}
		}, "agent, single-key, no store", nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			stores := resolvertest.New(t)
			stores.Configs.Put(guid, row.config)
			stores.Secrets.PutAll(secrets{
				guid: {"password": "p"}, "bundle": {"pw": "p"}, "pw": {"value": "p"}, "pw@2": {"value": "p2"}, "tk": {"value": "t"},
			})
			options := stores.Options()
			if row.change != nil {
				row.change(stores, &options)
			}
			finished, err := resolver.New(options).Resolve(t.Context(), guid)
			require.NoError(t, err)
			p := finished.Provenance
			assert.Equal(t, row.want, usesIn(p))
			mode := fmt.Sprintf("%s, %s", p.Source, p.Mode)
			if p.Explicit {
				mode = "explicit"
			}
			if p.SourceUnknown {
				mode += ", source unknown"
			}
			if p.NoStore {
				mode += ", no store"
			}
			assert.Equal(t, row.mode, mode)
			asked := 0
			for _, use := range p.Secrets {
				if p.Asked(use) {
					asked++
				}
			}
			assert.Len(t, stores.Secrets.Asked(), asked)
		})
	}
}

func TestProvenanceTellsWhatComesFromTheCache(t *testing.T) {
	resolvertest.TestCached(t, nil, func(c *resolvertest.Cached) {
		c.Configs.Put("one", `{"credentialSource":"agent","password":"pw","host":"h"}`)
		c.Configs.Put("two", `{"credentialSource":"agent","password":"pw","host":"h"}`)
		c.Secrets.Put("pw", map[string]string{"value": "p"})
		began := time.Now()
		of := func(guid string) *credential.Provenance {
			answer, err := c.Resolve(c.T.Context(), guid, cache.Ask{})
			require.NoError(c.T, err)
			return answer.Provenance
		}
		assert.Equal(c.T, []string{"found pw", "missing h"}, usesIn(of("one")))
		c.Pass(10 * time.Second)
		two := of("two")
		assert.Equal(c.T, []string{"found pw, not asked", "known literal h, not asked"}, usesIn(two), "the configs have the same text")
		for _, use := range two.Secrets {
			assert.Equal(c.T, began, use.ReadAt)
		}
		assert.Equal(c.T, began.Add(10*time.Second), two.Began)
		assert.Same(c.T, two, of("two"), "a cached credential has the provenance of its resolution")
	})
}
