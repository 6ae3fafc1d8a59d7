package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/resolver"
)

// defaultStore is the name of the default secret store for --store.
const defaultStore = "secretStore"

// secretStoreNames returns the names that --store may have.
func secretStoreNames(settings component.Settings) []string {
	names := slices.Sorted(maps.Keys(settings.SecretStores))
	if settings.SecretStore.Type != "" {
		names = append([]string{defaultStore}, names...)
	}
	return names
}

// checkStoreName refuses a --store that the Component does not have.
func checkStoreName(settings component.Settings, name string) error {
	if names := secretStoreNames(settings); !slices.Contains(names, name) {
		return usageError{fmt.Errorf("--store must be one of: %s", strings.Join(names, ", "))}
	}
	return nil
}

// specOf returns the store with a name of secretStoreNames, and its name for the resolver. A
// further store with the name "secretStore" hides the default one.
func specOf(settings component.Settings, name string) (spec store.Spec, of string) {
	if spec, ok := settings.SecretStores[name]; ok {
		return spec, name
	}
	return settings.SecretStore, ""
}

// withAnalysis runs fn on a resolver that knows all secret stores, but opens only those with
// these names: the others are only asked which names they can have.
func (o *options) withAnalysis(
	ctx context.Context, settings component.Settings, opened []string,
	fn func(context.Context, *resolver.Resolver, *component.Stores) error,
) error {
	if len(secretStoreNames(settings)) == 0 {
		return errors.New("the Component has no secret store, so its credentials need no secrets")
	}
	open := settings
	open.SecretStore, open.SecretStores = store.Spec{}, map[string]store.Spec{}
	for _, name := range opened {
		if spec, of := specOf(settings, name); of == "" {
			open.SecretStore = spec
		} else {
			open.SecretStores[of] = spec
		}
	}
	return o.withOpenStores(ctx, open, func(ctx context.Context, stores *component.Stores) error {
		if stores.Secrets == nil && settings.SecretStore.Type != "" {
			names, err := backend.NamesOnly(settings.SecretStore)
			if err != nil {
				return err
			}
			stores.Secrets = names
		}
		for name, spec := range settings.SecretStores {
			if stores.Named[name] == nil {
				names, err := backend.NamesOnly(spec)
				if err != nil {
					return err
				}
				stores.Named[name] = names
			}
		}
		return fn(ctx, o.resolver(settings, stores), stores)
	})
}

// incomplete counts the credentials that a command could not take into account. It prints why.
type incomplete struct {
	*options
	n int
}

func (i *incomplete) add(err error) {
	i.n++
	_, _ = fmt.Fprintln(i.Err, explained(err))
}

// err returns the error for the exit status; nil if the answer is complete.
func (i *incomplete) err(remedy string) error {
	if i.n == 0 {
		return nil
	}
	return fmt.Errorf("the answer is incomplete: see the %s above%s", counted(i.n, "line"), remedy)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
