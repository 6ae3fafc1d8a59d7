package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	dapr "github.com/dapr/go-sdk/client"

	"credential-resolver/client"
	"credential-resolver/internal/canary"
)

func TestGetCredentialsAsksForJSON(t *testing.T) {
	t.Parallel()
	var asked []string
	d := daprd{secret: func(_ context.Context, store, key string, meta map[string]string) (map[string]string, error) {
		asked = append(asked, store, key, meta["format"])
		return map[string]string{"_value": `{"host":"db","port":5432,"none":null}`}, nil
	}}
	c, err := client.New(d, client.Options{CredentialStore: "mine"}).GetCredentials(t.Context(), "g-1")
	require.NoError(t, err)
	assert.Equal(t, []string{"mine", "g-1", "json"}, asked)
	assert.Equal(t, `{"host":"db","port":5432,"none":null}`, reveal(t, c))
	assert.Equal(t, "g-1", c.GUID())
	_, err = c.Text("nowhere")
	assert.EqualError(t, err, `credential resolution failed: InvalidArgument: credential "g-1": it has no field "nowhere"`)
}

func TestAMalformedGUIDIsNotSentToDaprd(t *testing.T) {
	t.Parallel()
	for _, guid := range []string{"", "bulk", "a/b", canary.Path + "/..", "rpc error: code = NotFound"} {
		_, err := client.New(nil, client.Options{}).GetCredentials(t.Context(), guid)
		requireMeans(t, err, client.ErrInvalid)
		canary.AssertNone(t, err.Error())
	}
	_, err := client.New(nil, client.Options{}).GetSecret(t.Context(), "", "")
	requireMeans(t, err, client.ErrInvalid)
}

func TestAnswerWithoutACredentialIsAnError(t *testing.T) {
	t.Parallel()
	for _, data := range []map[string]string{
		nil, {"g": canary.Secret}, {"_value": canary.Secret}, {"_value": `["` + canary.Secret + `"]`},
	} {
		_, err := client.New(answering(data, nil), client.Options{}).GetCredentials(t.Context(), "g")
		requireMeans(t, err, client.ErrPrecondition)
		assert.ErrorContains(t, err, `is "credentials" a Component of type secretstores.credential-resolver?`)
		canary.AssertNone(t, err.Error())
	}
}

func TestASecretIsNormalised(t *testing.T) {
	t.Parallel()
	for want, data := range map[string]map[string]string{
		`{}`:                        nil, // daprd answers with status 204
		`{"a":"1","b":"2"}`:         {"b": "2", "a": "1"},
		`{"port":5432}`:             {"bundle": `{"port":5432}`},
		`{"a":"{\"x\":1}","b":"2"}`: {"a": `{"x":1}`, "b": "2"},
	} {
		c, err := client.New(answering(data, nil), client.Options{}).GetSecret(t.Context(), "k", "")
		require.NoError(t, err)
		assert.Equal(t, want, reveal(t, c))
	}
	_, err := client.New(answering(map[string]string{"k": "{\"a\":\"\xe9\"}"}, nil), client.Options{}).GetSecret(t.Context(), "k", "")
	requireMeans(t, err, client.ErrPrecondition)
	c, err := client.New(answering(map[string]string{"k": "\xe9"}, nil), client.Options{}).GetSecret(t.Context(), "k", "")
	require.NoError(t, err)
	_, err = c.Reveal()
	requireMeans(t, err, client.ErrPrecondition)
}

func TestNoSecretIsAskedForInTheLocalEnvironment(t *testing.T) {
	t.Parallel()
	local := client.New(nil, client.Options{DeploymentName: "local"})
	c, err := local.GetSecret(t.Context(), "k", "external")
	require.NoError(t, err)
	assert.Zero(t, c.Len())
	_, ok, err := local.GetDeploymentSecret(t.Context(), "k")
	require.NoError(t, err)
	assert.False(t, ok)
}

