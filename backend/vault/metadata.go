package vault

import (
	"errors"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"credential-resolver/backend/store"
)

// prepare checks what contrib checks at Init, and what contrib would silently misread. Its
// errors contain no value, because a value may be a token.
func prepare(fields map[string]string) error {
	checks := []func(map[string]string) error{
		checkToken, checkAddress, checkPaths, checkWords,
	}
	for _, check := range checks {
		if err := check(fields); err != nil {
			return err
		}
	}
	return nil
}

func checkToken(fields map[string]string) error {
	token, file := store.Field(fields, "vaultToken"), store.Field(fields, "vaultTokenMountPath")
	switch {
	case token == "" && file == "":
		return errors.New("neither vaultToken nor vaultTokenMountPath is set: name the file that holds the token")
	case token != "" && file != "":
		return errors.New("vaultToken and vaultTokenMountPath are both set: remove one")
	case token != "" && !validToken(token):
		return errors.New("vaultToken contains white space or other characters that a token cannot have")
	}
	return nil
}

// checkAddress checks vaultAddr and removes a trailing slash. With the slash, contrib would
// ask for "//v1/...", which Vault redirects each time.
func checkAddress(fields map[string]string) error {
	address := store.Field(fields, "vaultAddr")
	if address == "" {
		return nil // contrib's default
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		u.User != nil || strings.ContainsAny(address, "?#") {
		return errors.New(`vaultAddr is not an address such as "https://vault.example:8200"`)
	}
	store.SetField(fields, "vaultAddr", strings.TrimRight(address, "/"))
	return nil
}

// checkPaths checks that the path parts from the metadata follow the same grammar as the name.
func checkPaths(fields map[string]string) error {
	for _, name := range []string{"enginePath", "vaultKVPrefix"} {
		given := store.Field(fields, name)
		if given == "" {
			continue // contrib's default
		}
		trimmed := strings.Trim(given, "/")
		if !validName(trimmed) || strings.ContainsAny(trimmed, `?#%\ `) { // contrib does not escape it
			return errors.New(name + ` is not a path in Vault, such as "secret" or "team/secret"`)
		}
		store.SetField(fields, name, trimmed)
	}
	// With such a mount, Vault would look for the secrets below "data/" and report each of
	// them as missing.
	if dir, last := path.Split(store.Field(fields, "enginePath")); dir != "" && (last == "data" || last == "metadata") {
		return errors.New(`enginePath must be the mount only, such as "secret": the store adds "/data/"`)
	}
	return nil
}

// checkWords refuses values that contrib would read as false or ignore.
func checkWords(fields map[string]string) error {
	words := map[string][]string{
		"vaultValueType":   {"map", "text"},
		"vaultKVUsePrefix": {"true", "false", "yes", "no", "y", "n", "on", "off", "t", "f", "1", "0"},
		"skipVerify":       {"true", "false"},
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		value := store.Field(fields, name)
		if value == "" {
			store.SetField(fields, name, "") // the same as not set
			continue
		}
		if name == "vaultKVUsePrefix" { // contrib ignores the case of this value only
			value = strings.ToLower(value)
		}
		if !slices.Contains(words[name], value) {
			return errors.New(name + " must be " + words[name][0] + " or " + words[name][1])
		}
	}
	return nil
}
