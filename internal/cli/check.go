package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/backend"
	"credential-resolver/component"
	"credential-resolver/internal/check"
)

func newCheck(o *options) *cobra.Command {
	var path, output string
	var strict bool
	cmd := &cobra.Command{
		Use:   "check -c COMPONENT.yaml [GUID]",
		Short: "Check that the stores work, and that all credentials, or one, can be resolved",
		Long: "Resolves each stored credential as the component would, and prints what is wrong, one finding per line:\n" +
			"stores that are down or refuse requests, invalid configs, secrets and entries that do not exist, and what is\n" +
			"probably a mistake, such as a secret in plain text. It prints no value. It prints the name of a secret\n" +
			"only if a config states it or the secret exists.\n\n" +
			"A line has the severity, the GUID (\"-\" for a store), what is wrong, and the ID of the finding.\n" +
			"The exit status is 1 if there is an error, or with --strict also for a warning.",
		Example: "  credential-resolver check -c components/credentials.yaml\n" +
			"  credential-resolver check -c components/credentials.yaml --strict --output json",
		Args: atMost(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVarP(&output, "output", "o", "text", `"text" or "json"`)
	flagValues(cmd, "output", "text", "json")
	cmd.Flags().BoolVar(&strict, "strict", false, "exit with 1 also for warnings")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if output != "text" && output != "json" {
			return usageError{errors.New(`--output must be "text" or "json"`)}
		}
		guid := ""
		if len(args) > 0 {
			guid = args[0]
			if err := checkGUID(guid); err != nil {
				return err
			}
		}
		settings, err := loadSettings(path)
		if err != nil {
			return err
		}
		summary, err := o.checkAll(cmd.Context(), settings, guid, output)
		switch {
		case err != nil:
			return err
		case summary.Errors > 0 || strict && summary.Warnings > 0:
			return errors.New(summarized(summary))
		}
		_, err = fmt.Fprintln(o.Err, summarized(summary))
		return err
	}
	return cmd
}

// checkAll checks all credentials, or one with this GUID.
func (o *options) checkAll(ctx context.Context, settings component.Settings, guid, output string) (check.Summary, error) {
	stores, failed, err := o.openEach(ctx, settings)
	if err != nil {
		return check.Summary{}, err
	}
	defer func() { _ = stores.Close() }()
	bar := newProgress(o.Err)
	defer bar.clear()
	checker, err := check.New(settings, stores, failed, bar.set)
	if err != nil {
		return check.Summary{}, err
	}
	defer checker.Close()
	w := newFindingWriter(output, o.Out)
	report := func(f check.Finding) error {
		bar.clear()
		return w.write(f)
	}
	var summary check.Summary
	if guid == "" {
		summary, err = checker.All(ctx, report)
	} else {
		summary, err = checker.One(ctx, guid, report)
	}
	bar.clear()
	if err != nil {
		return summary, err
	}
	return summary, w.end(summary)
}

// openEach opens the stores in settings, and returns the errors of those that fail by label.
func (o *options) openEach(ctx context.Context, settings component.Settings) (*component.Stores, map[string]error, error) {
	opts, err := o.storeOptions()
	if err != nil {
		return nil, nil, err
	}
	if !backend.CanHaveConfigs(settings.ConfigStore) {
		return nil, nil, fmt.Errorf("%s (%s): it does not exist yet: store a config with \"put\"", settings.ConfigStore.Label, settings.ConfigStore.Type)
	}
	ctx, cancel := context.WithTimeout(ctx, settings.RequestTimeout)
	defer cancel()
	stores, failed := component.OpenEach(ctx, settings, opts)
	if stores.Configs != nil && stores.Configs.Ephemeral() {
		_ = stores.Close()
		return nil, nil, ephemeral(settings)
	}
	return stores, failed, nil
}

// summarized returns a summary in words.
func summarized(s check.Summary) string {
	text := fmt.Sprintf("%s, %s in %s", counted(s.Errors, "error"), counted(s.Warnings, "warning"), counted(s.Credentials, "credential"))
	if s.Unchecked > 0 {
		text += fmt.Sprintf(", of which %d could not be checked", s.Unchecked)
	}
	return text
}
