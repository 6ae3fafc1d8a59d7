package pluggable

import "context"

type instanceContextKey struct{}

// withInstance has InstanceID know which instance an Init is for.
func withInstance(ctx context.Context, kind string, key instanceKey) context.Context {
	id := kind + "/" + key.peer.id() + "/" + key.name
	return context.WithValue(ctx, instanceContextKey{}, id)
}

// InstanceID returns what tells the instance that an Init is for from every other of
// this process: one Component of one daprd (DESIGN.md, section 1). It is the same each
// time that the instance is initialised. "" for a context that is no Init's.
func InstanceID(ctx context.Context) string {
	id, _ := ctx.Value(instanceContextKey{}).(string)
	return id
}
