package component

import (
	"time"

	"google.golang.org/grpc/codes"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
)

// MaxAnswer is the largest answer, in bytes of its message.
const MaxAnswer = maxAnswer

// Size returns the bytes that an answer is taken for.
func Size(data map[string]string) int { return size(data) }

// BulkEntrySize returns the bytes that one credential is taken for in the answer to
// a bulk request.
func BulkEntrySize(guid string, data map[string]string) int { return bulkEntrySize(guid, data) }

// Code returns the gRPC code of a kind.
func Code(k resolver.Kind) codes.Code { return code(k) }

// On returns a secret store as Init leaves it, on stores of the test's own.
func On(log logger.Logger, metrics *Metrics, opts resolver.Options) *SecretStore {
	return OnSettings(log, metrics, opts, Settings{Format: Flat, RequestTimeout: resolver.DefaultTimeout})
}

// OnSettings is On with settings of the test's own.
func OnSettings(log logger.Logger, metrics *Metrics, opts resolver.Options, settings Settings) *SecretStore {
	opts.Timeout = settings.RequestTimeout
	return &SecretStore{
		log: log, metrics: metrics, report: newReporter(log, metrics),
		settings: settings, resolver: resolver.New(opts), dependents: newDependents(time.Now),
	}
}

// MaxDependents is how many credentials are kept for daprd.
const MaxDependents = maxDependents

// SetClock has the store take the time from now, before its first request.
func (s *SecretStore) SetClock(now func() time.Time) { s.dependents = newDependents(now) }

// Kept returns how many credentials are kept for daprd.
func (s *SecretStore) Kept() int { return s.dependents.kept.Len() }
