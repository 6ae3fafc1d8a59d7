package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"credential-resolver/internal/audit"
)

// keyFileFlag adds the flag --key-file. The command reads its keys with the function returned.
func keyFileFlag(cmd *cobra.Command) func() (*audit.Keys, error) {
	var path string
	cmd.Flags().StringVar(&path, "key-file", "", "the file of serve's --audit-key-file (required)")
	flagFile(cmd, "key-file")
	return func() (*audit.Keys, error) {
		if path == "" {
			return nil, usageError{errors.New("--key-file is missing: name the file of serve's --audit-key-file")}
		}
		keys, _, err := auditKeys("--key-file", path)
		return keys, err
	}
}
