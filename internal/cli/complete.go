package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"credential-resolver/backend"
	"credential-resolver/backend/store"
	"credential-resolver/component"
)

// completionTime limits how long a person waits after the Tab key for the config store.
const completionTime = 2 * time.Second

// maxCandidates is how many GUIDs the Tab key offers at most.
const maxCandidates = 300

// addCompletion says how the Tab key completes the arguments and the values of flags of all
// commands. The word for an argument in a command's Use says what it is. The Tab key completes
// nothing else: the shell must not offer names of files.
func (o *options) addCompletion(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	byFlag := map[string]cobra.CompletionFunc{
		"component": withExtension("yaml", "yml"),
		"dir":       folders,
		"state-dir": folders,
		"log-level": oneOf("debug", "info", "warn", "error"),
		"store":     completeStore,
	}
	for _, cmd := range withChildren(root) {
		for name, complete := range byFlag {
			if cmd.LocalFlags().Lookup(name) != nil {
				_ = cmd.RegisterFlagCompletionFunc(name, complete)
			}
		}
		arguments := strings.Fields(cmd.Use)[1:]
		switch {
		case slices.Contains(arguments, "GUID"), slices.Contains(arguments, "[GUID]"):
			cmd.ValidArgsFunction = completeGUID
		case slices.Contains(arguments, "FILE|-"):
			cmd.ValidArgsFunction = atMostOne(withExtension("json", "yaml", "yml"))
		case slices.Contains(arguments, "FILE"):
			cmd.ValidArgsFunction = atMostOne(files)
		}
	}
}

// withChildren returns a command and all commands below it.
func withChildren(cmd *cobra.Command) []*cobra.Command {
	commands := []*cobra.Command{cmd}
	for _, child := range cmd.Commands() {
		commands = append(commands, withChildren(child)...)
	}
	return commands
}

// flagValues says which values a flag has, for completion.
func flagValues(cmd *cobra.Command, name string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(name, oneOf(values...))
}

// oneOf completes one of the values.
func oneOf(values ...string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return beginningWith(values, prefix), cobra.ShellCompDirectiveNoFileComp
	}
}

// flagFile says that the value of a flag is a file, for completion.
func flagFile(cmd *cobra.Command, name string) { _ = cmd.RegisterFlagCompletionFunc(name, files) }

func files(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

func folders(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// withExtension completes folders, and files with one of the extensions.
func withExtension(extensions ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(extensions, cobra.ShellCompDirectiveFilterFileExt)
}

// atMostOne completes only the first argument.
func atMostOne(complete cobra.CompletionFunc) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, prefix)
	}
}

// completeStore completes a --store with the names in the Component.
func completeStore(cmd *cobra.Command, _ []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	settings, err := loadSettings(componentOf(cmd))
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return beginningWith(secretStoreNames(settings), prefix), cobra.ShellCompDirectiveNoFileComp
}

// completeGUID completes the first argument with the GUIDs in the Component's config store. The
// arguments behind it, if the command takes any, are those of another program.
func completeGUID(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return beginningWith(storedGUIDs(cmd.Context(), componentOf(cmd)), prefix), cobra.ShellCompDirectiveNoFileComp
	case strings.Contains(cmd.Use, " -- "):
		return nil, cobra.ShellCompDirectiveDefault
	default:
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// componentOf returns the value of -c.
func componentOf(cmd *cobra.Command) string {
	path, _ := cmd.Flags().GetString("component")
	return path
}

// storedGUIDs returns the GUIDs in the config store of a Component file; none if it cannot be
// asked, or does not answer in time. It prints nothing, creates no database, and opens no secret
// store.
func storedGUIDs(ctx context.Context, path string) []string {
	settings, err := loadSettings(path)
	if err != nil || !backend.CanHaveConfigs(settings.ConfigStore) {
		return nil
	}
	settings.SecretStore, settings.SecretStores = store.Spec{}, nil
	settings.RequestTimeout, settings.Limits.Retries = min(settings.RequestTimeout, completionTime), 0
	silent := &options{Streams: Streams{Out: io.Discard, Err: io.Discard}}
	var guids []string
	_ = silent.withStores(ctx, settings, func(ctx context.Context, stores *component.Stores) (err error) {
		guids, err = stores.Configs.List(ctx)
		return err
	})
	return guids
}

// beginningWith returns the first names that begin with a prefix.
func beginningWith(names []string, prefix string) []cobra.Completion {
	var found []cobra.Completion
	for _, name := range names {
		if strings.HasPrefix(name, prefix) && len(found) < maxCandidates {
			found = append(found, name)
		}
	}
	return found
}
