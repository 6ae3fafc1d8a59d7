// Command credential-resolver is a pluggable secret store for Dapr. Its secrets are finished
// credentials. It also stores and shows credential configs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	_ "golang.org/x/crypto/x509roots/fallback" // root certificates: the image has none. The system's own take precedence

	"credential-resolver/internal/cli"
)

// version is set by the linker. Empty: a plain "go build".
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := cli.Run(ctx, version, os.Args[1:], cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(code)
}
