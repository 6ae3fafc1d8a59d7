package gcp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// https://docs.cloud.google.com/storage/docs/json_api/v1/status-codes
func TestFailuresOfTheBucketAreToldApart(t *testing.T) {
	const (
		mayNot = "canary@p.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object. " +
			"Permission 'storage.objects.get' denied on resource (or it may not exist)."
		disabled = `{"error":{"code":403,"message":"canary","errors":[{"reason":"forbidden"}],"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo",` +
			`"reason":"SERVICE_DISABLED","domain":"googleapis.com"}]}}`
	)
	for name, test := range map[string]struct {
		status int
		body   string
		google bool // the header of Google's front end
		want   failureCase
	}{
		"no right to read":             {403, mayNot, true, failureCase{want: credential.Denied}},
		"no right to read, as JSON":    {403, saidByStorage(403, "forbidden", mayNot), false, failureCase{want: credential.Denied}},
		"a refusal without permission": {403, "canary", true, failureCase{want: credential.Denied, general: true}},
		"the API is disabled":          {403, disabled, true, failureCase{want: credential.Unavailable}},
		"no billing":                   {403, saidByStorage(403, "accountDisabled", "canary"), true, failureCase{want: credential.Unavailable}},
		"the requester pays":           {400, saidByStorage(400, "userProjectMissing", "canary"), true, failureCase{want: credential.Unavailable}},
		"VPC Service Controls":         {403, saidByStorage(403, "vpcServiceControls", "canary"), true, failureCase{want: credential.Denied, general: true}},
		"too few scopes":               {403, saidByStorage(403, "insufficientPermissions", mayNot), true, failureCase{want: credential.Denied, general: true}},
		"a disabled key of KMS":        {400, saidByStorage(400, "invalid", "projects/canary/cryptoKeys/canary is disabled."), true, failureCase{want: credential.Denied, general: true}},
		"a token that has ended":       {401, saidByStorage(401, "authError", "Invalid Credentials canary"), true, failureCase{want: credential.Denied, general: true, lapsed: true}},
		"too many requests":            {429, saidByStorage(429, "rateLimitExceeded", "canary"), true, failureCase{want: credential.Unavailable}},
		"too many requests, as a 403":  {403, saidByStorage(403, "quotaExceeded", "canary"), true, failureCase{want: credential.Unavailable}},
		"a fault of the service":       {500, saidByStorage(500, "internalError", "canary"), true, failureCase{want: credential.Unavailable}},
		"a service that is down":       {503, "canary", true, failureCase{want: credential.Unavailable}},
		"a 404 that is everywhere":     {404, "<html>canary</html>", false, failureCase{want: credential.Unavailable}},
		"a proxy's 401":                {401, "<html>canary</html>", false, failureCase{want: credential.Unavailable}},
		"a proxy's 403":                {403, "<html>canary KMS", false, failureCase{want: credential.Unavailable}},
		"a page without a generation":  {200, "<html>canary</html>", false, failureCase{want: credential.Unavailable}},
		"a redirect":                   {307, "canary", false, failureCase{want: credential.Unavailable}},
		"a 304 that nobody asked for":  {304, "", false, failureCase{want: credential.Unavailable}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if test.google {
					w.Header().Set("X-Guploader-Uploadid", "1")
				}
				w.Header().Set("Location", "http://127.0.0.1:1/canary")
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			t.Cleanup(server.Close)
			conn := connected(t, Bucket(), map[string]string{"project_id": "p", "bucket": "canary", "endpoint": server.URL})
			found, err := conn.Get(t.Context(), "canary")
			requireFailure(t, test.want, found, err)
			if test.want.want == credential.Denied && !test.want.general {
				require.ErrorIs(t, err, errHidden)
				require.NotErrorIs(t, conn.Set(t.Context(), "canary", nil), errHidden)
			}
		})
	}
	conn := connected(t, Bucket(), map[string]string{"project_id": "p", "bucket": "canary", "endpoint": "http://127.0.0.1:1"})
	found, err := conn.Get(t.Context(), "canary")
	requireFailure(t, failureCase{want: credential.Unavailable}, found, err)
	require.ErrorContains(t, err.(interface{ Unwrap() error }).Unwrap(), "connection refused")
}
