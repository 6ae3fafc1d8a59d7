// Package e2e tests the component as an application uses it: through a real daprd, over HTTP
// and gRPC, with real stores. "make e2e" builds what it needs and runs it. A build tag keeps it
// out of a plain "go test ./...".
package e2e
