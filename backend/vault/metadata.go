package vault

import (
	"cmp"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"credential-resolver/backend/store"
)

// prepare checks the fields. Its errors contain no value, because a value may be a token.
func prepare(fields map[string]string) error {
	checks := []func(map[string]string) error{
		checkMethod, checkToken, checkLogin, checkAddress, checkPaths, checkWords,
	}
	for _, check := range checks {
		if err := check(fields); err != nil {
			return err
		}
	}
	return nil
}

// methodOf returns the method that the fields ask for.
func methodOf(fields map[string]string) string {
	return cmp.Or(store.Field(fields, "authMethod"), methodToken)
}

// checkMethod checks that the method exists, has what it requires, and that no field of another
// method is set, because it would have no effect.
func checkMethod(fields map[string]string) error {
	method := methodOf(fields)
	own, known := authFields[method]
	if !known {
		return errors.New("authMethod must be one of " + strings.Join(slices.Sorted(maps.Keys(authFields)), ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if own[name] && store.Field(fields, name) == "" {
			return errors.New(name + " is not set: authMethod " + method + " requires it")
		}
	}
	if method == methodToken && store.Field(fields, "authMountPath") != "" {
		return errors.New("authMountPath has no effect with authMethod token")
	}
	methods := map[string][]string{} // of each field
	for _, other := range slices.Sorted(maps.Keys(authFields)) {
		for name := range authFields[other] {
			methods[name] = append(methods[name], other)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(methods)) {
		if store.Field(fields, name) != "" && !slices.Contains(methods[name], method) {
			return errors.New(name + " has no effect with authMethod " + method + ": it belongs to " + strings.Join(methods[name], ", "))
		}
	}
	return nil
}

func checkToken(fields map[string]string) error {
	if methodOf(fields) != methodToken {
		return nil
	}
	token, file := store.Field(fields, "vaultToken"), store.Field(fields, "vaultTokenMountPath")
	switch {
	case token == "" && file == "":
		return errors.New("neither vaultToken nor vaultTokenMountPath is set: name the file that holds the token, or set authMethod")
	case token != "" && file != "":
		return errors.New("vaultToken and vaultTokenMountPath are both set: remove one")
	case token != "" && !validToken(token):
		return errors.New("vaultToken contains white space or other characters that a token cannot have")
	}
	return nil
}

// checkLogin checks what the methods other than token need.
func checkLogin(fields map[string]string) error {
	if store.Field(fields, "secretID") != "" && store.Field(fields, "secretIDPath") != "" {
		return errors.New("secretID and secretIDPath are both set: remove one")
	}
	if name := store.Field(fields, "username"); name != "" && (!validName(name) || strings.Contains(name, "/")) {
		return errors.New("username is not a name that userpass can have")
	}
	if methodOf(fields) == methodCert && !strings.HasPrefix(store.Field(fields, "vaultAddr"), "https://") && store.Field(fields, "vaultAddr") != "" {
		return errors.New("vaultAddr must begin with https:// for authMethod cert")
	}
	if namespace := store.Field(fields, "vaultNamespace"); namespace != "" && !validName(strings.Trim(namespace, "/")) {
		return errors.New(`vaultNamespace is not a namespace, such as "team" or "org/team"`)
	}
	return nil
}

// checkAddress checks vaultAddr and removes a trailing slash.
func checkAddress(fields map[string]string) error {
	address := store.Field(fields, "vaultAddr")
	if address == "" {
		return nil // the default
	}
	if !store.IsAddress(address) {
		return errors.New(`vaultAddr is not an address such as "https://vault.example:8200"`)
	}
	store.SetField(fields, "vaultAddr", strings.TrimRight(address, "/"))
	return nil
}

// checkPaths checks that the path parts from the metadata follow the same grammar as the name.
func checkPaths(fields map[string]string) error {
	for _, name := range []string{"enginePath", "vaultKVPrefix", "authMountPath"} {
		given := store.Field(fields, name)
		if given == "" {
			continue // the default
		}
		trimmed := strings.Trim(given, "/")
		if !validName(trimmed) || strings.ContainsAny(trimmed, `?#%\ `) {
			return errors.New(name + ` is not a path in Vault, such as "secret" or "team/secret"`)
		}
		store.SetField(fields, name, trimmed)
	}
	// Such a mount would be looked for with the "data/" that the store adds.
	if dir, last := path.Split(store.Field(fields, "enginePath")); dir != "" && (last == "data" || last == "metadata") {
		return errors.New(`enginePath must be the mount only, such as "secret": the store adds "/data/"`)
	}
	return nil
}

// checkWords refuses values that contrib's store reads as false or ignores.
func checkWords(fields map[string]string) error {
	words := map[string][]string{
		"vaultValueType":   {"map", "text"},
		"vaultKVUsePrefix": {"true", "false"},
		"skipVerify":       {"true", "false"},
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		value := store.Field(fields, name)
		if value == "" {
			store.SetField(fields, name, "") // the same as not set
			continue
		}
		if name == "vaultKVUsePrefix" && store.IsBoolean(value) { // the only one that contrib parses
			continue
		}
		if !slices.Contains(words[name], value) {
			return errors.New(name + " must be " + words[name][0] + " or " + words[name][1])
		}
	}
	return nil
}
