package backend

import (
	"context"
	"errors"
	"os"
	"strings"
	"unicode"

	"github.com/dapr/components-contrib/secretstores/hashicorp/vault"
	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
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

// validVaultPath is Vault's grammar of paths as far as contrib can carry it.
// contrib puts the name raw into a URL, behind ".../data/<prefix>/": a "?" would
// end it, a "#" would hide its end, a "%" would be read as an escape, a "\" is
// refused by some proxies. Vault answers an empty or a "." segment by a redirect
// to the path without it, a ".." by one out of the prefix and even to another
// endpoint, and ignores a slash at the end: each would be a second name of
// another secret. Segments cannot be taken for an endpoint otherwise, since all
// that follows "data/" is the secret's path. Blanks and what cannot be printed
// Vault refuses (400).
func validVaultPath(name string) bool {
	if strings.ContainsAny(name, `?#%\`) {
		return false
	}
	for segment := range strings.SplitSeq(name, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return false
		}
	}
	for _, r := range name {
		if r == unicode.ReplacementChar || unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return false // the first also stands for what is not UTF-8
		}
	}
	return true
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
		return nil, permanent(resolver.Remedy(resolver.RemedyOf(err)))
	case errors.Is(err, resolver.Denied):
		log.Debug("Vault does not let this token read " + vaultProbe + ": whether enginePath is right is seen later")
		return c, nil
	}
	return nil, err
}

func openVault(ctx context.Context, fields map[string]string, log logger.Logger) (*vaultConn, error) {
	for _, name := range []string{"caCert", "caPath"} {
		// contrib says this without a type, or panics.
		if path := field(fields, name); path != "" {
			if _, err := os.Stat(path); err != nil {
				return nil, err
			}
		}
	}
	c := &vaultConn{fields: fields, tokenFile: field(fields, "vaultTokenMountPath"), log: log}
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
		return "", permanent(resolver.Remedy("the file of vaultTokenMountPath is not a regular file"))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	token := strings.TrimSpace(string(text))
	if !validVaultToken(token) {
		return "", resolver.Remedy("the file of vaultTokenMountPath does not hold a token")
	}
	return token, nil
}

// validVaultToken tells whether a token can stand in a header.
func validVaultToken(token string) bool {
	return token != "" && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}
