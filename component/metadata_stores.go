package component

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// allowedSecrets is the metadata name of the lists of allowed secret names.
const allowedSecrets = "allowedSecrets"

// storeName matches the valid names of a further secret store. Configs refer to the store by
// this name.
var storeName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// readNamed parses secretStores.<name> and secretStores.<name>.<field>.
func (s *Settings) readNamed(rest, value string) error {
	name, field, isField := strings.Cut(rest, ".")
	switch {
	case !storeName.MatchString(name):
		return errors.New("needs the name of a store, as in secretStores.second: 1 to 64 characters of A-Z a-z 0-9 _ -")
	case isField && field == "":
		return errors.New("needs the name of a field after the last dot")
	case !isField && value == "":
		return errors.New("is empty: set a value, or remove it")
	}
	spec, ok := s.SecretStores[name]
	if !ok {
		if s.SecretStores == nil {
			s.SecretStores = map[string]store.Spec{}
		}
		spec = store.Spec{Label: credential.SecretStoreLabel(name), Fields: map[string]string{}}
	}
	s.SecretStores[name] = spec
	switch {
	case isField && strings.EqualFold(field, allowedSecrets):
		return s.readAllowedIn(name, field, value)
	case isField:
		spec.Fields[field] = value
	default:
		spec.Type = value
		s.SecretStores[name] = spec
	}
	return nil
}

// readAllowedIn parses secretStores.<name>.allowedSecrets. The field is ours and is never
// passed to the store, in any letter case: components-contrib ignores the case of fields, and
// would refuse it without the remedy.
func (s *Settings) readAllowedIn(name, field, value string) error {
	switch {
	case field != allowedSecrets:
		return fmt.Errorf("is unknown (did you mean %q?)", "secretStores."+name+"."+allowedSecrets)
	case value == "":
		return errors.New("is empty: set a value, or remove it to use " + allowedSecrets)
	}
	globs, err := ParseGlobs(value)
	if err != nil {
		return err
	}
	if s.AllowedIn == nil {
		s.AllowedIn = map[string]*Globs{}
	}
	s.AllowedIn[name] = globs
	return nil
}

// checkSecretStores fails if a further secret store has fields but no type.
func (s *Settings) checkSecretStores() error {
	for _, name := range slices.Sorted(maps.Keys(s.SecretStores)) {
		if s.SecretStores[name].Type == "" {
			return fmt.Errorf("metadata secretStores.%s is missing: name the type of the store, such as secretstores.local.file", name)
		}
	}
	return nil
}

// Unrestricted returns the labels of the secret stores without an allowedSecrets list, in
// production (DESIGN.md, section 2). A config may ask for every secret of such a store. An
// explicit "*" counts as a list.
func (s Settings) Unrestricted() []string {
	if s.Local || s.AllowedSecrets != nil || s.SecretStore.Type == "" {
		return nil
	}
	labels := []string{s.SecretStore.Label}
	for _, name := range slices.Sorted(maps.Keys(s.SecretStores)) {
		if s.AllowedIn[name] == nil {
			labels = append(labels, s.SecretStores[name].Label)
		}
	}
	return labels
}

// unrestrictedWarning returns the warning for [Settings.Unrestricted], with the remedy.
func unrestrictedWarning(labels []string) string {
	return "metadata " + allowedSecrets + " is not set: anyone who can write configs can ask for every secret of " +
		strings.Join(labels, ", ") + `; list the names that credentials need, such as "myapp/*,shared-db", ` +
		`or write "*" to allow all of them`
}
