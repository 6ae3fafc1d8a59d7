package component

import (
	"google.golang.org/grpc/codes"

	"github.com/dapr/kit/logger"

	"credential-resolver/resolver"
)

// MaxAnswer is the largest answer, in bytes of its message.
const MaxAnswer = maxAnswer

// Size returns the bytes that an answer is taken for.
func Size(data map[string]string) int { return size(data) }

// Code returns the gRPC code of a kind.
func Code(k resolver.Kind) codes.Code { return code(k) }

// On returns a secret store as Init leaves it, on stores of the test's own.
func On(log logger.Logger, metrics *Metrics, opts resolver.Options) *SecretStore {
	return &SecretStore{
		log: log, metrics: metrics, report: newReporter(log, metrics),
		settings: Settings{Format: Flat}, resolver: resolver.New(opts),
	}
}
