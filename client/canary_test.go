package client_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/client"
	"credential-resolver/client/clienttest"
	"credential-resolver/internal/canary"
)

// Every failure of the real component and of other stores, with configs and secrets full of
// canaries.
func TestNoFailureShowsAValueAReferenceOrAPath(t *testing.T) {
	t.Parallel()
	sidecar := clienttest.New(t, clienttest.Local)
	production := clienttest.New(t)
	for _, s := range []*clienttest.Sidecar{sidecar, production} {
		s.Secrets.Put(canary.Reference, map[string]string{"key": canary.Secret, "other": canary.Path})
		s.Secrets.Put("latin1", map[string]string{"key": `{"a":"\ud800` + canary.Secret + `"}`})
		for guid, text := range map[string]string{
			"good":       `{"credentialSource":"agent","secret-path":"` + canary.Reference + `","password":"key"}`,
			"no-bundle":  `{"credentialSource":"agent","secret-path":"` + canary.Path + `","password":"` + canary.Secret + `"}`,
			"array":      `["` + canary.Secret + `"]`,
			"unresolved": `{"credentialSource":"agent","password":"` + canary.Secret + `"}`,
			"surrogate":  `{"credentialSource":"agent","secret-path":"latin1","password":"` + canary.Reference + `"}`,
		} {
			s.Configs.Put(guid, text)
		}
	}
	ctx := t.Context()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	c := production.Client()
	failures := map[string]error{}
	for _, guid := range []string{"no-bundle", "array", "unresolved", "surrogate", "nowhere", canary.Path + "/" + canary.Secret} {
		failures[guid] = failureOf(c.GetCredentials(ctx, guid))
	}
	failures["missing"] = failureOf(c.GetSecret(ctx, canary.Reference+canary.Secret, ""))
	failures["not a GUID"] = failureOf(c.GetSecret(ctx, canary.Reference+"/"+canary.Path, "credentials"))
	failures["not UTF-8"] = failureOf(c.GetSecret(ctx, "latin1", ""))
	failures["has left"] = failureOf(c.GetSecret(ended, canary.Reference, ""))
	failures["saving"] = failureOf(c.SaveSecret(ctx, parse(t, `{"a":"`+canary.Secret+`"}`)))
	failures["saving an odd config"] = failureOf(sidecar.Client().SaveSecret(ctx, parse(t, `{"secret-path":["`+canary.Path+`"]}`)))
	good, err := c.GetCredentials(ctx, "good")
	require.NoError(t, err)
	failures["no number"] = failureOf(good.Int("password"))
	failures["no object"] = failureOf(good.Object("password"))
	failures["does not fit"] = good.Decode(&struct{ Password int }{})
	failures["no JSON"] = failureOf(client.Parse([]byte(`{"` + canary.Secret)))
	failures["no object to be"] = failureOf(client.Of(canary.Secret))
	for _, fault := range []clienttest.Fault{clienttest.Down, clienttest.Refusing, clienttest.TooSlow} {
		production.Secrets.Break(fault)
		failures["secrets "+string('0'+rune(fault))] = failureOf(c.GetCredentials(ctx, "good"))
		failures["a secret "+string('0'+rune(fault))] = failureOf(c.GetSecret(ctx, canary.Reference, ""))
		_, _, err := c.GetDeploymentSecret(ctx, canary.Reference)
		require.NoError(t, err, "a read from another store")
		production.DeploymentSecrets.Break(fault)
		_, _, failures["deployment "+string('0'+rune(fault))] = c.GetDeploymentSecret(ctx, canary.Reference)
		production.DeploymentSecrets.Mend()
	}
	for name, err := range failures {
		t.Run(name, func(t *testing.T) {
			require.ErrorIs(t, err, client.ErrResolution)
			assertDiscreetChain(t, err)
			for form, text := range printed(t, err) {
				canary.AssertNone(t, form+text)
			}
		})
	}
	canary.AssertNone(t, production.Log()+sidecar.Log())
}

func failureOf[T any](_ T, err error) error { return err }
