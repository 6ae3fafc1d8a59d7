// Command credential-resolver is a pluggable secret store for Dapr whose secrets
// are finished credentials. It also stores and shows credential configs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	_ "golang.org/x/crypto/x509roots/fallback" // the image has no certificates of its own; a system's go before

	"credential-resolver/internal/cli"
)

// version is set by the linker; "" for a build by hand.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Run(ctx, version, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
