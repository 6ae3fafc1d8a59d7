package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"credential-resolver/component"
	"credential-resolver/resolver/credential"
)

func newEdit(o *options) *cobra.Command {
	var path string
	var force bool
	cmd := &cobra.Command{
		Use:   "edit -c COMPONENT.yaml GUID",
		Short: "Change a credential's config in an editor",
		Long: "Opens a credential's config in the editor of $VISUAL or $EDITOR, else in vi. When the editor ends, the config is\n" +
			"checked as by \"put\". It is stored only if it changed, and only if nobody else changed the stored one meanwhile.\n" +
			"A config that is one line of JSON is opened with line breaks.\n\n" +
			"The file is in a folder in $TMPDIR that only you can read. It is removed when the config is stored. If the config is\n" +
			"refused or cannot be stored, the file stays, and the error says where it is.",
		Example: "  EDITOR=nano credential-resolver edit -c components/credentials.yaml analytics-db",
		Args:    exactly(1),
	}
	componentFlag(cmd, &path)
	cmd.Flags().BoolVar(&force, "force", false, "store the config even if it can never be resolved")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		return o.edit(cmd.Context(), path, args[0], force)
	}
	return cmd
}

// edit reads a config, and closes the store while the editor runs.
func (o *options) edit(ctx context.Context, path, guid string, force bool) error {
	var stored []byte
	err := o.withConfigs(ctx, path, func(ctx context.Context, configs component.Configs) (err error) {
		stored, err = configToChange(ctx, configs, guid)
		return err
	})
	if err != nil {
		return err
	}
	// Ctrl-C in a terminal goes to the editor too, and means something there. It must not lose the edit.
	ctx = context.WithoutCancel(ctx)
	shown := readable(stored)
	file, err := writeDraft(guid, shown)
	if err != nil {
		return err
	}
	remove := func() { _ = os.RemoveAll(filepath.Dir(file)) }
	failed := o.runEditor(file)
	edited, err := os.ReadFile(file)
	switch {
	case err != nil:
		remove()
		return fmt.Errorf("nothing was changed: %w", errors.Join(failed, err))
	case bytes.Equal(edited, shown) && failed != nil:
		remove()
		return fmt.Errorf("nothing was changed: %w", failed)
	case bytes.Equal(edited, shown):
		remove()
		_, err := fmt.Fprintf(o.Out, "%s unchanged\n", guid)
		return err
	case failed == nil:
		failed = o.storeEdit(ctx, path, guid, file, stored, force)
	}
	if failed != nil {
		_ = os.Chmod(file, 0o600) // an editor may have made a new file
		return fmt.Errorf("nothing was changed: %w (your edit is in %s)", failed, file)
	}
	remove()
	_, err = fmt.Fprintf(o.Out, "%s stored\n", guid)
	return err
}

// storeEdit checks an edited config, and stores it if the stored one is still the same.
func (o *options) storeEdit(ctx context.Context, path, guid, file string, stored []byte, force bool) error {
	config, err := readConfig(nil, file)
	if err != nil {
		return err
	}
	if err := o.check("", config, force); err != nil {
		return err
	}
	err = o.withConfigs(ctx, path, func(ctx context.Context, configs component.Configs) error {
		return replaceConfig(ctx, configs, guid, stored, config)
	})
	if err == nil {
		o.lookAt(ctx, path, guid, config)
	}
	return err
}

// writeDraft writes a config into a new folder that only this user can read.
func writeDraft(guid string, config []byte) (string, error) {
	folder, err := os.MkdirTemp("", "credential-resolver-edit-") // 0700
	if err != nil {
		return "", err
	}
	file := filepath.Join(folder, guid+".json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		_ = os.RemoveAll(folder)
		return "", err
	}
	return file, nil
}

// runEditor runs the user's editor. As in git, its command may have arguments.
func (o *options) runEditor(file string) error {
	editor := "vi"
	for _, name := range []string{"EDITOR", "VISUAL"} {
		if value := os.Getenv(name); value != "" {
			editor = value
		}
	}
	cmd := exec.Command("sh", "-c", editor+` "$@"`, editor, file) //nolint:gosec // the command is the user's own
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.In, o.Out, o.Err
	err := cmd.Run()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() == 127:
		return fmt.Errorf("the editor %q was not found: set $VISUAL or $EDITOR", editor)
	case err != nil:
		return fmt.Errorf("the editor %q failed: %w", editor, err)
	}
	return nil
}

// maxIndented is how deep a config may be to get line breaks. Deeper ones could become much larger.
const maxIndented = 16

// readable returns a config with line breaks if it has none.
func readable(config []byte) []byte {
	if bytes.ContainsRune(bytes.TrimSpace(config), '\n') || depth(config) > maxIndented {
		return config
	}
	var out bytes.Buffer
	if json.Indent(&out, bytes.TrimSpace(config), "", "  ") != nil || out.Len() >= credential.MaxConfigSize {
		return config
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// depth returns how deep a JSON text is nested.
func depth(text []byte) int {
	deepest, now, inString := 0, 0, false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case inString && b == '\\':
			i++
		case b == '"':
			inString = !inString
		case inString:
		case b == '{' || b == '[':
			now++
			deepest = max(deepest, now)
		case b == '}' || b == ']':
			now--
		}
	}
	return deepest
}
