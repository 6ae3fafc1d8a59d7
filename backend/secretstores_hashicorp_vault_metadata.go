package backend

import (
	"errors"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/dapr/components-contrib/metadata"
)

// prepareVault checks what contrib checks at Init, and what it would take in
// silence for something else. Its errors hold no value: one may be a token.
func prepareVault(fields map[string]string) error {
	checks := []func(map[string]string) error{
		checkVaultToken, checkVaultAddress, checkVaultPaths, checkVaultWords,
	}
	for _, check := range checks {
		if err := check(fields); err != nil {
			return err
		}
	}
	return nil
}

func checkVaultToken(fields map[string]string) error {
	token, file := field(fields, "vaultToken"), field(fields, "vaultTokenMountPath")
	switch {
	case token == "" && file == "":
		return errors.New("neither vaultToken nor vaultTokenMountPath is set: name the file that holds the token")
	case token != "" && file != "":
		return errors.New("vaultToken and vaultTokenMountPath are both set: remove one")
	case token != "" && !validVaultToken(token):
		return errors.New("vaultToken holds white space or other characters that no token has")
	}
	return nil
}

// checkVaultAddress also takes a slash off the end: contrib would ask for
// "//v1/...", which Vault answers with a redirect each time.
func checkVaultAddress(fields map[string]string) error {
	address := field(fields, "vaultAddr")
	if address == "" {
		return nil // contrib's default
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") ||
		u.User != nil || strings.ContainsAny(address, "?#") {
		return errors.New(`vaultAddr is not an address such as "https://vault.example:8200"`)
	}
	setField(fields, "vaultAddr", strings.TrimRight(address, "/"))
	return nil
}

// checkVaultPaths holds the parts of a path that come from the metadata to the
// grammar of the part that is the name.
func checkVaultPaths(fields map[string]string) error {
	for _, name := range []string{"enginePath", "vaultKVPrefix"} {
		given := field(fields, name)
		if given == "" {
			continue // contrib's default
		}
		trimmed := strings.Trim(given, "/")
		if !validVaultPath(trimmed) || strings.ContainsAny(trimmed, `?#%\ `) { // contrib does not escape it
			return errors.New(name + ` is not a path in Vault, such as "secret" or "team/secret"`)
		}
		setField(fields, name, trimmed)
	}
	// Vault would take it for the secrets below "data/" and say of each that it is
	// missing.
	if dir, last := path.Split(field(fields, "enginePath")); dir != "" && (last == "data" || last == "metadata") {
		return errors.New(`enginePath names the mount alone, as in "secret": "/data/" is added to it`)
	}
	return nil
}

// checkVaultWords refuses words that contrib would take for false, or for none.
func checkVaultWords(fields map[string]string) error {
	words := map[string][]string{
		"vaultValueType":   {"map", "text"},
		"vaultKVUsePrefix": {"true", "false", "yes", "no", "y", "n", "on", "off", "t", "f", "1", "0"},
		"skipVerify":       {"true", "false"},
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		value := field(fields, name)
		if value == "" {
			setField(fields, name, "") // as if it were not there
			continue
		}
		if name == "vaultKVUsePrefix" { // the only one whose case contrib ignores
			value = strings.ToLower(value)
		}
		if !slices.Contains(words[name], value) {
			return errors.New(name + " is neither " + words[name][0] + " nor " + words[name][1])
		}
	}
	return nil
}

func field(fields map[string]string, name string) string {
	value, _ := metadata.GetMetadataProperty(fields, name)
	return value
}

// setField sets a field and removes it in any other spelling; "" removes it.
func setField(fields map[string]string, name, value string) {
	for given := range fields {
		if strings.EqualFold(given, name) {
			delete(fields, given)
		}
	}
	if value != "" {
		fields[name] = value
	}
}
