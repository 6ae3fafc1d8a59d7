// Package cli is the command line, with one file per command (DESIGN.md, section 8). It wires
// packages together and decides nothing about credentials.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dapr/kit/logger"

	"credential-resolver/internal/nearest"
)

// Exit codes.
const (
	exitOK    = 0
	exitError = 1
	exitUsage = 2
)

const product = "credential-resolver"

// Streams holds the standard streams of a run.
type Streams struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer
}

// usageError is an error in how the command was called.
type usageError struct{ error }

// options holds the flags that every command has.
type options struct {
	Streams

	version   string
	logLevel  string
	logAsJSON bool
}

// Run runs one command line until it is done or ctx ends, and returns the exit code: 0 for
// success; 1 for a failure, after one line on Err that describes it; 2 for wrong usage.
func Run(ctx context.Context, version string, args []string, streams Streams) int {
	root := newRoot(version, streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(streams.Err, "%s: %v (see %s --help)\n", product, err, product)
		return exitUsage
	default:
		_, _ = fmt.Fprintf(streams.Err, "%s: %v\n", product, err)
		return exitError
	}
}

func newRoot(version string, streams Streams) *cobra.Command {
	o := &options{Streams: streams, version: versionOr(version)}
	serve := newServe(o)
	root := &cobra.Command{
		Use:   product,
		Short: "Finished credentials for Dapr applications, by GUID, through the secrets API",
		Long: "A pluggable secret store for Dapr. Each of its secrets is a finished credential: it reads\n" +
			"the credential's config from one store, and the secrets that the config refers to from\n" +
			"another. Without a command, it runs \"serve\".",
		Version:       o.version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          unknownCommand,
		RunE:          serve.RunE,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.Err)
	root.SetVersionTemplate("{{.Name}} {{.Version}}\n")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVar(&o.logLevel, "log-level", "",
		`debug, info, warn or error (default "info" for serve, "error" for the other commands)`)
	root.PersistentFlags().BoolVar(&o.logAsJSON, "log-as-json", false, "log in JSON")
	root.Flags().AddFlagSet(serve.Flags())
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(serve, newHealthcheck(), newPut(o), newGet(o), newList(o), newDelete(o), newResolve(o), newMigrate(o),
		newEdit(o), newExec(o), newUses(o), newPolicy(o), newAudit(o), newHash(o))
	root.AddCommand(plannedCommands()...)
	checkHelpTopic(root)
	return root
}

// checkHelpTopic makes "help" reject unknown commands. cobra's own "help" shows the root
// command for them.
func checkHelpTopic(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil || help == root {
		return
	}
	help.Args = func(_ *cobra.Command, args []string) error {
		topic, _, err := root.Find(args)
		if err != nil {
			return usageError{err}
		}
		if topic == root {
			return unknownCommand(root, args)
		}
		if topic.DisableFlagParsing { // a planned command
			return topic.RunE(topic, nil)
		}
		return nil
	}
}

// unknownCommand rejects arguments of the root command. Without this check, a misspelt command
// would serve.
func unknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	near := cmd.SuggestionsFor(args[0])
	meant := nearest.Name(args[0], near)
	for _, name := range near {
		if strings.HasPrefix(name, args[0]) {
			meant = name
		}
	}
	if meant != "" {
		hint = fmt.Sprintf(", did you mean %q?", meant)
	}
	return usageError{fmt.Errorf("unknown command %q%s", args[0], hint)}
}

// exactly requires n arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(cmd, args); err != nil {
			return usageError{fmt.Errorf("%s: %w", cmd.Name(), err)}
		}
		return nil
	}
}

func versionOr(version string) string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// logger returns a logger that writes to out, at the level of --log-level, or at byDefault
// without that flag.
func (o *options) logger(byDefault string, out io.Writer) (logger.Logger, error) {
	level := o.logLevel
	if level == "" {
		level = byDefault
	}
	if logger.LogLevel(level) != logger.DebugLevel && logger.LogLevel(level) != logger.InfoLevel &&
		logger.LogLevel(level) != logger.WarnLevel && logger.LogLevel(level) != logger.ErrorLevel {
		return nil, usageError{fmt.Errorf("--log-level must be debug, info, warn or error, not %q", level)}
	}
	logger.DaprVersion = o.version // "ver" in kit's format
	log := logger.NewLogger(product)
	log.SetOutput(out)
	log.EnableJSONOutput(o.logAsJSON)
	log.SetOutputLevel(logger.LogLevel(level))
	return log, nil
}
