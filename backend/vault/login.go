package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/openbao/openbao/api/v2"
	"golang.org/x/sync/singleflight"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// The values of authMethod.
const (
	methodToken      = "token"
	methodAppRole    = "approle"
	methodKubernetes = "kubernetes"
	methodJWT        = "jwt"
	methodCert       = "cert"
	methodUserpass   = "userpass"
)

// authFields are the fields of each method of login: whether each of them is required.
var authFields = map[string]map[string]bool{
	methodToken:      {"vaultToken": false, "vaultTokenMountPath": false}, // checkToken checks them
	methodAppRole:    {"roleID": true, "secretID": false, "secretIDPath": false},
	methodKubernetes: {"role": true, "jwtPath": false},
	methodJWT:        {"role": false, "jwtPath": true},
	methodCert:       {"role": false, "clientCert": true, "clientKey": true},
	methodUserpass:   {"username": true, "password": true},
}

// login obtains tokens with a method other than "token".
type login struct {
	settings  settings
	unwrapped *secretIDs
}

// as logs in on a session, and returns the answer's token with its lifetime. It reads all files
// again.
func (l *login) as(ctx context.Context, s *session) (*api.Secret, error) {
	path, body, err := l.request(ctx, s)
	if err != nil {
		return nil, err
	}
	answer, err := s.put(ctx, "", "auth/"+l.settings.AuthMount+"/"+path, body)
	if err != nil {
		return nil, err
	}
	if answer.status != http.StatusOK {
		return nil, l.refused(answer)
	}
	var secret api.Secret
	if json.Unmarshal(answer.body, &secret) != nil || secret.Auth == nil || !validToken(secret.Auth.ClientToken) {
		return nil, store.Unavailable(errNoLogin)
	}
	return &secret, nil
}

const errNoLogin = credential.Remedy("the answer to the login holds no token: check vaultAddr and authMountPath, and whether the login needs MFA")

// refused classifies an answer to a login. A refusal is Lapsed, because it says nothing about the
// secrets. The methods refuse with different codes: 400, 401 or
// 403. A path that no method serves is 403 or 404.
func (l *login) refused(a answer) error {
	if a.fromVault() && slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, a.status) {
		return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: credential.Remedy(fmt.Sprintf(
			"vault answered %d to the login: check %s and authMountPath", a.status, strings.Join(slices.Sorted(maps.Keys(authFields[l.settings.AuthMethod])), ", ")))}
	}
	return a.unavailable()
}

// request returns the path and the body of a login.
func (l *login) request(ctx context.Context, s *session) (string, map[string]any, error) {
	o := l.settings
	switch o.AuthMethod {
	case methodAppRole:
		id, err := l.secretID(ctx, s)
		body := map[string]any{"role_id": o.RoleID}
		if id != "" {
			body["secret_id"] = id
		}
		return "login", body, err
	case methodKubernetes, methodJWT:
		jwt, err := readCredential("jwtPath", o.JWTFile)
		body := map[string]any{"jwt": jwt}
		if o.Role != "" {
			body["role"] = o.Role
		}
		return "login", body, err
	case methodCert:
		body := map[string]any{}
		if o.Role != "" {
			body["name"] = o.Role
		}
		return "login", body, nil
	default: // methodUserpass
		return "login/" + o.Username, map[string]any{"password": o.Password}, nil
	}
}

// secretID returns the secret ID of an AppRole: "" if the role needs none. If the metadata or
// the file hold a wrapping token in its place, secretID unwraps it.
func (l *login) secretID(ctx context.Context, s *session) (string, error) {
	id := l.settings.SecretID
	if file := l.settings.SecretFile; file != "" {
		var err error
		if id, err = readCredential("secretIDPath", file); err != nil {
			return "", err
		}
	}
	if !isWrappingToken(id) {
		return id, nil
	}
	return l.unwrapped.get(ctx, s, id)
}

// maxUnwrapped is how many secret IDs are kept. Each instance of a store needs one.
const maxUnwrapped = 1024

// secretIDs are unwrapped secret IDs, by the server and its wrapping token. A wrapping token is good for
// one use, but a store is connected again if its first attempt fails, and when its Component is
// edited. So the secret IDs outlive the connections.
type secretIDs struct {
	ids     *lru.Cache[wrapped, string]
	running singleflight.Group
}

// wrapped is a wrapping token of one server. Another server must not get the secret ID for it.
type wrapped struct{ address, namespace, token string }

func newSecretIDs() *secretIDs {
	ids, err := lru.New[wrapped, string](maxUnwrapped)
	if err != nil {
		panic(err) // the size is positive
	}
	return &secretIDs{ids: ids}
}

// get returns the secret ID that a wrapping token stands for. Vault may have used up the token when
// the caller leaves, so the request goes on without it.
func (u *secretIDs) get(ctx context.Context, s *session, token string) (string, error) {
	of := wrapped{s.address, s.namespace, token}
	key := strings.Join([]string{of.address, of.namespace, of.token}, "\n")
	result := u.running.DoChan(key, func() (any, error) {
		if id, ok := u.ids.Get(of); ok {
			return id, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), unwrapTimeout)
		defer cancel()
		id, err := unwrap(ctx, s, token)
		if err == nil {
			u.ids.Add(of, id)
		}
		return id, err
	})
	select {
	case got := <-result:
		return got.Val.(string), got.Err
	case <-ctx.Done():
		return "", store.Failed(ctx.Err())
	}
}

// unwrapTimeout limits the unwrapping of a secret ID.
const unwrapTimeout = 10 * time.Second

// isWrappingToken reports whether a text is a token of Vault ("hvs.") or of OpenBao and earlier
// versions of Vault ("s."). The secret IDs that a server makes are UUIDs.
func isWrappingToken(id string) bool {
	return strings.HasPrefix(id, "hvs.") || strings.HasPrefix(id, "s.")
}

const errWrapped = credential.Remedy("vault does not unwrap the secret ID: the wrapping token has expired or was used before; write a new one")

func unwrap(ctx context.Context, s *session, wrapping string) (string, error) {
	answer, err := s.put(ctx, wrapping, "sys/wrapping/unwrap", nil)
	if err != nil {
		return "", err
	}
	var secret struct {
		Data struct {
			SecretID string `json:"secret_id"`
		} `json:"data"`
	}
	switch {
	case answer.status == http.StatusOK && json.Unmarshal(answer.body, &secret) == nil && secret.Data.SecretID != "":
		return secret.Data.SecretID, nil
	case answer.status == http.StatusOK, answer.fromVault() && (answer.status == http.StatusBadRequest || answer.status == http.StatusForbidden):
		return "", &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: true, Err: errWrapped}
	}
	return "", answer.unavailable()
}

// readCredential reads a file that proves who we are. It may not exist yet or may be incomplete,
// so each failure is Unavailable.
func readCredential(field, path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return "", store.Permanent(credential.Remedy("the file of " + field + " is not a regular file"))
	}
	text, err := store.ReadSmall(path, store.MaxTokenFile)
	if err != nil {
		return "", store.Failed(store.Explained(credential.Remedy("the file of "+field+" cannot be read"), err))
	}
	if value := strings.TrimSpace(string(text)); value != "" {
		return value, nil
	}
	return "", store.Failed(credential.Remedy("the file of " + field + " is empty"))
}
