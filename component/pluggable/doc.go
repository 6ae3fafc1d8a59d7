// Package pluggable serves a secret store of components-contrib as a pluggable
// component of Dapr, as components-go-sdk does for state stores, pub/sub and
// bindings, and cannot for secret stores.
//
// An output binding may be served beside it, on the same socket, through
// components-go-sdk.
//
// It owns the socket, the instances, what of them outlives a restart, and the life
// of the process (DESIGN.md, sections 1 and 9), and knows nothing of credentials: any
// secretstores.SecretStore can be served with it.
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
