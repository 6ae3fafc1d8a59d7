package cli

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"credential-resolver/backend/store"
	"credential-resolver/component"
	"credential-resolver/component/pluggable"
	"credential-resolver/internal/tracing"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	socketMode         string
	sharedSocketFolder bool
	allowUIDs          []uint
	singleDaprd        bool
	stateDir           string
	stateDirOnDisk     bool
	stateKeyFile       string
	shutdownDelay      time.Duration
	metricsListen      string
	allowCoreDumps     bool
	allowExecPlugins   bool
	audit              auditFlags
}

func newServe(o *options) *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the component to daprd, over a unix socket (the default command)",
		Long: "Serves the component on credential-resolver.sock in $DAPR_COMPONENTS_SOCKETS_FOLDER, else in\n" +
			"$DAPR_COMPONENT_SOCKETS_FOLDER, else in /tmp/dapr-components-sockets. daprd must use the same\n" +
			"folder. It finds the component when it starts, and sends it the metadata of the Component YAML.\n\n" +
			"daprd sends the metadata only once. The component keeps it in --state-dir, and so can be restarted\n" +
			"without daprd. The metadata may hold secrets, so the folder must be in memory (tmpfs). If there is\n" +
			"no such folder, restart daprd after each restart of the component. The folder also keeps the last\n" +
			"good answers, for a restart while a store is down. On a disk, answers are kept only with\n" +
			"--state-key-file, which encrypts the whole folder.\n\n" +
			"The socket's folder and all folders above it must belong to this process's user or to root, and\n" +
			"nobody else may write to them. A sticky folder above it, such as /tmp, is allowed. Without these\n" +
			"rules, another user could replace the socket and get the secrets that daprd sends.\n" +
			"--shared-socket-folder accepts a folder that others may write to, such as the one that Dapr's\n" +
			"injector mounts in a pod.",
		Example: "  credential-resolver serve --metrics-listen 127.0.0.1:9464",
		Args:    exactly(0),
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.serve(cmd.Context(), o) },
	}
	f.add(cmd.Flags())
	for _, name := range []string{"state-key-file", "audit-log", "audit-key-file"} {
		flagFile(cmd, name)
	}
	return cmd
}

// add adds the flags of serve to flags.
func (f *serveFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.socketMode, "socket-mode", fmt.Sprintf("%#o", pluggable.DefaultSocketMode),
		"permission bits of the socket, in octal; daprd needs the right to write to it")
	flags.BoolVar(&f.sharedSocketFolder, "shared-socket-folder", false,
		"accept a socket folder that others may write to; for a pod in which every container is trusted")
	flags.UintSliceVar(&f.allowUIDs, "allow-uid", nil,
		"number of a user that may call, besides root and this process's user; may be repeated")
	flags.Lookup("allow-uid").DefValue = "" // help would say "[]"
	flags.BoolVar(&f.singleDaprd, "single-daprd", false,
		"treat all processes of one user as one daprd; for a socket folder that only one daprd uses, as in a pod")
	flags.StringVar(&f.stateDir, "state-dir", "",
		"folder in memory (tmpfs) for data that must outlive this process (default $XDG_RUNTIME_DIR/"+product+", else /run/"+product+")")
	flags.BoolVar(&f.stateDirOnDisk, "state-dir-on-disk", false,
		"allow a --state-dir on a disk; the metadata of Components is then written to the disk, with its secrets")
	flags.StringVar(&f.stateKeyFile, "state-key-file", "",
		`file with a key of 32 bytes in base64 ("openssl rand -base64 32"); encrypts everything in --state-dir`)
	flags.DurationVar(&f.shutdownDelay, "shutdown-delay", 0,
		"after SIGTERM, go on serving while daprd is connected, for at most this time; for a daprd that drains (default 0s)")
	flags.StringVar(&f.metricsListen, "metrics-listen", "",
		`address for /metrics (Prometheus), /healthz and /readyz, such as "127.0.0.1:9464" (default none)`)
	flags.BoolVar(&f.allowCoreDumps, "allow-core-dumps", false,
		"allow core files, and tracing by other processes of the same user; a core file contains secrets")
	flags.BoolVar(&f.allowExecPlugins, "allow-exec-plugins", false,
		"allow a kubeconfig that logs in with a program (exec); anyone who may write to the socket can then run any program as this user")
	f.audit.add(flags)
}

