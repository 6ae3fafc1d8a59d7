package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// lonely removes every identity from the environment of the test.
func lonely(t *testing.T) {
	t.Helper()
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
		}
	}
	t.Setenv("HOME", t.TempDir())
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_REGION", "eu-west-1")
}

// endpoints answer a request for credentials as each of AWS's endpoints does. The key's ID is the
// last part of the path, or the operation's name.
type endpoints struct {
	URL    string
	form   url.Values // the last request to STS
	header http.Header
	deny   bool
}

func newEndpoints(t *testing.T) *endpoints {
	t.Helper()
	e := &endpoints{}
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	e.URL = server.URL
	return e
}

const (
	tomorrow = "2099-01-01T00:00:00Z"
	assumed  = `<%[1]sResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><%[1]sResult><Credentials>` +
		`<AccessKeyId>%[1]s</AccessKeyId><SecretAccessKey>canary</SecretAccessKey><SessionToken>canary-session</SessionToken>` +
		`<Expiration>` + tomorrow + `</Expiration></Credentials></%[1]sResult></%[1]sResponse>`
	stsDenied = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>canary</Message></Error></ErrorResponse>`
	keys      = `{"Code":"Success","AccessKeyId":%q,"SecretAccessKey":"canary","Token":"canary-session","Expiration":"` + tomorrow + `"}`
)

func (e *endpoints) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.header = r.Header
	switch {
	case e.deny:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, stsDenied)
	case r.Method == http.MethodPost:
		_ = r.ParseForm()
		e.form = r.Form
		_, _ = fmt.Fprintf(w, assumed, r.Form.Get("Action"))
	case r.Method == http.MethodPut: // the instance's token
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "21600")
		_, _ = io.WriteString(w, "token")
	case strings.HasSuffix(r.URL.Path, "/security-credentials/"):
		_, _ = io.WriteString(w, "instance-role")
	default:
		_, _ = fmt.Fprintf(w, keys, filepath.Base(r.URL.Path))
	}
}

func TestIdentitiesOfTheEnvironmentAreFound(t *testing.T) {
	token := storetest.FileWith(t, "canary-jwt")
	profiles := storetest.FileWith(t, "[team]\naws_access_key_id = profile-key\naws_secret_access_key = canary\n")
	for name, test := range map[string]struct {
		environment map[string]string // {URL} is that of the endpoints
		fields      map[string]string
		key         string // the ID of the key that requests are signed with
		check       func(*testing.T, *endpoints)
	}{
		"keys of the metadata":    {nil, map[string]string{"accessKey": "metadata-key", "secretKey": "canary"}, "metadata-key", nil},
		"keys of the environment": {map[string]string{"AWS_ACCESS_KEY_ID": "env-key", "AWS_SECRET_ACCESS_KEY": "canary"}, nil, "env-key", nil},
		"the metadata come first": {
			map[string]string{"AWS_ACCESS_KEY_ID": "env-key", "AWS_SECRET_ACCESS_KEY": "canary"},
			map[string]string{"accessKey": "metadata-key", "secretKey": "canary"},
			"metadata-key", nil,
		},
		"a profile": {map[string]string{"AWS_PROFILE": "team", "AWS_SHARED_CREDENTIALS_FILE": profiles}, nil, "profile-key", nil},
		"a web identity (IRSA)": {
			map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r", "AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ENDPOINT_URL_STS": "{URL}"},
			nil, "AssumeRoleWithWebIdentity",
			func(t *testing.T, e *endpoints) { require.Equal(t, "canary-jwt", e.form.Get("WebIdentityToken")) },
		},
		"EKS pod identity, and a container's": {
			map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "{URL}/v1/pod-key", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token},
			nil, "pod-key",
			func(t *testing.T, e *endpoints) { require.Equal(t, "canary-jwt", e.header.Get("Authorization")) },
		},
		"an instance's role": {
			map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "{URL}"}, nil, "instance-role", nil,
		},
		"an assumed role": {
			map[string]string{"AWS_ACCESS_KEY_ID": "env-key", "AWS_SECRET_ACCESS_KEY": "canary", "AWS_ENDPOINT_URL_STS": "{URL}"},
			map[string]string{
				"assumeRoleArn": "arn:aws:iam::123456789012:role/r", "assumeRoleSessionName": "ours", "assumeRoleExternalID": "their-id",
			},
			"AssumeRole",
			func(t *testing.T, e *endpoints) {
				require.Equal(t, []string{"arn:aws:iam::123456789012:role/r", "ours", "their-id"},
					[]string{e.form.Get("RoleArn"), e.form.Get("RoleSessionName"), e.form.Get("ExternalId")})
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			lonely(t)
			e := newEndpoints(t)
			for name, value := range test.environment {
				t.Setenv(name, strings.ReplaceAll(value, "{URL}", e.URL))
			}
			s := newService(t, 200, `{"Name":"db","SecretString":"pw"}`)
			fields := map[string]string{"endpoint": s.URL}
			for name, value := range test.fields {
				fields[name] = value
			}
			of := SecretsManager()
			require.NoError(t, of.Prepare(fields))
			conn, err := of.Connect(t.Context(), fields, storetest.DevNull(t))
			require.NoError(t, err, "%v", errors.Unwrap(err))
			t.Cleanup(func() { _ = conn.Close() })
			_, err = conn.Get(t.Context(), "db")
			require.NoError(t, err)
			require.Contains(t, s.header.Get("Authorization"), "Credential="+test.key+"/")
			require.Contains(t, s.header.Get("Authorization"), "/eu-west-1/secretsmanager/aws4_request")
			if test.check != nil {
				test.check(t, e)
			}
		})
	}
}

func TestIdentityThatIsRefusedOrMissing(t *testing.T) {
	lonely(t)
	fields := map[string]string{"assumeRoleArn": "arn:aws:iam::123456789012:role/r", "accessKey": "k", "secretKey": "canary"}
	e := newEndpoints(t)
	e.deny = true
	t.Setenv("AWS_ENDPOINT_URL_STS", e.URL)
	_, err := SecretsManager().Connect(t.Context(), fields, storetest.DevNull(t))
	storetest.RequireKind(t, credential.Denied, err)
	require.True(t, credential.IsOutage(err), "it says nothing about the secrets")
	require.NotContains(t, fmt.Sprint(errors.Unwrap(err)), "canary")

	t.Setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
	_, err = SecretsManager().Connect(t.Context(), fields, storetest.DevNull(t))
	storetest.RequireKind(t, credential.Unavailable, err)

	_, err = SecretsManager().Connect(t.Context(), map[string]string{}, storetest.DevNull(t))
	storetest.RequireKind(t, credential.Unavailable, err)
	require.Contains(t, credential.RemedyOf(err), "no credentials for AWS")

	t.Setenv("AWS_REGION", "")
	_, err = SecretsManager().Connect(t.Context(), map[string]string{"accessKey": "k", "secretKey": "s"}, storetest.DevNull(t))
	require.ErrorAs(t, err, new(*store.PermanentError))
	require.ErrorContains(t, err, "region is not set")
}

// renewable is a provider of credentials that live an hour, unless it is down.
type renewable struct {
	down  bool
	asked int
}

func (r *renewable) Retrieve(context.Context) (aws.Credentials, error) {
	r.asked++
	if r.down {
		return aws.Credentials{}, errors.New("down")
	}
	return aws.Credentials{
		AccessKeyID: fmt.Sprint(r.asked), SecretAccessKey: "s", CanExpire: true, Expires: time.Now().Add(time.Hour),
	}, nil
}

func TestCredentialsAreRenewedBeforeTheyEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		provider := &renewable{}
		i := &identity{renewed: aws.NewCredentialsCache(provider, renewEarly)}
		key := func() string {
			found, err := i.Retrieve(t.Context())
			require.NoError(t, err)
			return found.AccessKeyID
		}
		require.Equal(t, "1", key())
		<-time.After(54 * time.Minute)
		require.Equal(t, "1", key())
		<-time.After(4 * time.Minute) // two minutes before the end
		require.Equal(t, "2", key())

		provider.down = true
		<-time.After(time.Until(i.last.Expires) + time.Second) // the SDK's time for renewing, which is random
		for range 5 {
			require.Equal(t, "2", key(), "it is still valid")
		}
		require.Equal(t, 3, provider.asked, "one attempt in ten seconds")
		provider.down = false
		<-time.After(renewPause)
		require.Equal(t, "4", key())

		provider.down = true
		<-time.After(time.Hour)
		_, err := i.Retrieve(t.Context())
		require.Error(t, err, "it has ended")
	})
}
