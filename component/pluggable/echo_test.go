package pluggable_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/dapr/components-contrib/metadata"
	"github.com/dapr/components-contrib/secretstores"
)

// echoes creates secret stores that answer in upper case and have nothing to do with
// credentials. A function that is set replaces the store's own method.
type echoes struct {
	init  func(ctx context.Context, meta secretstores.Metadata) error
	get   func(ctx context.Context, req secretstores.GetSecretRequest) (secretstores.GetSecretResponse, error)
	bulk  func(ctx context.Context, req secretstores.BulkGetSecretRequest) (secretstores.BulkGetSecretResponse, error)
	close func() error

	mu   sync.Mutex
	made []*echo
}

// New returns an echo that has not been initialised.
func (e *echoes) New() secretstores.SecretStore {
	e.mu.Lock()
	defer e.mu.Unlock()
	store := &echo{of: e}
	e.made = append(e.made, store)
	return store
}

// inits returns how many stores have received Init.
func (e *echoes) inits() int { return e.count(func(s *echo) bool { return s.asked.Load() }) }

// open returns how many initialised stores have not been closed.
func (e *echoes) open() int {
	return e.count(func(s *echo) bool { return s.ready.Load() && s.closes.Load() == 0 })
}

// closedTwice returns how many stores were closed more than once.
func (e *echoes) closedTwice() int { return e.count(func(s *echo) bool { return s.closes.Load() > 1 }) }

func (e *echoes) count(which func(*echo) bool) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, store := range e.made {
		if which(store) {
			n++
		}
	}
	return n
}

// echo answers with the secret's name in upper case, and with everything that it was given.
type echo struct {
	of     *echoes
	meta   secretstores.Metadata
	asked  atomic.Bool
	ready  atomic.Bool
	closes atomic.Int32
}

var _ secretstores.SecretStore = (*echo)(nil)

func (s *echo) Init(ctx context.Context, meta secretstores.Metadata) error {
	s.asked.Store(true)
	s.meta = meta
	if s.of.init != nil {
		if err := s.of.init(ctx, meta); err != nil {
			return err
		}
	}
	s.ready.Store(true)
	return nil
}

func (s *echo) GetSecret(
	ctx context.Context, req secretstores.GetSecretRequest,
) (secretstores.GetSecretResponse, error) {
	if s.of.get != nil {
		return s.of.get(ctx, req)
	}
	data := map[string]string{"echo": strings.ToUpper(req.Name), "component": s.meta.Name}
	for name, value := range s.meta.Properties {
		data["property."+name] = value
	}
	for name, value := range req.Metadata {
		data["metadata."+name] = value
	}
	return secretstores.GetSecretResponse{Data: data}, nil
}

func (s *echo) BulkGetSecret(
	ctx context.Context, req secretstores.BulkGetSecretRequest,
) (secretstores.BulkGetSecretResponse, error) {
	if s.of.bulk != nil {
		return s.of.bulk(ctx, req)
	}
	data := map[string]map[string]string{"one": {"echo": "ONE"}, "two": {"echo": "TWO"}}
	for name, value := range req.Metadata {
		data["one"]["metadata."+name] = value
	}
	return secretstores.BulkGetSecretResponse{Data: data}, nil
}

func (s *echo) Features() []secretstores.Feature {
	return []secretstores.Feature{secretstores.FeatureMultipleKeyValuesPerSecret}
}

func (s *echo) GetComponentMetadata() metadata.MetadataMap { return nil }

func (s *echo) Close() error {
	s.closes.Add(1)
	if s.of.close != nil {
		return s.of.close()
	}
	return nil
}
