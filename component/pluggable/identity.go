package pluggable

import "context"

type instanceContextKey struct{}

// withInstance returns a context for an Init, from which InstanceID reads the instance.
func withInstance(ctx context.Context, kind string, key instanceKey) context.Context {
	id := kind + "/" + key.peer.id() + "/" + key.name
	return context.WithValue(ctx, instanceContextKey{}, id)
}

// InstanceID returns the id of the instance that an Init is for: one Component of one daprd
// (DESIGN.md, section 1). No other instance in this process has the same id. The id stays
// the same each time the instance is initialised. It is empty if ctx is not from an Init.
func InstanceID(ctx context.Context) string {
	id, _ := ctx.Value(instanceContextKey{}).(string)
	return id
}