func TestDeploymentSecrets(t *testing.T) {
	t.Parallel()
	missing := errors.New(got("deployment-secret-store", "k", "secret k not found"))
	bundleMissing := errors.New(got("deployment-secret-store", "ATLAN_DEPLOYMENT_SECRETS", "secret ATLAN_DEPLOYMENT_SECRETS not found"))
	noStore := errors.New("failed finding secret store with key deployment-secret-store")
	down := errors.New(got("deployment-secret-store", "k", "connection refused"))
	tests := map[string]struct {
		bundle, secret       map[string]string
		bundleErr, secretErr error
		want                 string
		found                bool
		err                  error
	}{
		"in the bundle":            {bundle: map[string]string{"k": "v", "x": "y"}, secretErr: down, want: "v", found: true},
		"in a bundle of JSON":      {bundle: map[string]string{"b": `{"k":{"n":1}}`}, want: `{"n":1}`, found: true},
		"in its own secret":        {bundleErr: bundleMissing, secret: map[string]string{"k": "v", "x": "y"}, want: "v", found: true},
		"its secret's only entry":  {bundle: map[string]string{"x": "y"}, secret: map[string]string{"value": "v"}, want: "v", found: true},
		"one of two other entries": {secret: map[string]string{"a": "1", "b": "2"}},
		"in neither":               {bundleErr: bundleMissing, secretErr: missing},
		"no answer":                {},
		"no store":                 {bundleErr: noStore, secretErr: noStore},
		"empty, as from local.env": {bundle: map[string]string{"ATLAN_DEPLOYMENT_SECRETS": ""}, secret: map[string]string{"k": ""}},
		"empty in the bundle":      {bundle: map[string]string{"k": ""}, secret: map[string]string{"k": "v"}, want: "v", found: true},
		"a bundle that fails":      {bundleErr: down, secret: map[string]string{"k": "v"}, err: client.ErrInternal},
		"a secret that fails":      {bundleErr: bundleMissing, secretErr: down, err: client.ErrInternal},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := daprd{secret: func(_ context.Context, store, key string, _ map[string]string) (map[string]string, error) {
				assert.Equal(t, "deployment-secret-store", store)
				if key == "ATLAN_DEPLOYMENT_SECRETS" {
					return test.bundle, test.bundleErr
				}
				return test.secret, test.secretErr
			}}
			value, found, err := client.New(d, client.Options{}).GetDeploymentSecret(t.Context(), "k")
			assert.Equal(t, test.want, value)
			assert.Equal(t, test.found, found)
			if test.err != nil {
				requireMeans(t, err, test.err)
			} else {
				assert.NoError(t, err)
			}
		})
	}
}

func TestSaving(t *testing.T) {
	t.Parallel()
	config := parse(t, `{"z":12345678901234567890,"a":"`+canary.Secret+`"}`)
	_, err := client.New(nil, client.Options{}).SaveSecret(t.Context(), config)
	requireMeans(t, err, client.ErrDenied)
	_, err = client.New(nil, client.Options{DeploymentName: "production"}).SaveSecret(t.Context(), config)
	requireMeans(t, err, client.ErrDenied)

	var asked *dapr.InvokeBindingRequest
	answer := &dapr.BindingEvent{Data: []byte(`{"guid":"g-1"}`)}
	d := daprd{invoke: func(_ context.Context, req *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
		asked = req
		return answer, nil
	}}
	local := client.New(d, client.Options{DeploymentName: "local"})
	guid, err := local.SaveSecret(t.Context(), config)
	require.NoError(t, err)
	assert.Equal(t, "g-1", guid)
	assert.Equal(t, &dapr.InvokeBindingRequest{Name: "credentials-save", Operation: "create", Data: []byte(reveal(t, config))}, asked)

	for _, answer = range []*dapr.BindingEvent{nil, {}, {Data: []byte(`{"guid":""}`)}, {Data: []byte(`"` + canary.Secret)}} {
		_, err = local.SaveSecret(t.Context(), config)
		requireMeans(t, err, client.ErrPrecondition)
		canary.AssertNone(t, err.Error())
	}
}

