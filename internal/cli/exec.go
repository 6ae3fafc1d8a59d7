package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"credential-resolver/component"
)

func newExec(o *options) *cobra.Command {
	var path, prefix string
	cmd := &cobra.Command{
		Use:   "exec -c COMPONENT.yaml [--prefix P] GUID -- COMMAND [ARGUMENT...]",
		Short: "Run a command with a finished credential in its environment",
		Long: "Resolves a credential and runs a command with the credential's fields as environment variables, beside those that\n" +
			"are set already. The name of a variable is the name of its field in capitals, with _ in place of - and \".\";\n" +
			"--prefix is put before it. The fields of \"extra\" become EXTRA_NAME. Values are as in \"resolve --format flat\".\n" +
			"A field that is null has no variable.\n\n" +
			"The command takes the place of this process: it gets all signals, and its exit status is what the caller sees.\n" +
			"If it cannot be started, the exit status is 1, or 2 for wrong usage. It is not started if two fields would be the same\n" +
			"variable, if a name cannot be a variable, or if a field would be a variable such as PATH, HOME or LD_PRELOAD,\n" +
			"which changes how programs are found, loaded or run. With a --prefix, no field can be such a variable by accident:\n" +
			"use one if you do not trust everybody who can write configs and secrets.\n\n" +
			"No value is an argument of a process or is written to a file. But the environment of a process is not secret to\n" +
			"its own user: other processes of the same user, and root, can read it in /proc/PID/environ as long as it runs, and\n" +
			"the command passes it on to the commands that it starts. The values do not change while the command runs.",
		Example: "  credential-resolver exec -c components/credentials.yaml --prefix DB_ analytics-db -- sh -c 'PGPASSWORD=$DB_PASSWORD psql'",
		Args:    commandAfterDash,
	}
	componentFlag(cmd, &path)
	cmd.Flags().StringVar(&prefix, "prefix", "", "put before the name of each variable, such as DB_")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := checkGUID(args[0]); err != nil {
			return err
		}
		if cmd.Flags().Changed("prefix") && !validVariable.MatchString(prefix) {
			return usageError{errors.New("--prefix must have the characters A-Z, a-z, 0-9 and _, and not begin with a digit")}
		}
		if path == "" {
			return errNoComponent
		}
		program, err := exec.LookPath(args[1])
		if err != nil {
			return fmt.Errorf("the command cannot be run: %w", err)
		}
		set, err := o.environment(cmd.Context(), path, args[0], prefix)
		if err != nil {
			return err
		}
		return replaceProcess(cmd.Context(), program, args[1:], withVariables(os.Environ(), set))
	}
	return cmd
}

// commandAfterDash requires a GUID, "--" and a command.
func commandAfterDash(cmd *cobra.Command, args []string) error {
	if cmd.ArgsLenAtDash() != 1 || len(args) < 2 {
		return usageError{fmt.Errorf("exec: want a GUID, \"--\" and a command: %s", cmd.UseLine())}
	}
	return nil
}

// environment resolves a credential, closes the stores, and returns the variables.
func (o *options) environment(ctx context.Context, path, guid, prefix string) ([]string, error) {
	settings, err := loadSettings(path)
	if err != nil {
		return nil, err
	}
	var set []string
	err = o.withStores(ctx, settings, func(ctx context.Context, stores *component.Stores) error {
		credential, err := o.resolver(settings, stores).Resolve(ctx, guid)
		if err != nil {
			return explained(err)
		}
		set, err = variables(credential.Fields, prefix)
		if err != nil {
			return fmt.Errorf("credential %q: %w", guid, err)
		}
		return nil
	})
	return set, err
}

// replaceProcess runs a program in place of this process. It returns only if that fails. The program
// inherits only the standard streams, because Go opens all other files to be closed by it.
func replaceProcess(ctx context.Context, program string, args, environment []string) error {
	signal.Reset(syscall.SIGINT, syscall.SIGTERM) // from here on, a signal ends the process, or was noticed before
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("the command was not run: %w", err)
	}
	err := syscall.Exec(program, args, environment)
	if errors.Is(err, syscall.E2BIG) {
		return errors.New("the command cannot be run: the credential is too large for an environment")
	}
	return fmt.Errorf("the command %q cannot be run: %w", args[0], err)
}
