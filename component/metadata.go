package component

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"credential-resolver/backend/store"
	"credential-resolver/internal/nearest"
	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// Settings are the component's metadata after all checks (DESIGN.md, section 2).
type Settings struct {
	// ConfigStore is the config store. Its Type is never empty: the default is state.sqlite.
	ConfigStore store.Spec
	// ConfigKey is the template for a config's key. It contains {guid}.
	ConfigKey string
	// SecretStore is the secret store. Its Type is "" for none, which is allowed only in the
	// local environment.
	SecretStore store.Spec
	// SecretStores are further secret stores, by name. Nil: none.
	SecretStores map[string]store.Spec
	// Local says that the environment is local.
	Local bool
	// RequestTimeout is the time limit for one resolution.
	RequestTimeout time.Duration
	// Limits apply to the calls to each store.
	Limits store.Limits
	// LookupFields are the fields that single-key mode looks up. Nil: all.
	LookupFields []string
	// LiteralFields are the fields that single-key mode does not look up, unless
	// LookupFields are set. Empty: none.
	LiteralFields []string
	// MaxSecrets is the most distinct secret names that one credential may ask for.
	MaxSecrets int
	// DeniedIsLiteral treats a looked-up name that the store refuses as a literal.
	DeniedIsLiteral bool
	// AllowUnresolved returns an agent credential unchanged if it has values to look up and
	// none was replaced. False: that is an error.
	AllowUnresolved bool
	// AllowedSecrets are the secret names that a credential may ask for, in SecretStore and in
	// each further store without a list of its own. Nil: all.
	AllowedSecrets *Globs
	// AllowedIn are the lists of the further secret stores, by the store's name. A store
	// without an entry uses AllowedSecrets.
	AllowedIn map[string]*Globs
	// Cache configures the cache of credentials and of secrets.
	Cache cache.Options
	// AllowBulk says whether the bulk API may list all credentials.
	AllowBulk bool
	// Format is the format of an answer to a request that names none.
	Format Format
}

// reader parses one metadata value into settings. Its error says which values are valid, and
// does not contain the value.
type reader func(s *Settings, value string) error

// readers returns a reader for each metadata name that this version supports.
func readers() map[string]reader {
	return map[string]reader{
		"configStore": func(s *Settings, v string) error { s.ConfigStore.Type = v; return nil },
		"secretStore": func(s *Settings, v string) error { s.SecretStore.Type = v; return nil },
		"configKey": func(s *Settings, v string) error {
			if !strings.Contains(v, store.GUIDPlaceholder) {
				return errors.New("must contain " + store.GUIDPlaceholder + `, as in "myapp||{guid}"`)
			}
			s.ConfigKey = v
			return nil
		},
		allowedSecrets: func(s *Settings, v string) (err error) {
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
		"deniedProbe": oneOf(map[string]func(*Settings){
			"error":   func(s *Settings) { s.DeniedIsLiteral = false },
			"literal": func(s *Settings) { s.DeniedIsLiteral = true },
		}),
		"lookupFields": func(s *Settings, v string) (err error) {
			s.LookupFields, err = parseNames(v)
			return err
		},
		"literalFields": func(s *Settings, v string) (err error) {
			s.LiteralFields, err = parseLiteralFields(v)
			return err
		},
		"maxSecrets": number(1, 10_000, func(s *Settings) *int { return &s.MaxSecrets }),
		"allowBulk": oneOf(map[string]func(*Settings){
			"false": func(s *Settings) { s.AllowBulk = false },
			"true":  func(s *Settings) { s.AllowBulk = true },
		}),
		"responseFormat": oneOf(map[string]func(*Settings){
			string(Flat): func(s *Settings) { s.Format = Flat },
			string(JSON): func(s *Settings) { s.Format = JSON },
		}),
		"requestTimeout":   duration(func(s *Settings) *time.Duration { return &s.RequestTimeout }),
		"storeTimeout":     duration(func(s *Settings) *time.Duration { return &s.Limits.Timeout }),
		"storeRetries":     number(0, 10, func(s *Settings) *int { return &s.Limits.Retries }),
		"storeConcurrency": number(1, 10_000, func(s *Settings) *int { return &s.Limits.Concurrency }),
		"breakerFailures":  number(0, 1_000, func(s *Settings) *int { return &s.Limits.BreakerFailures }),
		"breakerInterval":  duration(func(s *Settings) *time.Duration { return &s.Limits.BreakerInterval }),
		"cacheTTL":         durationOrZero(func(s *Settings) *time.Duration { return &s.Cache.TTL }),
		"staleIfError":     durationOrZero(func(s *Settings) *time.Duration { return &s.Cache.StaleIfError }),
		"negativeCacheTTL": durationOrZero(func(s *Settings) *time.Duration { return &s.Cache.NegativeTTL }),
		"cacheMaxEntries":  number(1, 10_000_000, func(s *Settings) *int { return &s.Cache.MaxEntries }),
		"cacheMaxBytes":    quantity(func(s *Settings) *int64 { return &s.Cache.MaxBytes }),
		"consistentReads": oneOf(map[string]func(*Settings){
			"false": func(s *Settings) { s.Cache.Consistent = false },
			"true":  func(s *Settings) { s.Cache.Consistent = true },
		}),
	}
}

// defaultLiteralFields are the fields that version 3 of the original library never looks up.
const defaultLiteralFields = "host,port,connectBy,auth-type,agent-name,agent-type,key-type,secret-manager," +
	"aws-region,aws-auth-method,azure-auth-method"

// ParseMetadata parses the component's metadata strictly (DESIGN.md, section 2): an unknown
// name is an error that suggests the nearest known one. Its errors contain no value.
func ParseMetadata(properties map[string]string) (Settings, error) {
	s := Settings{
		ConfigStore:    store.Spec{Label: "configStore", Type: "state.sqlite", Fields: map[string]string{}},
		ConfigKey:      store.GUIDPlaceholder,
		SecretStore:    store.Spec{Label: "secretStore", Fields: map[string]string{}},
		RequestTimeout: resolver.DefaultTimeout,
		LiteralFields:  strings.Split(defaultLiteralFields, ","),
		MaxSecrets:     resolver.DefaultMaxSecrets,
		Limits:         store.DefaultLimits(),
		Cache:          cache.DefaultOptions(),
		Format:         Flat,
	}
	known := readers()
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if err := s.read(known, name, properties[name]); err != nil {
			return Settings{}, fmt.Errorf("metadata %s: %w", name, err)
		}
	}
	if err := s.checkSecretStores(); err != nil {
		return Settings{}, err
	}
	if s.SecretStore.Type == "" {
		if len(s.SecretStore.Fields) > 0 || !s.Local {
			return Settings{}, errors.New("metadata secretStore is missing: name the type of the secret store, such as " +
				"secretstores.local.file (or set environment to local, without any secretStore name, to return configs unchanged)")
		}
	}
	return s, nil
}

