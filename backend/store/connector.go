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

// errNotConnected is what a call gets that ran out of time before the store was
// first connected.
var errNotConnected = credential.Remedy("not connected yet")

// connector is a store that connects in the background, with a new store object each
// attempt, because a contrib store cannot be initialised twice.
type connector[C io.Closer] struct {
	connect func(ctx context.Context) (C, error)
	onFail  func(error)

	cancel context.CancelFunc
	wanted chan struct{} // offered by every call that waits, all the time
	ready  chan struct{} // closed when conn is there
	ended  chan struct{} // closed when nothing runs any more
	first  chan error    // the first attempt's outcome, one value
	denied atomic.Bool   // whether the last attempt was refused
	calls  atomic.Int64  // that wait for it
	conn   C
	close  sync.Once
}

// newConnector starts to connect. onFail is told of every attempt that failed.
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
	intervals := reconnect()
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
		c.denied.Store(credential.KindOf(err) == credential.Denied)
		c.onFail(err)
		if !c.pause(ctx, intervals.NextBackOff()) {
			return
		}
	}
}

// retryWhileWanted is the longest pause between attempts while a call waits.
const retryWhileWanted = time.Second

// pause waits between attempts, for less than the interval if a call waits: its
// time is shorter than the longest interval. It tells whether to go on.
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

// reconnect is how long to wait between attempts: half a second, growing to half
// a minute, each spread by half so that many processes do not keep step.
func reconnect() backoff.BackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 500 * time.Millisecond
	b.MaxInterval = 30 * time.Second
	return b
}

func (c *connector[C]) attempt(ctx context.Context) (conn C, err error) {
	defer func() {
		if recover() != nil {
			err = Permanent(errors.New("panic in the store's Init"))
		}
	}()
	return c.connect(ctx)
}

// awaitFirst waits for the first attempt. It returns an error only for what no
// retry mends, unless any failure is asked for; an attempt that failed otherwise,
// or that takes longer than ctx allows, goes on in the background.
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

// await returns the connected store, waiting for it as long as ctx allows, then
// fails as Unavailable (DESIGN.md, section 9), or as Denied if that is why it is
// not connected. Of the calls that wait at a time, those above maxWaiting fail at once.
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
		case c.wanted <- struct{}{}: // the next attempt comes at once
		case <-c.ended:
			waiting = false
		case <-ctx.Done():
			waiting = false
		}
	}
	select { // both may have come at once, and ended always comes with ready
	case <-c.ready:
		return c.conn, nil
	default:
	}
	var none C
	kind := credential.Unavailable
	if c.denied.Load() {
		kind = credential.Denied
	}
	return none, &credential.StoreError{Kind: kind, General: kind == credential.Denied, Err: errNotConnected}
}

// Close stops connecting and closes the store. An attempt that hangs is left
// behind, and its store closed whenever it ends.
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
