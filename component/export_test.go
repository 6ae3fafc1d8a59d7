package component

import (
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
)

// MaxAnswer is the largest answer, in bytes of its message.
const MaxAnswer = maxAnswer

// Size returns the bytes that an answer is taken for.
func Size(data map[string]string) int { return size(data) }

// BulkEntrySize returns the bytes that one credential is taken for in the answer to
// a bulk request.
func BulkEntrySize(guid string, data map[string]string) int { return bulkEntrySize(guid, data) }

// Code returns the gRPC code of a kind.
func Code(k credential.Kind) codes.Code { return code(k) }

// On returns a secret store as Init leaves it, on stores of the test's own.
func On(log logger.Logger, metrics *Metrics, opts resolver.Options) *SecretStore {
	return OnSettings(log, metrics, opts, Settings{Format: Flat, RequestTimeout: resolver.DefaultTimeout})
}

// OnSettings is On with settings of the test's own, and further observers.
func OnSettings(
	log logger.Logger, metrics *Metrics, opts resolver.Options, settings Settings, observers ...Observer,
) *SecretStore {
	if settings.Cache.Now == nil {
		settings.Cache.Now = time.Now // as the test's own: nothing runs beside it
	}
	opts.Timeout, opts.Cache = settings.RequestTimeout, settings.Cache
	cache := cache.New(settings.Cache)
	s := &SecretStore{log: log, observers: append(observers, metrics), settings: settings, cache: cache}
	s.observe("", newInstanceKeys().of(""))
	opts.Observer = s.events
	s.resolver = cache.Over(resolver.New(opts), resolver.DefaultTimeout, s.events)
	return s
}

// Kept returns of how many GUIDs something is kept.
func (s *SecretStore) Kept() int { return s.cache.Len() }
