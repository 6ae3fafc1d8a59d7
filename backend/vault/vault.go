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

// Type is secretstores.hashicorp.vault: one mount of the KV secrets engine, version 2, of
// Vault or OpenBao.
//
// By default (vaultValueType: map), contrib refuses the whole secret if one of its values is
// not a string. With "text", the secret is one text: the JSON object of all its values.
// DESIGN.md, section 4, step 6 turns it into entries and keeps the digits of numbers.
func Type() store.Type[store.SecretConn] {
	return store.Type[store.SecretConn]{
		Fields:    store.DeclaredFields(vault.NewHashiCorpVaultSecretStore(nil)),
		Prepare:   prepare,
		Paths:     []string{"vaultTokenMountPath", "caCert", "caPath"},
		Connect:   connect,
		ValidName: func(_ map[string]string, name string) bool { return validName(name) },
	}
}

// validName reports whether Vault can be asked for a secret of this name.
//
// Vault redirects an empty or "." segment to the path without it. It redirects ".." out of the
// prefix, even to another endpoint, and ignores a slash at the end. So each of these would be
// a second name for another secret. Other segments cannot be mistaken for an endpoint, because
// everything after "data/" is the secret's path. Vault refuses characters that cannot be
// printed (400).
func validName(name string) bool {
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// escapedPath escapes a name for contrib, which puts it into a URL as it is. "?", "#" and "%"
// have a meaning there.
func escapedPath(name string) string {
	segments := strings.Split(name, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return strings.Join(segments, "/")
}

// probe is the name that connect asks for, to see what the mount is. No secret needs to have
// this name, and no policy needs to allow it.
const probe = "credential-resolver-probe"

// connect opens the store and checks what the mount is, because contrib's Init sends nothing.
// If the token may not read the probe, the check proves nothing. conn.missing repeats the
// check for each missing secret.
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
		log.Debug("Vault does not let this token read " + probe + ": the first request shows whether enginePath is right")
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

// readToken reads the token from a file. The file may not exist yet or may be incomplete.
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

// validToken reports whether a token can be sent in an HTTP header.
func validToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
