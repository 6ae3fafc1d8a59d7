package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/resolver/credential"
)

func newMigrate(o *options) *cobra.Command {
	var path string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "migrate -c COMPONENT.yaml [--dry-run] GUID",
		Short: "Make a config's references explicit, if that is proven to change nothing",
		Long: "Rewrites a config whose references are bare strings with explicit ones, and prints what became of\n" +
			"each field: names of fields alone, never values or references. It resolves the credential by both\n" +
			"configs first, from the same stores, and stores the new one only if the two are the same to the byte.\n" +
			"A literal whose value is also a name is pointed out: to bare strings it might have become a secret.",
		Args: exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "prove and print it, and store nothing")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		settings, err := loadSettings(path)
		if err != nil {
			return err
		}
		return o.withStores(cmd.Context(), settings, func(ctx context.Context, stores *component.Stores) error {
			return o.migrate(ctx, settings, stores, args[0], dryRun)
		})
	}
	return cmd
}

func (o *options) migrate(
	ctx context.Context, settings component.Settings, stores *component.Stores, guid string, dryRun bool,
) error {
	stored, err := stores.Configs.Config(ctx, guid)
	if store.Missing(err) {
		return unlisted(guid)
	}
	if err != nil {
		return explained(err)
	}
	migration, err := o.resolver(settings, stores).Migrate(ctx, guid, stored)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", explained(err))
	}
	if !dryRun {
		err := stores.Configs.Replace(ctx, guid, stored, migration.Config)
		if errors.Is(err, store.ErrEdited) {
			err = fmt.Errorf("credential %q: %w", guid, store.ErrEdited)
		}
		if err != nil {
			return fmt.Errorf("nothing was changed: %w", explained(err))
		}
	}
	return o.printMigration(migration, dryRun)
}

// printMigration prints what became of each field.
func (o *options) printMigration(m *credential.Migration, dryRun bool) error {
	var out bytes.Buffer
	for _, field := range m.Fields {
		fmt.Fprintf(&out, "field %s: %s\n", credential.QuoteName(field.Name), became(field))
	}
	if m.LookupFieldsDropped {
		out.WriteString("lookupFields: dropped, since nothing is looked up any more\n")
	}
	if dryRun {
		out.WriteString("the same credential by both configs: nothing was stored (--dry-run)\n")
	} else {
		out.WriteString("the same credential by both configs: the new one is stored\n")
	}
	_, err := out.WriteTo(o.Out)
	return err
}

func became(field credential.MigratedField) string {
	switch field.Became {
	case credential.BecameReference:
		return "a reference"
	case credential.BecameNamedLiteral:
		return "a literal, though its value is also the name of a secret or of an entry"
	case credential.BecameOthersReference:
		return "a reference, to a secret that another field names: its value is the name of an entry of that"
	case credential.BecameOverlaid:
		return "a reference; the config's own value, which the secret's went before, is gone"
	default:
		return "a literal"
	}
}
