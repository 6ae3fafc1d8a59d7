package component

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"credential-resolver/backend"
	"credential-resolver/internal/nearest"
	"credential-resolver/resolver"
)

// Settings are the component's metadata, checked (DESIGN.md, section 2).
type Settings struct {
	// ConfigStore is the store of configs. Its zero Type never occurs: the
	// default is state.sqlite.
	ConfigStore backend.Spec
	// ConfigKey is the template of a config's key, with {guid} in it.
	ConfigKey string
	// SecretStore is the store of secrets; its Type is "" for none, which only
	// the local environment allows.
	SecretStore backend.Spec
	// Local tells that the environment is local.
	Local bool
	// RequestTimeout bounds one resolution.
	RequestTimeout time.Duration
	// StoreTimeout bounds one call to a store.
	StoreTimeout time.Duration
	// AllowUnresolved answers an agent credential without one secret as it is.
	AllowUnresolved bool
	// AllowedSecrets are the secrets that may be asked for. Nil: all.
	AllowedSecrets *Globs
	// AllowBulk tells whether every credential may be asked for at once.
	AllowBulk bool
	// Format is the form of an answer to a request that names none.
	Format Format
}

// reader reads one metadata value into settings. Its error says what the value
// may be, and does not hold it.
type reader func(s *Settings, value string) error

// readers are the metadata names that mean something in this version.
func readers() map[string]reader {
	return map[string]reader{
		"configStore": func(s *Settings, v string) error { s.ConfigStore.Type = v; return nil },
		"secretStore": func(s *Settings, v string) error { s.SecretStore.Type = v; return nil },
		"configKey": func(s *Settings, v string) error {
			if !strings.Contains(v, backend.GUIDPlaceholder) {
				return errors.New("must contain " + backend.GUIDPlaceholder + `, as in "myapp||{guid}"`)
			}
			s.ConfigKey = v
			return nil
		},
		"allowedSecrets": func(s *Settings, v string) (err error) {
			s.AllowedSecrets, err = ParseGlobs(v)
			return err
		},
		"environment": oneOf(map[string]func(*Settings){
			"production": func(s *Settings) { s.Local = false },
			"local":      func(s *Settings) { s.Local = true },
		}),
		"unresolved": oneOf(map[string]func(*Settings){
			"error": func(s *Settings) { s.AllowUnresolved = false },
			"allow": func(s *Settings) { s.AllowUnresolved = true },
		}),
		"allowBulk": oneOf(map[string]func(*Settings){
			"false": func(s *Settings) { s.AllowBulk = false },
			"true":  func(s *Settings) { s.AllowBulk = true },
		}),
		"responseFormat": oneOf(map[string]func(*Settings){
			string(Flat): func(s *Settings) { s.Format = Flat },
			string(JSON): func(s *Settings) { s.Format = JSON },
		}),
		"requestTimeout": duration(func(s *Settings) *time.Duration { return &s.RequestTimeout }),
		"storeTimeout":   duration(func(s *Settings) *time.Duration { return &s.StoreTimeout }),
	}
}

// reservedNames are those of section 2 that a later version brings to life.
func reservedNames() []string {
	return []string{
		"storeRetries", "storeConcurrency", "breakerFailures", "breakerInterval",
		"deniedProbe", "lookupFields", "cacheTTL", "cacheMaxEntries", "cacheMaxBytes",
		"staleIfError", "negativeCacheTTL", "consistentReads", "secretStores",
	}
}

// ParseMetadata reads the component's metadata, strictly: an unknown name is an
// error that names the nearest known one. Its errors hold no value.
func ParseMetadata(properties map[string]string) (Settings, error) {
	s := Settings{
		ConfigStore:    backend.Spec{Label: "configStore", Type: "state.sqlite", Fields: map[string]string{}},
		ConfigKey:      backend.GUIDPlaceholder,
		SecretStore:    backend.Spec{Label: "secretStore", Fields: map[string]string{}},
		RequestTimeout: resolver.DefaultTimeout,
		StoreTimeout:   backend.DefaultTimeout,
		Format:         Flat,
	}
	known := readers()
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if err := s.read(known, name, properties[name]); err != nil {
			return Settings{}, fmt.Errorf("metadata %s: %w", name, err)
		}
	}
	if s.SecretStore.Type == "" {
		if len(s.SecretStore.Fields) > 0 || !s.Local {
			return Settings{}, errors.New("metadata secretStore is missing: name the store of secrets, such as " +
				"secretstores.local.file (or set environment to local, without any secretStore, to answer configs as they are)")
		}
	}
	return s, nil
}

func (s *Settings) read(known map[string]reader, name, value string) error {
	if read, ok := known[name]; ok {
		if value == "" {
			return errors.New("is empty: give it a value, or remove it for its default")
		}
		return read(s, value)
	}
	head, field, nested := strings.Cut(name, ".")
	switch {
	case nested && field != "" && head == "configStore":
		s.ConfigStore.Fields[field] = value
		return nil
	case nested && field != "" && head == "secretStore":
		s.SecretStore.Fields[field] = value
		return nil
	case slices.Contains(reservedNames(), head):
		return errors.New("is not supported yet: remove it")
	}
	if remedy, ok := backend.RuntimeField(name); ok {
		return errors.New("cannot be set: " + remedy)
	}
	if nested && field != "" {
		if store := nearest.Name(head, []string{"configStore", "secretStore"}); store != "" {
			return fmt.Errorf("is unknown (did you mean %q?)", store+"."+field)
		}
	}
	names := append(slices.Collect(maps.Keys(known)), reservedNames()...)
	slices.Sort(names)
	return fmt.Errorf("is unknown%s; the names are %s, configStore.<field> and secretStore.<field>",
		nearest.Hint(name, names), strings.Join(names, ", "))
}

func oneOf(choices map[string]func(*Settings)) reader {
	return func(s *Settings, value string) error {
		set, ok := choices[value]
		if !ok {
			return fmt.Errorf("must be one of: %s", strings.Join(slices.Sorted(maps.Keys(choices)), ", "))
		}
		set(s)
		return nil
	}
}

func duration(field func(*Settings) *time.Duration) reader {
	return func(s *Settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return errors.New(`must be a duration above zero with its unit, such as "3s" or "500ms"`)
		}
		*field(s) = d
		return nil
	}
}
