package clienttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"credential-resolver/resolver/credential"
)

// Fault is a way for a store to fail.
type Fault uint8

// The faults. The application sees each of them at once.
const (
	// Down is a store that cannot be reached: client.ErrUnavailable.
	Down Fault = iota + 1
	// Refusing is a store that refuses the component: client.ErrDenied.
	Refusing
	// TooSlow is a store that does not answer in time: client.ErrTimeout.
	TooSlow
)

// faults are how a store fails, as far as it is told to.
type faults struct {
	mu    sync.Mutex
	fault Fault // zero: none
	delay time.Duration
}

// Break has the store fail from now on.
//
// What an application gets from GetSecret and GetDeploymentSecret is client.ErrInternal,
// whatever the fault: daprd does not pass on what kind of failure another store's is.
func (f *faults) Break(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// Delay has the store answer after a while, from now on. It is no longer than the
// store's time, which is storeTimeout: what is longer is TooSlow.
func (f *faults) Delay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// Mend has the store answer again, and at once.
func (f *faults) Mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.delay = 0, 0
}

// within is interfere, for a store that has this much time.
func (f *faults) within(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f.interfere(ctx)
}

// interfere fails or waits as the store is told to.
func (f *faults) interfere(ctx context.Context) error {
	f.mu.Lock()
	fault, delay := f.fault, f.delay
	f.mu.Unlock()
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			fault = TooSlow
		}
	}
	switch fault {
	case Down:
		return &credential.StoreError{Kind: credential.Unavailable, Err: errors.New("it is down")}
	case Refusing:
		return &credential.StoreError{Kind: credential.Denied, General: true, Err: errors.New("it refuses")}
	case TooSlow:
		return &credential.StoreError{Kind: credential.Timeout, Err: context.DeadlineExceeded}
	default:
		return nil
	}
}
