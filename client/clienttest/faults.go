package clienttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"credential-resolver/resolver/credential"
)

// Fault is a kind of store failure.
type Fault uint8

// The faults. The application sees each of them immediately.
const (
	// Down means that the store cannot be reached: client.ErrUnavailable.
	Down Fault = iota + 1
	// Refusing means that the store refuses the component: client.ErrDenied.
	Refusing
	// TooSlow means that the store does not answer in time: client.ErrTimeout.
	TooSlow
)

// faults are the fault and the delay that a test has set for a store.
type faults struct {
	mu    sync.Mutex
	fault Fault // zero: none
	delay time.Duration
}

// Break makes the store fail from now on.
//
// For GetSecret and GetDeploymentSecret, every fault is client.ErrInternal: daprd does not pass
// on the kind of another store's failure.
func (f *faults) Break(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

// Delay makes the store wait for d before each answer, from now on. A delay longer than
// storeTimeout is the same as TooSlow.
func (f *faults) Delay(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.delay = d
}

// Mend removes the fault and the delay.
func (f *faults) Mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault, f.delay = 0, 0
}

// within is interfere with a time limit.
func (f *faults) within(ctx context.Context, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return f.interfere(ctx)
}

// interfere waits for the delay, and then returns the error of the fault; nil for no fault.
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
