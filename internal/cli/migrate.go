package cli

import (
	"bytes"
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/component"
	"credential-resolver/resolver/credential"
)

func newMigrate(o *options) *cobra.Command {
	var path string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "migrate -c COMPONENT.yaml [--dry-run] GUID",
		Short: "Make a config's references explicit, if the credential stays the same",
		Long: "Turns the bare-string references of a config into explicit references, and prints what became of\n" +
			"each field: names of fields, but no values and no references. It first resolves the credential with\n" +
			"the old and the new config, from the same stores. It stores the new config only if both credentials\n" +
			"are the same to the byte. It points out a literal whose value is also a name: as a bare string, it\n" +
			"could have become a secret.",
		Example: "  credential-resolver migrate -c components/credentials.yaml --dry-run crm-api",
		Args:    exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "check and print the changes, but store nothing")
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
	stored, err := configToChange(ctx, stores.Configs, guid)
	if err != nil {
		return err
	}
	migration, err := o.resolver(settings, stores).Migrate(ctx, guid, stored)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", explained(err))
	}
	if !dryRun {
		if err := replaceConfig(ctx, stores.Configs, guid, stored, migration.Config); err != nil {
			return fmt.Errorf("nothing was changed: %w", err)
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
		out.WriteString("lookupFields: removed, because explicit references are not looked up\n")
	}
	if dryRun {
		out.WriteString("both configs give the same credential: nothing was stored (--dry-run)\n")
	} else {
		out.WriteString("both configs give the same credential: the new config is stored\n")
	}
	_, err := out.WriteTo(o.Out)
	return err
}

func became(field credential.MigratedField) string {
	switch field.Became {
	case credential.BecameReference:
		return "a reference"
	case credential.BecameNamedLiteral:
		return "a literal, although its value is also the name of a secret or of an entry"
	case credential.BecameOthersReference:
		return "a reference to a secret that another field names: the value is the name of an entry of that secret"
	case credential.BecameOverlaid:
		return "a reference; the config's own value is removed, because the secret's value replaced it"
	default:
		return "a literal"
	}
}
