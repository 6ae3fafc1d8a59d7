package component

import (
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// MaxAnswer is the maximum size of an answer's message, in bytes.
const MaxAnswer = maxAnswer

// Size returns the size of an answer's message, in bytes.
func Size(data map[string]string) int { return size(data) }

// BulkEntrySize returns the size of one credential in a bulk answer, in bytes.
func BulkEntrySize(guid string, data map[string]string) int { return bulkEntrySize(guid, data) }

// Code returns the gRPC code of a kind.
func Code(k credential.Kind) codes.Code { return code(k) }

// AsError returns the failure that a request ends with.
func AsError(err error) *credential.Error { return asError(err) }

// On returns an initialised secret store on the test's own stores.
func On(log logger.Logger, metrics *Metrics, opts resolver.Options) *SecretStore {
	return OnSettings(log, metrics, opts, Settings{Format: Flat, RequestTimeout: resolver.DefaultTimeout})
}

// OnSettings is On with other settings and additional observers.
func OnSettings(
	log logger.Logger, metrics *Metrics, opts resolver.Options, settings Settings, observers ...Observer,
) *SecretStore {
	if settings.Cache.Now == nil {
		settings.Cache.Now = time.Now // as the test's own: nothing runs beside it
	}
	opts.Timeout, opts.Cache = settings.RequestTimeout, settings.Cache
	cache := cache.New(settings.Cache)
	s := &SecretStore{log: log, observers: append(observers, metrics), settings: settings, cache: cache, live: newLiveInstances()}
	s.observe("", newInstanceKeys(nil).of(""))
	opts.Observer = s.events
	s.resolver = cache.Over(resolver.New(opts), resolver.DefaultTimeout, s.events)
	return s
}

// Kept returns the number of GUIDs in the cache.
func (s *SecretStore) Kept() int { return s.cache.Len() }
