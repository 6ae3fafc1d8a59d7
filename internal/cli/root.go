// Package cli is the command line, with one file per command (DESIGN.md, section 8). It wires
// packages together and decides nothing about credentials.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dapr/kit/logger"
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
	cmd, err := root.ExecuteContextC(ctx)
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(streams.Err, "%s: %v (see %s)\n", product, err, helpFor(cmd))
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
			"another. Without a command, it runs \"serve\", and takes the flags of \"serve\".\n\n" +
			"The other commands store configs, show them and check them. They take the Component YAML\n" +
			"that daprd reads, with -c, and use the same stores as the component.\n\n" +
			"The exit status is 0 for success, 1 for a failure, and 2 for wrong usage.",
		Example: "  credential-resolver put -c components/credentials.yaml --guid analytics-db components/samples/analytics-db.json\n" +
			"  credential-resolver resolve -c components/credentials.yaml analytics-db\n" +
			"  credential-resolver serve",
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
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().StringVar(&o.logLevel, "log-level", "",
		`debug, info, warn or error (default "info" for serve, "error" for the other commands)`)
	root.PersistentFlags().BoolVar(&o.logAsJSON, "log-as-json", false, "log in JSON")
	serve.Flags().VisitAll(func(flag *pflag.Flag) {
		hidden := *flag // the help of serve lists it
		hidden.Hidden = true
		root.Flags().AddFlag(&hidden)
	})
	root.SuggestionsMinimumDistance = 2
	root.AddCommand(serve, newHealthcheck(), newPut(o), newGet(o), newList(o), newDelete(o), newResolve(o), newMigrate(o),
		newEdit(o), newExec(o), newCheck(o), newUses(o), newPolicy(o), newAudit(o), newHash(o), newCompletion(o))
	groupCommands(root)
	checkHelpTopic(root)
	o.addCompletion(root)
	return root
}

// groups are the parts of the list of commands. A command that is in none is listed last.
var groups = []struct {
	title    string
	commands []string
}{
	{"Run the component:", []string{"serve", "healthcheck"}},
	{"Store configs:", []string{"put", "get", "list", "edit", "delete", "migrate"}},
	{"Use credentials:", []string{"resolve", "exec"}},
	{"Check and secure:", []string{"check", "uses", "policy", "audit", "hash"}},
}

// groupCommands sorts the commands into groups, and completes their help.
func groupCommands(root *cobra.Command) {
	for _, cmd := range withChildren(root) {
		cmd.DisableFlagsInUseLine = strings.Contains(cmd.Use, " ") // arguments end the line
	}
	for _, group := range groups {
		root.AddGroup(&cobra.Group{ID: group.title, Title: group.title})
		for _, cmd := range root.Commands() {
			if slices.Contains(group.commands, cmd.Name()) {
				cmd.GroupID = group.title
			}
		}
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
