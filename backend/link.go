package backend

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

// permanentError is a failure to connect that no retry mends.
type permanentError struct{ err error }

func (e *permanentError) Error() string { return e.err.Error() }
func (e *permanentError) Unwrap() error { return e.err }

func permanent(err error) error { return &permanentError{err} }

// errNotConnected is what a call gets that ran out of time before the store was
// first connected.
var errNotConnected = credential.Remedy("not connected yet")

// link is a store that connects in the background, with a new store object each
// attempt, because a contrib store cannot be initialised twice.
type link[C io.Closer] struct {
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

// newLink starts to connect. onFail is told of every attempt that failed.
func newLink[C io.Closer](connect func(context.Context) (C, error), onFail func(error)) *link[C] {
	ctx, cancel := context.WithCancel(context.Background())
	l := &link[C]{
		connect: connect, onFail: onFail, cancel: cancel,
		wanted: make(chan struct{}), ready: make(chan struct{}), ended: make(chan struct{}), first: make(chan error, 1),
	}
	go l.run(ctx)
	return l
}

func (l *link[C]) run(ctx context.Context) {
	defer close(l.ended)
	intervals := reconnect()
	for {
		conn, err := l.attempt(ctx)
		select {
		case l.first <- err:
		default:
		}
		if err == nil {
			l.conn = conn
			close(l.ready)
			return
		}
		if ctx.Err() != nil {
			return // closed before it was connected
		}
		l.denied.Store(credential.KindOf(err) == credential.Denied)
		l.onFail(err)
		if !l.pause(ctx, intervals.NextBackOff()) {
			return
		}
	}
}

// hurried is the longest pause between attempts while a call waits.
const hurried = time.Second

// pause waits between attempts, for less than the interval if a call waits: its
// time is shorter than the longest interval. It tells whether to go on.
func (l *link[C]) pause(ctx context.Context, interval time.Duration) bool {
	timer := time.NewTimer(min(interval, hurried))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return false
	}
	if interval <= hurried {
		return true
	}
	timer.Reset(interval - hurried)
	select {
	case <-timer.C:
	case <-l.wanted:
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

func (l *link[C]) attempt(ctx context.Context) (conn C, err error) {
	defer func() {
		if recover() != nil {
			err = permanent(errors.New("panic in the store's Init"))
		}
	}()
	return l.connect(ctx)
}

// awaitFirst waits for the first attempt. It returns an error only for what no
// retry mends, unless any failure is asked for; an attempt that failed otherwise,
// or that takes longer than ctx allows, goes on in the background.
func (l *link[C]) awaitFirst(ctx context.Context, anyFailure bool) error {
	select {
	case err := <-l.first:
		var final *permanentError
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
func (l *link[C]) await(ctx context.Context) (C, error) {
	select {
	case <-l.ready:
		return l.conn, nil
	default:
	}
	waiting := l.calls.Add(1) <= maxWaiting
	defer l.calls.Add(-1)
	for waiting {
		select {
		case <-l.ready:
			return l.conn, nil
		case l.wanted <- struct{}{}: // the next attempt comes at once
		case <-l.ended:
			waiting = false
		case <-ctx.Done():
			waiting = false
		}
	}
	select { // both may have come at once, and ended always comes with ready
	case <-l.ready:
		return l.conn, nil
	default:
	}
	var none C
	kind := credential.Unavailable
	if l.denied.Load() {
		kind = credential.Denied
	}
	return none, &credential.StoreError{Kind: kind, General: kind == credential.Denied, Err: errNotConnected}
}

// Close stops connecting and closes the store. An attempt that hangs is left
// behind, and its store closed whenever it ends.
func (l *link[C]) Close() error {
	var err error
	l.close.Do(func() {
		l.cancel()
		select {
		case <-l.ready:
			err = l.conn.Close()
		default:
			go func() {
				<-l.ended
				select {
				case <-l.ready:
					_ = l.conn.Close()
				default:
				}
			}()
		}
	})
	return err
}
