package gcptest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"sync"
)

// Tokens answers requests for a token as each of Google's endpoints does: the OAuth endpoint of a
// service account's key and of a user, the exchange of a federated identity (STS), the impersonation
// of a service account, and the metadata server. A token is "token-of-" and the word for the endpoint.
type Tokens struct {
	mu     sync.Mutex
	form   url.Values
	header http.Header
	body   string
	answer func(w http.ResponseWriter) bool
	asked  int
}

// Last returns the form and the header of the last request, and the number of requests.
func (t *Tokens) Last() (form url.Values, header http.Header, asked int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.form, t.header, t.asked
}

// Answer makes all requests fail with a status and a body; status 0 means no longer.
func (t *Tokens) Answer(status int, body string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answer = func(w http.ResponseWriter) bool {
		if status == 0 {
			return false
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return true
	}
}

// ServeHTTP implements http.Handler.
func (t *Tokens) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t.mu.Lock()
	defer t.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	t.form, _ = url.ParseQuery(string(body))
	t.header, t.body = r.Header, string(body)
	t.asked++
	w.Header().Set("Content-Type", "application/json")
	if t.answer != nil && t.answer(w) {
		return
	}
	const life = `"expires_in":3600,"token_type":"Bearer"}`
	switch r.URL.Path {
	case "/computeMetadata/v1/instance/service-accounts/default/token":
		w.Header().Set("Metadata-Flavor", "Google")
		_, _ = io.WriteString(w, `{"access_token":"token-of-metadata",`+life)
	case "/sts":
		_, _ = io.WriteString(w, `{"access_token":"token-of-sts","issued_token_type":"urn:ietf:params:oauth:token-type:access_token",`+life)
	case "/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:generateAccessToken":
		_, _ = io.WriteString(w, `{"accessToken":"token-of-impersonation","expireTime":"2099-01-01T00:00:00Z"}`)
	case "/token":
		name := "key"
		if t.form.Get("grant_type") == "refresh_token" {
			name = "user"
		}
		_, _ = io.WriteString(w, `{"access_token":"token-of-`+name+`",`+life)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// NewPrivateKey returns a new private key of a service account, as PEM text.
func NewPrivateKey() (string, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), err
}
