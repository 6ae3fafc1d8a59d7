package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"credential-resolver/backend"
	"credential-resolver/internal/configfile"
	"credential-resolver/resolver"
)

func newPut(o *options) *cobra.Command {
	var path, guid string
	var force bool
	cmd := &cobra.Command{
		Use:   "put -c COMPONENT.yaml [--guid GUID] FILE|-",
		Short: "Store a credential's config, and print its GUID",
		Long: "Stores a credential's config, a JSON or YAML object, from a file or (-) standard input.\n" +
			"JSON is stored byte for byte; YAML becomes JSON, with the order of fields and the digits kept.\n" +
			"A config that is there under the GUID already is replaced.",
		Example: "  credential-resolver put -c components/credentials.yaml --guid my-database config.json",
		Args:    exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVar(&guid, "guid", "", "the credential's GUID (default: a new one)")
	cmd.Flags().BoolVar(&force, "force", false, "store it even if it could never be resolved")
	plannedFlags(cmd.Flags(), "dir")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
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
		if err := o.check(config, force); err != nil {
			return err
		}
		err = o.withConfigs(cmd.Context(), path, func(ctx context.Context, configs *backend.ConfigStore) error {
			return explained(configs.Put(ctx, guid, config))
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(o.Out, guid)
		return err
	}
	return cmd
}

// readConfig reads the config that an argument names.
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
	text, err := io.ReadAll(io.LimitReader(source, resolver.MaxConfigSize+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", display, err)
	}
	if len(text) > resolver.MaxConfigSize {
		return nil, fmt.Errorf("%s is larger than 1 MiB, the most that a config may be", display)
	}
	config, err := configfile.JSON(name, text)
	if err != nil {
		return nil, fmt.Errorf("%s %w", display, err)
	}
	return config, nil
}

// check refuses a config that could never be resolved, and warns of one that is
// probably not meant so.
func (o *options) check(text []byte, force bool) error {
	config, err := resolver.ParseConfig(text)
	if err == nil {
		o.warnBlanks(config)
		err = config.Check()
	}
	switch {
	case err != nil && !force:
		return fmt.Errorf("it could never be resolved: %w (--force stores it all the same)", err)
	case err != nil:
		_, _ = fmt.Fprintf(o.Err, "warning: it cannot be resolved: %v\n", err)
	case config.SourceUnknown:
		o.warnUnknownSource()
	}
	return nil
}

// warnBlanks names the fields whose values have white space at their ends.
func (o *options) warnBlanks(config *resolver.Config) {
	var names []string
	for _, name := range blankEnded(config.Fields) {
		names = append(names, resolver.QuoteName(name))
	}
	if len(names) == 0 {
		return
	}
	const most = 10
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	_, _ = fmt.Fprintf(o.Err, "warning: the value of %s%s begins or ends with white space, which belongs to it "+
		"(in YAML, \"|-\" leaves out the line break at the end)\n", strings.Join(names, ", "), more)
}