// Another binding may answer with what it calls a GUID.
func TestAMalformedGUIDIsNotWhatWasSaved(t *testing.T) {
	t.Parallel()
	for _, guid := range []string{"a/b", "bulk", canary.Secret + " ", strings.Repeat("g", 129)} {
		d := daprd{invoke: func(context.Context, *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
			return &dapr.BindingEvent{Data: []byte(`{"guid":"` + guid + `"}`)}, nil
		}}
		got, err := client.New(d, client.Options{DeploymentName: "local"}).SaveSecret(t.Context(), client.Credential{})
		requireMeans(t, err, client.ErrPrecondition)
		assert.ErrorContains(t, err, `is "credentials-save" a Component of type bindings.credential-resolver?`)
		canary.AssertNone(t, err.Error())
		assert.Empty(t, got)
	}
}

// daprd sets no time limit. A daprd that hangs must not block the application forever.
func TestACallEndsInTime(t *testing.T) {
	t.Parallel()
	hanging := daprd{secret: func(ctx context.Context, _, _ string, _ map[string]string) (map[string]string, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, invoke: func(ctx context.Context, _ *dapr.InvokeBindingRequest) (*dapr.BindingEvent, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := client.New(hanging, client.Options{}).GetCredentials(t.Context(), "g")
		requireMeans(t, err, client.ErrTimeout)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, client.DefaultTimeout, time.Since(began))

		_, err = client.New(hanging, client.Options{Timeout: time.Second}).GetSecret(t.Context(), "k", "")
		requireMeans(t, err, client.ErrTimeout)

		began = time.Now()
		_, err = client.New(hanging, client.Options{DeploymentName: "local", Timeout: time.Second}).SaveSecret(t.Context(), client.Credential{})
		requireMeans(t, err, client.ErrTimeout)
		assert.Equal(t, time.Second, time.Since(began))

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = client.New(hanging, client.Options{}).GetCredentials(ctx, "g")
		assert.ErrorIs(t, err, context.Canceled)
		assert.ErrorIs(t, err, client.ErrResolution)
		for _, kind := range meanings() {
			assert.NotErrorIs(t, err, kind)
		}
	})
}

func TestOptionsComeFromTheEnvironment(t *testing.T) {
	names := []string{
		"CREDENTIAL_STORE_NAME", "CREDENTIAL_BINDING_NAME", "SECRET_STORE_NAME", "DEPLOYMENT_SECRET_STORE_NAME",
		"DEPLOYMENT_SECRET_PATH", "DEPLOYMENT_NAME",
	}
	for _, name := range names {
		t.Setenv(name, "")
	}
	assert.Equal(t, client.Options{
		CredentialStore: "credentials", CredentialBinding: "credentials-save", SecretStore: "secretstore",
		DeploymentSecretStore: "deployment-secret-store", DeploymentSecretPath: "ATLAN_DEPLOYMENT_SECRETS",
		Timeout: client.DefaultTimeout,
	}, client.New(nil, client.Options{}).Options(), "without a name it is not local")

	for i, name := range names {
		t.Setenv(name, string(rune('a'+i)))
	}
	assert.Equal(t, client.Options{
		CredentialStore: "a", CredentialBinding: "b", SecretStore: "c", DeploymentSecretStore: "d", DeploymentSecretPath: "e",
		DeploymentName: "f", Timeout: time.Second,
	}, client.New(nil, client.Options{Timeout: time.Second}).Options())
	assert.Equal(t, client.DefaultTimeout, client.New(nil, client.Options{Timeout: -time.Second}).Options().Timeout)
	assert.Equal(t, "mine", client.New(nil, client.Options{SecretStore: "mine"}).Options().SecretStore)
}
