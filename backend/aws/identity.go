package aws

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// renewBefore is how long before their end the credentials of an identity are renewed, at
	// most. Up to half of it is random, so that many processes do not renew in step.
	renewBefore = 5 * time.Minute
	// renewPause is the shortest time between two attempts to renew credentials that are still
	// valid.
	renewPause = 10 * time.Second
	// identityTimeout limits a request for credentials. The SDK makes it without the deadline of
	// the request that waits for it.
	identityTimeout = 10 * time.Second
)

func renewEarly(o *aws.CredentialsCacheOptions) {
	o.ExpiryWindow, o.ExpiryWindowJitterFrac = renewBefore, 0.5
}

// identity keeps the last credentials while they cannot be renewed and are still valid. The SDK
// alone would fail from the first attempt to renew them, minutes before their end.
type identity struct {
	renewed aws.CredentialsProvider // renews them early: see renewEarly

	mu     sync.Mutex
	last   aws.Credentials
	failed time.Time // the last attempt to renew them; zero: it succeeded
}

var _ aws.CredentialsProvider = (*identity)(nil)

// Retrieve implements aws.CredentialsProvider.
func (i *identity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if last, ok := i.pausing(); ok {
		return last, nil
	}
	found, err := i.renewed.Retrieve(ctx)
	i.mu.Lock()
	defer i.mu.Unlock()
	if err == nil {
		i.last, i.failed = found, time.Time{}
		return found, nil
	}
	if !i.valid() {
		return aws.Credentials{}, err
	}
	i.failed = time.Now()
	return i.last, nil
}

// pausing returns the last credentials if an attempt to renew them has just failed.
func (i *identity) pausing() (aws.Credentials, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.last, i.valid() && time.Since(i.failed) < renewPause
}

// valid reports whether the last credentials have not ended. The SDK gives an end that is earlier
// than the real one, by at least half of renewBefore.
func (i *identity) valid() bool {
	return i.last.HasKeys() && (!i.last.CanExpire || time.Now().Before(i.last.Expires.Add(renewBefore/2)))
}
