package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"credential-resolver/component"
	"credential-resolver/internal/configfile"
	"credential-resolver/resolver/credential"
)

func newPut(o *options) *cobra.Command {
	var path, guid, dir string
	var force bool
	cmd := &cobra.Command{
		Use:   "put -c COMPONENT.yaml [--guid GUID] FILE|-",
		Short: "Store a credential's config, and print its GUID",
		Long: "Stores a credential's config from a file, or from standard input (-). The config is a JSON or YAML object.\n" +
			"JSON is stored byte for byte. YAML is converted to JSON; the order of fields and the digits of numbers are\n" +
			"kept. A config that already exists under the GUID is replaced.\n\n" +
			"If each field of the config has its own secret, and the secret store answers within 3 s, the command warns\n" +
			"about fields that name a secret, but use no entry of it.\n\n" +
			"With --dir, each file GUID.json of a folder (or .yaml, .yml) is the config of that GUID. All files are checked\n" +
			"before the first is stored: if one is refused, nothing is stored. A config that is stored already is left as it is.\n" +
			"Other files, and those whose names begin with a dot, are ignored.",
		Example: "  credential-resolver put -c components/credentials.yaml --guid my-database config.json\n" +
			"  credential-resolver put -c components/credentials.yaml --dir configs",
		Args: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("dir") {
				return exactly(1)(cmd, args)
			}
			if len(args) > 0 || cmd.Flags().Changed("guid") {
				return usageError{errors.New("put: --dir goes with neither a file nor --guid: the names of the files are the GUIDs")}
			}
			return nil
		},
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVar(&guid, "guid", "", "the credential's GUID (default: a new one)")
	cmd.Flags().BoolVar(&force, "force", false, "store the config even if it can never be resolved")
	cmd.Flags().StringVar(&dir, "dir", "", "store all configs of a folder, each named GUID.json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if cmd.Flags().Changed("dir") {
			return o.putDir(cmd.Context(), path, dir, force)
		}
		if !cmd.Flags().Changed("guid") {
			guid = uuid.NewString()
		}
		if err := checkGUID(guid); err != nil {
			return err
		}
		config, err := readConfig(o.In, args[0])
		if err != nil {
			return err
		}
		if err := o.check("", config, force); err != nil {
			return err
		}
		err = o.withConfigs(cmd.Context(), path, func(ctx context.Context, configs component.Configs) error {
			return explained(configs.Put(ctx, guid, config))
		})
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintln(o.Out, guid); err != nil {
			return err
		}
		o.lookAt(cmd.Context(), path, guid, config)
		return nil
	}
	return cmd
}

// lookTime limits how much longer put takes because of its warnings.
const lookTime = 3 * time.Second

// lookAt resolves a single-key credential that was just stored, to print the warnings that
// need the secret store. The config stays stored whatever the result is, because a person who
// stores configs may have no access to the secrets.
func (o *options) lookAt(ctx context.Context, path, guid string, text []byte) {
	config, err := credential.ParseConfig(text)
	if err != nil || config.Explicit || config.Mode() == credential.MultiKey || config.Check() != nil {
		return
	}
	settings, err := loadSettings(path)
	if err != nil || settings.SecretStore.Type == "" && len(settings.SecretStores) == 0 {
		return
	}
	settings.RequestTimeout, settings.Limits.Retries = min(settings.RequestTimeout, lookTime), 0
	_ = o.withStores(ctx, settings, func(ctx context.Context, stores *component.Stores) error {
		_, err := o.resolver(settings, stores).Resolve(ctx, guid)
		return err
	})
}

// readConfig reads the config from the named file, or from stdin if name is "-".
func readConfig(stdin io.Reader, name string) ([]byte, error) {
	source, display := stdin, "standard input"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }()
		source, display = f, name
	}
	text, err := io.ReadAll(io.LimitReader(source, credential.MaxConfigSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", display, err)
	}
	if len(text) > credential.MaxConfigSize {
		return nil, fmt.Errorf("%s is larger than 1 MiB, the limit for a config", display)
	}
	config, err := configfile.JSON(name, text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", display, err)
	}
	return config, nil
}

// check rejects a config that could never be resolved, unless force is set. It warns about a
// config that is probably a mistake. source is the file of one config of many; "" where there is
// only one.
func (o *options) check(source string, text []byte, force bool) error {
	if source != "" {
		source += ": "
	}
	config, err := credential.ParseConfig(text)
	if err == nil {
		o.warnBlanks(source, config)
		err = config.Check()
	}
	switch {
	case err != nil && !force:
		return fmt.Errorf("%sthe config can never be resolved: %w (to store it anyway, use --force)", source, err)
	case err != nil:
		_, _ = fmt.Fprintf(o.Err, "warning: %sthe config cannot be resolved: %v\n", source, err)
	case config.SourceUnknown:
		o.warnUnknownSource(source)
	}
	return nil
}

// warnBlanks warns about fields whose values begin or end with white space.
func (o *options) warnBlanks(source string, config *credential.Config) {
	names := blankEnded(config.Fields)
	if len(names) == 0 {
		return
	}
	_, _ = fmt.Fprintf(o.Err, "warning: %sthe value of %s begins or ends with white space, which is part of the value "+
		"(in YAML, \"|-\" removes the line break at the end)\n", source, listed(names))
}

// listed joins the names of fields, but only the first 10.
func listed(names []string) string {
	const most = 10
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = credential.QuoteName(name)
	}
	return strings.Join(quoted, ", ") + more
}
