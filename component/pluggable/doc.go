// Package pluggable serves a secret store of components-contrib as a pluggable component of
// Dapr. components-go-sdk does this for state stores, pub/sub and bindings, but not for
// secret stores.
//
// The package can also serve an output binding on the same socket, through
// components-go-sdk.
//
// It owns the socket, the instances, the state that outlives a restart, and the life of the
// process (DESIGN.md, sections 1 and 9). It knows nothing about credentials: it can serve
// any secretstores.SecretStore.
//
//	server, err := pluggable.New(pluggable.Options{
//		Name:   "my-store",
//		Logger: logger.NewLogger("my-store"),
//	}, mystore.New, nil)
//	if err != nil {
//		return err
//	}
//	return server.Run(ctx)
package pluggable
