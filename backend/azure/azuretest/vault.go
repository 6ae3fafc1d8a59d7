package azuretest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azsecrets"
)

// VaultName is the name of the vault, VaultHost its host in the public cloud.
const (
	VaultName = "team-vault"
	VaultHost = VaultName + ".vault.azure.net"
)

// Bodies of answers, as Key Vault writes them.
const (
	Unauthenticated = `{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}`
	SecretNotFound  = `{"error":{"code":"SecretNotFound","message":"A secret with (name/id) canary was not found in this key vault. ` +
		`If you recently deleted this secret you may be able to recover it using the correct recovery command."}}`
	SecretDisabled = `{"error":{"code":"Forbidden","message":"Operation get is not allowed on a disabled secret.","innererror":{"code":"SecretDisabled"}}}`
)

// challenge is the answer to a request without a token: the vault's tenant and its resource.
const challenge = `Bearer authorization="https://login.microsoftonline.com/` + Tenant + `", resource="https://vault.azure.net"`

// Vault is a Key Vault. It wants a token, as Key Vault does. The fake server of the SDK does not: it
// works inside a client only.
type Vault struct {
	mu        sync.Mutex
	secrets   map[string][]string // the versions of each secret
	disabled  map[string]bool
	challenge string
	status    int // of every answer to a request with a token; 0: the vault's own
	body      string
	header    http.Header
	tokens    []string // of the requests
	names     []string // of the secrets that were asked for
}

func newVault() *Vault {
	return &Vault{secrets: map[string][]string{}, disabled: map[string]bool{}, challenge: challenge}
}

// Reset removes the answers that were set, and forgets the requests.
func (v *Vault) Reset() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.challenge, v.status, v.body, v.header, v.tokens, v.names = challenge, 0, "", nil, nil, nil
}

// Empty removes all secrets.
func (v *Vault) Empty() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.secrets)
	clear(v.disabled)
}

// Put stores a version of a secret.
func (v *Vault) Put(name, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secrets[name] = append(v.secrets[name], value)
}

// Disable disables a secret.
func (v *Vault) Disable(name string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.disabled[name] = true
}

// Version returns the ID of a version, which begin with 1.
func Version(n int) string { return fmt.Sprintf("%032x", n) }

// Answer lets the vault answer every request that has a token with a status, a body and a header.
func (v *Vault) Answer(status int, body string, header http.Header) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.status, v.body, v.header = status, body, header
}

// Challenge sets the header of the answer to a request without a token.
func (v *Vault) Challenge(header string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.challenge = header
}

// Tokens returns the tokens of the requests; "" for a request without.
func (v *Vault) Tokens() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.tokens
}

// Names returns the names of secrets that were asked for.
func (v *Vault) Names() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.names
}

// ServeHTTP implements http.Handler.
func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	v.mu.Lock()
	v.tokens = append(v.tokens, token)
	status, body, header, asks := v.status, v.body, v.header, v.challenge
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if token == "" {
		w.Header().Set("WWW-Authenticate", asks)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, Unauthenticated)
		return
	}
	if status != 0 {
		maps.Copy(w.Header(), header)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
		return
	}
	name, version, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/secrets/"), "/")
	v.mu.Lock()
	v.names = append(v.names, name)
	disabled := v.disabled[name]
	v.mu.Unlock()
	if disabled {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, SecretDisabled)
		return
	}
	v.serveSecret(w, name, version)
}

// serveSecret answers with a version of a secret; "" is the latest.
func (v *Vault) serveSecret(w http.ResponseWriter, name, version string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	versions := v.secrets[name]
	for n, value := range versions {
		if version != Version(n+1) && (version != "" || n != len(versions)-1) {
			continue
		}
		_ = json.NewEncoder(w).Encode(azsecrets.Secret{
			ID: to.Ptr(azsecrets.ID("https://" + VaultHost + "/secrets/" + name + "/" + Version(n+1))), Value: to.Ptr(value),
			Attributes: &azsecrets.SecretAttributes{Enabled: to.Ptr(true)},
		})
		return
	}
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, SecretNotFound)
}
