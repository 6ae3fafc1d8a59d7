package cli

import (
	"fmt"
	"io/fs"
	"math"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/dapr/components-contrib/bindings"

	"credential-resolver/component"
	"credential-resolver/component/pluggable"
)

func newServe(o *options) *cobra.Command {
	mode := fmt.Sprintf("%#o", pluggable.DefaultSocketMode)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the component to daprd, over a unix socket (the default command)",
		Long: "Serves the component on credential-resolver.sock in $DAPR_COMPONENTS_SOCKETS_FOLDER, else\n" +
			"$DAPR_COMPONENT_SOCKETS_FOLDER, else /tmp/dapr-components-sockets. daprd must look in the same\n" +
			"folder; it finds the component when it starts. What to serve, daprd says: see Component YAML.\n\n" +
			"daprd says so once. What it said is kept in --state-dir, for this process's successor: it may hold\n" +
			"secrets, so the folder must be in memory (tmpfs). Without one, after a restart of the component\n" +
			"daprd must be restarted too.\n\n" +
			"The socket's folder and those above it must belong to this process's user or to root, and nobody\n" +
			"else may write to them; a sticky folder above, such as /tmp, is fine. Otherwise another user could\n" +
			"replace the socket, and would get the secrets that daprd sends. --shared-socket-folder accepts a\n" +
			"folder that others may write to, such as the one that Dapr's injector mounts in a pod.",
		Args: exactly(0),
	}
	sharedFolder := cmd.Flags().Bool("shared-socket-folder", false,
		"accept a socket folder that others may write to: for a pod whose containers are all trusted")
	cmd.Flags().StringVar(&mode, "socket-mode", mode, "permission bits of the socket, in octal; daprd must be able to write to it")
	metricsAddress := cmd.Flags().String("metrics-listen", "", `address for Prometheus metrics, such as "127.0.0.1:9464", at /metrics (default none)`)
	stateDir := cmd.Flags().String("state-dir", "",
		"folder in memory for what must outlive this process (default $XDG_RUNTIME_DIR/"+product+", else /run/"+product+")")
	onDisk := cmd.Flags().Bool("state-dir-on-disk", false,
		"let --state-dir be on a disk: metadata of Components, secrets included, are then written to it")
	delay := cmd.Flags().Duration("shutdown-delay", 0,
		"how long to go on at most after SIGTERM while daprd is connected: for a daprd that drains (default 0s)")
	uids := cmd.Flags().UintSlice("allow-uid", nil, "user that may call besides root and this process's own, by number; may be repeated")
	single := cmd.Flags().Bool("single-daprd", false,
		"take all processes of one user for one daprd: for a socket folder that one daprd alone uses, as in a pod")
	allowCoreDumps := cmd.Flags().Bool("allow-core-dumps", false,
		"let the process write core files, and be traced by others of its user: a core holds secrets")
	allowExecPlugins := cmd.Flags().Bool("allow-exec-plugins", false,
		"let a kubeconfig's user log in by a program (exec): whoever may write to the socket can then run any, as this user")
	plannedFlags(cmd.Flags(), "state-key-file", "audit-log", "audit-key-file", "audit-required")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		allowed, err := userIDs(*uids)
		if err != nil {
			return err
		}
		if *delay < 0 {
			return usageError{fmt.Errorf("--shutdown-delay must not be below zero, and is %s", *delay)}
		}
		bits, err := strconv.ParseUint(mode, 8, 32)
		if err != nil || bits == 0 || bits > 0o777 {
			return usageError{fmt.Errorf("--socket-mode must be octal permission bits such as 0660, not %q", mode)}
		}
		log, err := o.logger("info", o.Out)
		if err != nil {
			return err
		}
		if !*allowCoreDumps {
			if err := forbidCoreDumps(); err != nil {
				return err
			}
		}
		metrics, stopMetrics, err := serveMetrics(cmd.Context(), *metricsAddress)
		if err != nil {
			return err
		}
		defer stopMetrics() // after the last request
		server, err := pluggable.New(pluggable.Options{
			Name: product,
			NewSecretStore: component.FactoryWith(component.FactoryOptions{
				Logger: log, Metrics: metrics, AllowExecPlugins: *allowExecPlugins,
			}),
			NewOutputBinding: func(stores *pluggable.SecretStores) bindings.OutputBinding {
				return component.NewSaveBinding(stores)
			},
			Logger:             log,
			SharedSocketFolder: *sharedFolder,
			SocketMode:         fs.FileMode(bits),
			StateFolder:        *stateDir,
			StateOnDisk:        *onDisk,
			AllowUIDs:          allowed,
			SingleDaprd:        *single,
			ShutdownDelay:      *delay,
		})
		if err != nil {
			return err
		}
		signal.Ignore(syscall.SIGHUP) // a terminal that closes, or a habit of reloading, ends nothing
		room := roomForGarbage()
		defer runtime.KeepAlive(room)
		return server.Run(cmd.Context())
	}
	return cmd
}

// userIDs returns the users that --allow-uid names.
func userIDs(given []uint) ([]uint32, error) {
	ids := make([]uint32, len(given))
	for i, id := range given {
		if id >= math.MaxUint32 { // which is no user, chown(2)
			return nil, usageError{fmt.Errorf("--allow-uid must be the number of a user, not %d", id)}
		}
		ids[i] = uint32(id)
	}
	return ids, nil
}
