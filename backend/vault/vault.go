package vault

import (
	"context"
	"errors"
	"net/url"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dapr/components-contrib/secretstores/hashicorp/vault"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// Type is secretstores.hashicorp.vault: one mount of the KV
// secrets engine, version 2, of a Vault or an OpenBao.
//
// By default (vaultValueType: map) contrib refuses a secret as a whole if one of
// its values is no string; with "text" it is one text, the JSON object of all of
// them, which section 4, step 6 takes for its entries with their digits.
func Type() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:    store.DeclaredFields(vault.NewHashiCorpVaultSecretStore(nil)),
		Prepare:   prepare,
		Paths:     []string{"vaultTokenMountPath", "caCert", "caPath"},
		Connect:   connect,
		ValidName: func(_ map[string]string, name string) bool { return validName(name) },
	}
}

// validName tells whether Vault can be asked for a secret of this name. It answers an
// empty or a "." segment by a redirect to the path without it, a ".." by one out of the
// prefix and even to another endpoint, and ignores a slash at the end: each would be a
// second name of another secret. Segments cannot be taken for an endpoint otherwise, since
// all that follows "data/" is the secret's path. What cannot be printed Vault refuses (400).
func validName(name string) bool {
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// escapedPath returns a name as contrib needs it, which puts it raw into a URL: "?", "#" and
// "%" would mean something there.
func escapedPath(name string) string {
	segments := strings.Split(name, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return strings.Join(segments, "/")
}

// probe is the name that connecting asks for, to see what the mount is. It
// needs no secret, and a policy need not allow it.
const probe = "credential-resolver-probe"

// connect opens the store and sees what it talks to: contrib's Init sends
// nothing. A token that may not read the probe proves nothing; each secret that is
// missing does (conn.missing).
func connect(ctx context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
	ctx, cancel := context.WithTimeout(ctx, store.DefaultTimeout)
	defer cancel()
	c, err := newConn(ctx, fields, log)
	if err != nil {
		return nil, err
	}
	err = c.prove(ctx, c.session, probe)
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, errNoMount), errors.Is(err, errKV1):
		err = store.Permanent(credential.Remedy(credential.RemedyOf(err)))
	case errors.Is(err, credential.Denied):
		log.Debug("Vault does not let this token read " + probe + ": whether enginePath is right is seen later")
		return c, nil
	}
	_ = c.Close()
	return nil, err
}

func newConn(ctx context.Context, fields map[string]string, log logger.Logger) (*conn, error) {
	c := &conn{
		fields: fields, tokenFile: store.Field(fields, "vaultTokenMountPath"), log: log,
		room: wirelimit.NewRoom(wirelimit.RoomSize),
	}
	token := store.Field(fields, "vaultToken")
	if c.tokenFile != "" {
		var err error
		if token, err = readToken(c.tokenFile); err != nil {
			return nil, err
		}
	}
	var err error
	c.session, err = c.open(ctx, token)
	return c, err
}

// readToken reads a token's file, which may not be there yet, or not be
// written to its end.
func readToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", store.Permanent(credential.Remedy("the file of vaultTokenMountPath is not a regular file"))
	}
	text, err := store.ReadSmall(path, store.MaxTokenFile)
	if err != nil {
		return "", store.Explained("the file of vaultTokenMountPath cannot be read", err)
	}
	token := strings.TrimSpace(string(text))
	if !validToken(token) {
		return "", credential.Remedy("the file of vaultTokenMountPath does not hold a token")
	}
	return token, nil
}

// validToken tells whether a token can stand in a header.
func validToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
