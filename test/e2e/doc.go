// Package e2e tests the component as an application meets it: through a real
// daprd, over HTTP and gRPC, on real stores. "make e2e" builds what it needs
// and runs it; the build tag keeps it out of a plain "go test ./...".
package e2e
