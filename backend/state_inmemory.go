package backend

import (
	"context"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/state"
	inmemory "github.com/dapr/components-contrib/state/in-memory"
	"github.com/dapr/kit/logger"
)

// stateInMemory is state.in-memory: for tests and trials, gone with the process.
func stateInMemory() storeType[configConn] {
	return storeType[configConn]{
		nearby:    true,
		fields:    metadata.MetadataMap{},
		ephemeral: func(map[string]string) bool { return true },
		connect: func(ctx context.Context, fields map[string]string, log logger.Logger) (configConn, error) {
			store := inmemory.NewInMemoryStateStore(log)
			if err := store.Init(ctx, state.Metadata{Base: metadata.Base{Properties: fields}}); err != nil {
				return nil, permanent(err)
			}
			return newStateConn(store, failed), nil
		},
	}
}