func (s *Settings) read(known map[string]reader, name, value string) error {
	if read, ok := known[name]; ok {
		if value == "" {
			return errors.New("is empty: set a value, or remove it to use the default")
		}
		return read(s, value)
	}
	head, field, nested := strings.Cut(name, ".")
	switch {
	case nested && field != "" && head == "configStore":
		s.ConfigStore.Fields[field] = value
		return nil
	case nested && head == "secretStore" && strings.EqualFold(field, allowedSecrets):
		return fmt.Errorf("is unknown (did you mean %q?)", allowedSecrets)
	case nested && field != "" && head == "secretStore":
		s.SecretStore.Fields[field] = value
		return nil
	case head == "secretStores":
		return s.readNamed(field, value)
	}
	if remedy, ok := store.RuntimeField(name); ok {
		return errors.New("cannot be set: " + remedy)
	}
	if nested && field != "" {
		if label := nearest.Name(head, []string{"configStore", "secretStore", "secretStores"}); label != "" {
			return fmt.Errorf("is unknown (did you mean %q?)", label+"."+field)
		}
	}
	names := slices.Sorted(maps.Keys(known))
	return fmt.Errorf("is unknown%s; the names are %s, configStore.<field>, secretStore.<field>, secretStores.<name> and secretStores.<name>.<field>",
		nearest.Hint(name, names), strings.Join(names, ", "))
}

// parseNames parses comma-separated field names.
func parseNames(value string) ([]string, error) {
	var names []string
	for name := range strings.SplitSeq(value, ",") {
		name = strings.TrimSpace(name)
		if name == "" {
			return nil, errors.New(`has an empty name: write names such as "password,extra.token"`)
		}
		names = append(names, name)
	}
	return names, nil
}

// parseLiteralFields parses the names of top-level fields of a config. "none" means no fields.
func parseLiteralFields(value string) ([]string, error) {
	names, err := parseNames(value)
	switch {
	case err != nil:
		return nil, errors.New(`has an empty name: write names such as "host,port"`)
	case slices.Equal(names, []string{"none"}):
		return nil, nil
	case slices.Contains(names, "none"):
		return nil, errors.New(`must be names of fields, or only "none"`)
	case slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(name, credential.FieldExtra+".") }):
		return nil, errors.New("applies only to top-level fields, not to the fields of extra: see lookupFields")
	}
	return names, nil
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

func number(least, most int, field func(*Settings) *int) reader {
	return func(s *Settings, value string) error {
		n, err := strconv.Atoi(value)
		if err != nil || n < least || n > most {
			return fmt.Errorf("must be a whole number from %d to %d", least, most)
		}
		*field(s) = n
		return nil
	}
}

func duration(field func(*Settings) *time.Duration) reader {
	return func(s *Settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return errors.New(`must be a duration above zero with a unit, such as "3s" or "500ms"`)
		}
		*field(s) = d
		return nil
	}
}

func durationOrZero(field func(*Settings) *time.Duration) reader {
	return func(s *Settings, value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < 0 {
			return errors.New(`must be a duration with a unit, such as "60s"; "0s" turns it off`)
		}
		*field(s) = d
		return nil
	}
}

// The bounds of cacheMaxBytes.
const (
	leastBytes = 1 << 20
	mostBytes  = 1 << 40
)

func quantity(field func(*Settings) *int64) reader {
	return func(s *Settings, value string) error {
		q, err := resource.ParseQuantity(value)
		if n := q.Value(); err == nil && n >= leastBytes && n <= mostBytes {
			*field(s) = n
			return nil
		}
		return errors.New(`must be a number of bytes from "1Mi" to "1Ti", such as "64Mi"`)
	}
}
