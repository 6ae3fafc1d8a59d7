package vault

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// Type is secretstores.hashicorp.vault: one mount of the KV secrets engine, of version 1 or 2, of
// Vault or OpenBao.
//
// By default (vaultValueType: map), a value that is not a string is the text of its JSON. With
// "text", the secret is one text: the JSON object of all its values. DESIGN.md, section 4, step
// 6 turns it into entries. Both keep the digits of numbers.
//
// The type keeps the secret IDs that it has unwrapped for its later connections.
func Type() store.Type[store.SecretConn] {
	unwrapped := newSecretIDs()
	return store.Type[store.SecretConn]{
		Fields:  declaredFields(),
		Prepare: prepare,
		Paths:   []string{"vaultTokenMountPath", "caCert", "caPath", "secretIDPath", "jwtPath", "clientCert", "clientKey"},
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.SecretConn, error) {
			return connect(ctx, fields, unwrapped, log)
		},
		ValidName: func(_ map[string]string, name string) bool { return validName(name) },

		CheckVersion: checkVersion,
		PolicyTarget: "vault",
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

const errVersion = credential.Remedy("Vault counts the versions of a secret from 1: give one of its numbers, such as 3")

// checkVersion refuses what is not the number of a version. 0 would be the latest one.
func checkVersion(version string) error {
	if n, err := strconv.ParseInt(version, 10, 64); err != nil || n < 1 || version != strconv.FormatInt(n, 10) {
		return errVersion
	}
	return nil
}

// probe is the name of the secret that shows whether there is a mount, if the mount itself is
// hidden. No secret needs to have this name, and no policy needs to allow it.
const probe = "credential-resolver-probe"

// connect opens the store and finds out the version of the mount. If the token has no right
// below the mount yet, reading finds it out later.
func connect(ctx context.Context, fields map[string]string, unwrapped *secretIDs, log logger.Logger) (store.SecretConn, error) {
	ctx, cancel := context.WithTimeout(ctx, store.DefaultTimeout)
	defer cancel()
	settings, err := decode(fields)
	if err != nil {
		return nil, store.Permanent(err)
	}
	c, err := newConn(ctx, settings, unwrapped, log)
	if err != nil {
		return nil, err
	}
	version, err := c.checkMount(ctx, c.current())
	if errors.Is(err, errMountHidden) && c.hasNoMount(ctx, c.current()) {
		err = store.Unavailable(errNoMount)
	}
	switch {
	case err == nil:
		c.setMountVersion(version)
		c.renewOwnToken(ctx)
		return c, nil
	case errors.Is(err, errNoMount):
		err = store.Permanent(credential.Remedy(credential.RemedyOf(err)))
	case errors.Is(err, errMountHidden), errors.Is(err, errTokenRefused): // reading finds it out later
		log.Debug("Vault: " + string(errMountHidden))
		c.renewOwnToken(ctx)
		return c, nil
	}
	_ = c.Close()
	return nil, err
}

// readToken reads the token from a file.
func readToken(path string) (string, error) {
	token, err := readCredential("vaultTokenMountPath", path)
	if err == nil && !validToken(token) {
		err = store.Failed(credential.Remedy("the file of vaultTokenMountPath does not hold a token"))
	}
	return token, err
}

// validToken reports whether a token can be sent in an HTTP header.
func validToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
