package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/internal/componentfile"
	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// componentFlag adds -c, which most commands need.
func componentFlag(cmd *cobra.Command, path *string) {
	cmd.Flags().StringVarP(path, "component", "c", "", "the Component YAML that daprd reads (required)")
}

var errNoComponent = usageError{errors.New("-c COMPONENT.yaml is missing")}

// loadSettings reads the settings of the Component file at path.
func loadSettings(path string) (component.Settings, error) {
	if path == "" {
		return component.Settings{}, errNoComponent
	}
	properties, err := componentfile.Load(path)
	if err != nil {
		return component.Settings{}, err
	}
	settings, err := component.ParseMetadata(properties)
	if err != nil {
		return component.Settings{}, fmt.Errorf("%s: %w", path, err)
	}
	return settings, nil
}

// withConfigs runs fn on the config store of the Component file at path, with the Component's
// requestTimeout as the deadline.
func (o *options) withConfigs(
	ctx context.Context, path string, fn func(context.Context, component.Configs) error,
) error {
	settings, err := loadSettings(path)
	if err != nil {
		return err
	}
	settings.SecretStore, settings.SecretStores = store.Spec{}, nil
	return o.withStores(ctx, settings, func(ctx context.Context, stores *component.Stores) error {
		return fn(ctx, stores.Configs)
	})
}

// withStores opens the stores in settings and runs fn on them, with settings.RequestTimeout as
// the deadline.
func (o *options) withStores(
	ctx context.Context, settings component.Settings, fn func(context.Context, *component.Stores) error,
) error {
	ctx, cancel := context.WithTimeout(ctx, settings.RequestTimeout)
	defer cancel()
	return o.withOpenStores(ctx, settings, fn)
}

// withOpenStores is like withStores, for commands that make a call per config: only opening the
// stores must end within settings.RequestTimeout, and each call has the store's own deadline.
func (o *options) withOpenStores(
	ctx context.Context, settings component.Settings, fn func(context.Context, *component.Stores) error,
) error {
	opening, cancel := context.WithTimeout(ctx, settings.RequestTimeout)
	defer cancel()
	stores, err := o.openStores(opening, settings)
	if err != nil {
		return err
	}
	defer func() { _ = stores.Close() }()
	return fn(ctx, stores)
}

// withAllConfigs is withOpenStores on the config store of the Component file at path.
func (o *options) withAllConfigs(
	ctx context.Context, path string, fn func(context.Context, component.Configs) error,
) error {
	settings, err := loadSettings(path)
	if err != nil {
		return err
	}
	settings.SecretStore, settings.SecretStores = store.Spec{}, nil
	return o.withOpenStores(ctx, settings, func(ctx context.Context, stores *component.Stores) error {
		return fn(ctx, stores.Configs)
	})
}

// configToChange reads a stored config, for a command that replaces it.
func configToChange(ctx context.Context, configs component.Configs, guid string) ([]byte, error) {
	config, err := configs.Config(ctx, guid)
	if store.Missing(err) {
		return nil, unlisted(guid)
	}
	return config, explained(err)
}

// replaceConfig stores a config in place of old, unless somebody else has changed it.
func replaceConfig(ctx context.Context, configs component.Configs, guid string, old, config []byte) error {
	err := configs.Replace(ctx, guid, old, config)
	if errors.Is(err, store.ErrEdited) {
		return fmt.Errorf("credential %q: %w", guid, store.ErrEdited)
	}
	return explained(err)
}

// storeOptions returns how a command opens stores.
func (o *options) storeOptions() (store.Options, error) {
	log, err := o.logger("error", o.Err)
	return store.Options{
		FailFast: true, Logger: log,
		AllowExecPlugins: true, // the command's user wrote the Component, and a plugin runs as that user
	}, err
}

// openStores opens the stores in settings. The caller closes them.
func (o *options) openStores(ctx context.Context, settings component.Settings) (*component.Stores, error) {
	opts, err := o.storeOptions()
	if err != nil {
		return nil, err
	}
	stores, err := component.Open(ctx, settings, opts)
	if err != nil {
		return nil, err
	}
	if stores.Configs.Ephemeral() {
		_ = stores.Close()
		return nil, ephemeral(settings)
	}
	return stores, nil
}

// ephemeral returns the error for a config store whose data ends with its process.
func ephemeral(settings component.Settings) error {
	return fmt.Errorf("%s loses its data when its process ends, so a command cannot see the component's configs: "+
		"use another configStore, such as state.sqlite", settings.ConfigStore.Type)
}

// resolver returns a resolver without a cache, for one credential.
func (o *options) resolver(settings component.Settings, stores *component.Stores) *resolver.Resolver {
	settings.Cache = cache.Options{} // no cache: every read goes to the stores
	return stores.Resolver(settings, noKnownNames, warnings{o})
}

// warnings prints warnings about probable mistakes in the config that a command resolves.
type warnings struct{ *options }

var _ resolver.Observer = warnings{}

// ConfigRead implements resolver.Observer.
func (warnings) ConfigRead(context.Context, string, credential.Source, credential.SecretMode) {}

// UnknownSource implements resolver.Observer.
func (w warnings) UnknownSource(context.Context, string) { w.warnUnknownSource("") }

// UnusedSecrets implements resolver.Observer.
func (w warnings) UnusedSecrets(_ context.Context, _ string, unused []resolver.Unused, _ bool) {
	w.warnUnused(unused)
}

// unlisted returns the error for a GUID without a config.
func unlisted(guid string) error {
	return fmt.Errorf(`credential %q: no such credential in the config store: "list" prints all GUIDs`, guid)
}

// noKnownNames returns no memory of what a store held before: a command resolves only once.
func noKnownNames(store.Spec) *resolver.Known { return nil }

// explained adds the store's own error text, because the person who runs a command can fix the
// store.
func explained(err error) error {
	var failed *credential.Error
	if errors.As(err, &failed) && failed.Detail() != "" && failed.Kind != credential.NotFound {
		return fmt.Errorf("%w: %s", err, failed.Detail())
	}
	var failure *credential.StoreError
	if failed == nil && errors.As(err, &failure) && failure.Err != nil {
		return fmt.Errorf("%w: %s", err, failure.Err.Error())
	}
	return err
}

// warnUnknownSource warns that an unknown credentialSource counts as "direct". source is as in
// check, with a colon.
func (o *options) warnUnknownSource(source string) {
	_, _ = fmt.Fprintf(o.Err, "warning: %sthe credentialSource is neither \"direct\" nor \"agent\"; it is treated as \"direct\"\n", source)
}

// warnUnused warns about fields that name secrets from which nothing is used.
func (o *options) warnUnused(unused []resolver.Unused) {
	var names []string
	for _, u := range unused {
		names = append(names, u.Field)
	}
	_, _ = fmt.Fprintf(o.Err, "warning: the value of %s names a secret, but no entry of the secret is used, so the value is unchanged; "+
		"to use an entry, name it with an explicit reference\n", listed(names))
}

// checkGUID rejects a malformed GUID.
func checkGUID(guid string) error {
	if !credential.ValidGUID(guid) {
		return usageError{fmt.Errorf("malformed GUID: %s", credential.GUIDRule)}
	}
	return nil
}
