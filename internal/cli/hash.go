package cli

import (
	"bufio"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"credential-resolver/resolver/credential"
)

// maxName bounds a name on standard input, in bytes.
const maxName = 64 << 10

func newHash(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hash --key-file K NAME",
		Short: "Print the hash that logs and audit lines have for a secret's name",
		Long: "Prints the hash that stands for the name of a secret in the audit log, and in the log of a component that\n" +
			"runs with the same --audit-key-file. One hash a line, in the order of the names.\n\n" +
			"A name may be a value that turned out to be no name, such as a password. \"-\" reads names from standard\n" +
			"input, one a line, so that they are in no command line and no shell history.",
		Example: "  credential-resolver hash --key-file audit.key db-password\n" +
			"  credential-resolver hash --key-file audit.key - < names.txt",
	}
	keys := keyFileFlag(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{errors.New("hash: name a secret, or - for names on standard input")}
		}
		keys, err := keys()
		if err != nil {
			return err
		}
		names, err := o.names(args)
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := fmt.Fprintln(o.Out, keys.NameHash(name)); err != nil {
				return err
			}
		}
		return nil
	}
	return cmd
}

// names returns the names in arguments. "-" stands for those on standard input.
func (o *options) names(args []string) ([]credential.Reference, error) {
	var names []credential.Reference
	for _, arg := range args {
		if arg != "-" {
			names = append(names, credential.Reference(arg))
			continue
		}
		lines := bufio.NewScanner(o.In)
		lines.Buffer(nil, maxName)
		for lines.Scan() {
			if line := lines.Text(); line != "" {
				names = append(names, credential.Reference(line))
			}
		}
		if err := lines.Err(); err != nil {
			return nil, fmt.Errorf("standard input: %w", err)
		}
	}
	return names, nil
}
