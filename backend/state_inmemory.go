package backend

import (
	"context"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	inmemory "github.com/dapr/components-contrib/state/in-memory"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
)

// stateInMemory is state.in-memory, for tests and trials. Its contents are lost when the
// process ends.
func stateInMemory() store.Type[store.ConfigConn] {
	return store.Type[store.ConfigConn]{
		Nearby:    true,
		Fields:    metadata.MetadataMap{},
		Ephemeral: func(map[string]string) bool { return true },
		Connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (store.ConfigConn, error) {
			object := inmemory.NewInMemoryStateStore(log)
			if err := object.Init(ctx, state.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
				return nil, store.Permanent(err)
			}
			return newStateConn(object, store.Failed), nil
		},
	}
}
