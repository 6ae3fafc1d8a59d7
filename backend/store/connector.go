package store

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"credential-resolver/resolver/credential"
)

// errNotConnected is the error of a call whose time ran out before the store was first
// connected.
var errNotConnected = credential.Remedy("not connected yet")

// connector connects to a store in the background. Each attempt makes a new store object,
// because a contrib store cannot be initialised twice.
type connector[C io.Closer] struct {
	connect func(ctx context.Context) (C, error)
	onFail  func(error)

	cancel context.CancelFunc
	wanted chan struct{}                         // every waiting call keeps offering a value
	ready  chan struct{}                         // closed when conn is set
	ended  chan struct{}                         // closed when run has returned
	first  chan error                            // holds the first attempt's outcome
	calls  atomic.Int64                          // the number of calls that wait for conn
	denied atomic.Pointer[credential.StoreError] // the last attempt's failure, if it was denied; else nil
	conn   C
	close  sync.Once
}

// newConnector starts to connect. It calls onFail for every failed attempt.
func newConnector[C io.Closer](connect func(context.Context) (C, error), onFail func(error)) *connector[C] {
	ctx, cancel := context.WithCancel(context.Background())
	c := &connector[C]{
		connect: connect, onFail: onFail, cancel: cancel,
		wanted: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{}), first: make(chan error, 1),
	}
	go c.run(ctx)
	return c
}

func (c *connector[C]) run(ctx context.Context) {
	defer close(c.ended)
	intervals := Reconnect()
	for {
		conn, err := c.attempt(ctx)
		select {
		case c.first <- err:
		default:
		}
		if err == nil {
			c.conn = conn
			close(c.ready)
			return
		}
		if ctx.Err() != nil {
			return // closed before it was connected
		}
		c.denied.Store(denial(err))
		c.onFail(err)
		if !c.pause(ctx, intervals.NextBackOff()) {
			return
		}
	}
}

// retryWhileWanted is the longest pause between attempts while a call waits.
const retryWhileWanted = time.Second

// pause waits for the interval between two attempts. While a call waits, it waits for at most
// retryWhileWanted, because a call has less time than the longest interval. It reports whether
// to go on.
func (c *connector[C]) pause(ctx context.Context, interval time.Duration) bool {
	timer := time.NewTimer(min(interval, retryWhileWanted))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	if interval <= retryWhileWanted {
		return true
	}
	timer.Reset(interval - retryWhileWanted)
	select {
	case <-timer.C:
	case <-c.wanted:
	case <-ctx.Done():
		return false
	}
	return true
}

// Reconnect returns the exponential backoff between attempts: from half a second up to half a
// minute. Each interval has a jitter of 50%, so that many processes do not reconnect in step.
func Reconnect() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 500 * time.Millisecond
	b.MaxInterval = 30 * time.Second
	return b
}

func (c *connector[C]) attempt(ctx context.Context) (conn C, err error) {
	defer func() {
		if recover() != nil {
			err = Permanent(errors.New("the store panicked in Init"))
		}
	}()
	return c.connect(ctx)
}

// awaitFirst waits for the first attempt. It returns a permanent error and, if anyFailure is
// set, any other failure too, including an attempt that takes longer than ctx. Otherwise the
// connector goes on in the background after the attempt failed or ctx ended.
func (c *connector[C]) awaitFirst(ctx context.Context, anyFailure bool) error {
	select {
	case err := <-c.first:
		var final *PermanentError
		if errors.As(err, &final) {
			return final.err
		}
		if anyFailure {
			return err
		}
	case <-ctx.Done():
		if anyFailure {
			return errNotConnected
		}
	}
	return nil
}

// await returns the connected store. It waits for the store until ctx ends, then fails as
// Unavailable (DESIGN.md, section 9), or as Denied if the last attempt was denied. At most
// maxWaiting calls wait at a time; further calls fail at once.
func (c *connector[C]) await(ctx context.Context) (C, error) {
	select {
	case <-c.ready:
		return c.conn, nil
	default:
	}
	waiting := c.calls.Add(1) <= maxWaiting
	defer c.calls.Add(-1)
	for waiting {
		select {
		case <-c.ready:
			return c.conn, nil
		case c.wanted <- struct{}{}: // ends the pause before the next attempt
		case <-c.ended:
			waiting = false
		case <-ctx.Done():
			waiting = false
		}
	}
	select { // another case may have won although ready is closed too
	case <-c.ready:
		return c.conn, nil
	default:
	}
	var none C
	failure := credential.StoreError{Kind: credential.Unavailable}
	if denied := c.denied.Load(); denied != nil {
		failure = *denied
	}
	failure.Err = errNotConnected
	return none, &failure
}

// denial returns the failure of a call that waits for a store whose connecting was denied with
// err; nil if err is another failure.
func denial(err error) *credential.StoreError {
	if credential.KindOf(err) != credential.Denied {
		return nil
	}
	var denied *credential.StoreError
	lapsed := errors.As(err, &denied) && denied.Lapsed
	return &credential.StoreError{Kind: credential.Denied, General: true, Lapsed: lapsed}
}

// Close stops connecting and closes the store. It does not wait for an attempt that hangs: if
// that connects later, its store is closed then.
func (c *connector[C]) Close() error {
	var err error
	c.close.Do(func() {
		c.cancel()
		select {
		case <-c.ready:
			err = c.conn.Close()
		default:
			go func() {
				<-c.ended
				select {
				case <-c.ready:
					_ = c.conn.Close()
				default:
				}
			}()
		}
	})
	return err
}