// serve serves until ctx ends.
func (f *serveFlags) serve(ctx context.Context, o *options) error {
	opts, err := f.options()
	if err != nil {
		return err
	}
	log, err := o.logger("info", o.Out)
	if err != nil {
		return err
	}
	key, open, err := readStateKey(f.stateKeyFile)
	if err != nil {
		return err
	}
	if open {
		log.Warn(openKeyWarning("--state-key-file", f.stateKeyFile))
	}
	opts.StateKey = key
	if !f.allowCoreDumps {
		if err := forbidCoreDumps(); err != nil {
			return err
		}
	}
	registry := newRegistry(o.version)
	metrics := component.NewMetrics(registry)
	observers := []component.Observer{metrics}
	tracer, stopTracing := tracing.Start(ctx, product, o.version, log)
	defer stopTracing() // runs after the last request
	if tracer != nil {
		observers = append(observers, component.NewTracing(tracer))
	}
	auditLog, nameHash, err := f.audit.open(o, log, registry)
	if err != nil {
		return err
	}
	if auditLog != nil {
		defer auditLog.Close() // as above
	}
	opts.Logger = log
	credentials := component.New(component.Options{
		Logger: log, Observers: observers, Audit: auditLog, NameHash: nameHash,
		Open: component.Backends(store.Options{Logger: log, AllowExecPlugins: f.allowExecPlugins}),
	})
	defer credentials.Close()
	metrics.Watch(credentials)
	server, err := credentials.Server(opts)
	if err != nil {
		return err
	}
	stopHTTP, err := serveHTTP(ctx, f.metricsListen, registry, health{server.Phase, credentials.Status})
	if err != nil {
		return err
	}
	defer stopHTTP()              // runs after the last request
	signal.Ignore(syscall.SIGHUP) // a closed terminal or a reload by habit must not end the process
	tuneGC()
	return server.Run(ctx)
}

// options checks the flags and returns the server's options.
func (f *serveFlags) options() (pluggable.Options, error) {
	bits, err := strconv.ParseUint(f.socketMode, 8, 32)
	if err != nil || bits == 0 || bits > 0o777 {
		return pluggable.Options{}, usageError{fmt.Errorf("--socket-mode must be octal permission bits such as 0660, not %q", f.socketMode)}
	}
	if f.shutdownDelay < 0 {
		return pluggable.Options{}, usageError{fmt.Errorf("--shutdown-delay must not be negative: %s", f.shutdownDelay)}
	}
	if err := f.audit.check(); err != nil {
		return pluggable.Options{}, err
	}
	allowed, err := userIDs(f.allowUIDs)
	return pluggable.Options{
		Name:               product,
		SocketMode:         fs.FileMode(bits),
		SharedSocketFolder: f.sharedSocketFolder,
		AllowUIDs:          allowed,
		SingleDaprd:        f.singleDaprd,
		StateFolder:        f.stateDir,
		StateOnDisk:        f.stateDirOnDisk,
		ShutdownDelay:      f.shutdownDelay,
	}, err
}

// userIDs returns the users that --allow-uid names.
func userIDs(given []uint) ([]uint32, error) {
	ids := make([]uint32, len(given))
	for i, id := range given {
		if id >= math.MaxUint32 { // not a user; see chown(2)
			return nil, usageError{fmt.Errorf("--allow-uid must be the number of a user, not %d", id)}
		}
		ids[i] = uint32(id)
	}
	return ids, nil
}
