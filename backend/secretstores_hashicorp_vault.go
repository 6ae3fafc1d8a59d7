package backend

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

	"credential-resolver/internal/wirelimit"
	"credential-resolver/resolver/credential"
)

// secretsHashiCorpVault is secretstores.hashicorp.vault: one mount of the KV
// secrets engine, version 2, of a Vault or an OpenBao.
//
// By default (vaultValueType: map) contrib refuses a secret as a whole if one of
// its values is no string; with "text" it is one text, the JSON object of all of
// them, which section 4, step 6 takes for its entries with their digits.
func secretsHashiCorpVault() storeType[secretConn] {
	return storeType[secretConn]{
		fields:    declaredFields(vault.NewHashiCorpVaultSecretStore(nil)),
		prepare:   prepareVault,
		paths:     []string{"vaultTokenMountPath", "caCert", "caPath"},
		connect:   connectVault,
		validName: func(_ map[string]string, name string) bool { return validVaultPath(name) },
	}
}

// validVaultPath tells whether Vault can be asked for a secret of this name. It answers an
// empty or a "." segment by a redirect to the path without it, a ".." by one out of the
// prefix and even to another endpoint, and ignores a slash at the end: each would be a
// second name of another secret. Segments cannot be taken for an endpoint otherwise, since
// all that follows "data/" is the secret's path. What cannot be printed Vault refuses (400).
func validVaultPath(name string) bool {
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// vaultPath returns a name as contrib needs it, which puts it raw into a URL: "?", "#" and
// "%" would mean something there.
func vaultPath(name string) string {
	segments := strings.Split(name, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return strings.Join(segments, "/")
}

// vaultProbe is the name that connecting asks for, to see what the mount is. It
// needs no secret, and a policy need not allow it.
const vaultProbe = "credential-resolver-probe"

// connectVault opens the store and sees what it talks to: contrib's Init sends
// nothing. A token that may not read the probe proves nothing; each secret that is
// missing does (vaultConn.missing).
func connectVault(ctx context.Context, fields map[string]string, log logger.Logger) (secretConn, error) {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	c, err := openVault(ctx, fields, log)
	if err != nil {
		return nil, err
	}
	err = c.prove(ctx, c.session, vaultProbe)
	switch {
	case err == nil:
		return c, nil
	case errors.Is(err, errVaultNoMount), errors.Is(err, errVaultKV1):
		err = permanent(credential.Remedy(credential.RemedyOf(err)))
	case errors.Is(err, credential.Denied):
		log.Debug("Vault does not let this token read " + vaultProbe + ": whether enginePath is right is seen later")
		return c, nil
	}
	_ = c.Close()
	return nil, err
}

func openVault(ctx context.Context, fields map[string]string, log logger.Logger) (*vaultConn, error) {
	c := &vaultConn{
		fields: fields, tokenFile: field(fields, "vaultTokenMountPath"), log: log,
		room: wirelimit.NewRoom(wirelimit.RoomSize),
	}
	token := field(fields, "vaultToken")
	if c.tokenFile != "" {
		var err error
		if token, err = readVaultToken(c.tokenFile); err != nil {
			return nil, err
		}
	}
	var err error
	c.session, err = c.open(ctx, token)
	return c, err
}

// readVaultToken reads a token's file, which may not be there yet, or not be
// written to its end.
func readVaultToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", permanent(credential.Remedy("the file of vaultTokenMountPath is not a regular file"))
	}
	text, err := readSmall(path, maxTokenFile)
	if err != nil {
		return "", explained("the file of vaultTokenMountPath cannot be read", err)
	}
	token := strings.TrimSpace(string(text))
	if !validVaultToken(token) {
		return "", credential.Remedy("the file of vaultTokenMountPath does not hold a token")
	}
	return token, nil
}

// validVaultToken tells whether a token can stand in a header.
func validVaultToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
