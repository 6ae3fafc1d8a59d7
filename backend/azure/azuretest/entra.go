package azuretest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Tenant is the ID of the tenant to which the vault belongs.
const Tenant = "11111111-2222-3333-4444-555555555555"

// Entra is Microsoft Entra ID. It gives everybody a token, and counts the tokens.
type Entra struct {
	mu     sync.Mutex
	status int // of a refusal; 0: none
	body   string
	hang   chan struct{} // nil: none
	life   int           // of a token, in seconds
	tokens int
	asked  int        // requests for a token
	path   string     // of the last one
	form   url.Values // of the last one
}

func newEntra() *Entra { return &Entra{life: 3600} }

// Reset gives tokens of an hour again, and counts from the beginning.
func (e *Entra) Reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status, e.body, e.life, e.tokens, e.asked, e.path, e.form = 0, "", 3600, 0, 0, "", nil
}

// Refuse answers every request with a status and a body, until Reset.
func (e *Entra) Refuse(status int, body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status, e.body = status, body
}

// Live sets the life of the next tokens, in seconds.
func (e *Entra) Live(seconds int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.life = seconds
}

// Hang lets requests for a token wait until the returned function is called, or their client leaves.
func (e *Entra) Hang() (release func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	hang := make(chan struct{})
	e.hang = hang
	return sync.OnceFunc(func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.hang = nil
		close(hang)
	})
}

// Asked returns how many requests for a token came, with the path and the form of the last one.
func (e *Entra) Asked() (times int, path string, form url.Values) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked, e.path, e.form
}

// Token returns the token with a number.
func Token(n int) string { return fmt.Sprintf("token-%d-canary", n) }

const instances = `{"tenant_discovery_endpoint":"https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration","api-version":"1.1",
"metadata":[{"preferred_network":"login.microsoftonline.com","preferred_cache":"login.windows.net",
"aliases":["login.microsoftonline.com","login.windows.net","login.microsoft.com","sts.windows.net"]},
{"preferred_network":"login.chinacloudapi.cn","preferred_cache":"login.chinacloudapi.cn","aliases":["login.chinacloudapi.cn"]}]}`

// ServeHTTP implements http.Handler.
func (e *Entra) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	tenant, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	e.mu.Lock()
	status, body, life, hang := e.status, e.body, e.life, e.hang
	if r.Method == http.MethodPost {
		_ = r.ParseForm()
		e.asked++
		e.path, e.form = r.URL.Path, r.PostForm
	}
	e.mu.Unlock()
	if hang != nil && r.Method == http.MethodPost {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	switch {
	case status != 0:
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	case rest == "discovery/instance":
		_, _ = io.WriteString(w, instances)
	case r.Method == http.MethodPost && rest == "oauth2/v2.0/token":
		_, _ = fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":%d,"access_token":%q}`, life, e.next())
	default:
		_, _ = fmt.Fprintf(w, `{"authorization_endpoint":"https://%[1]s/%[2]s/oauth2/v2.0/authorize",`+ //nolint:gosec // JSON
			`"token_endpoint":"https://%[1]s/%[2]s/oauth2/v2.0/token","issuer":"https://%[1]s/%[2]s/v2.0"}`, r.Host, tenant)
	}
}

func (e *Entra) next() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens++
	return Token(e.tokens)
}
