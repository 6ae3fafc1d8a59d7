package backend

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// place is what a path names: where its links lead, and which file or folder is there.
type place struct {
	path          string // "" where that does not matter
	device, inode uint64
}

// placeOf returns the file or folder that a path names.
func placeOf(path string) (place, error) {
	info, err := statSettled(path)
	if err != nil {
		return place{}, err
	}
	var p place
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		p.device, p.inode = uint64(sys.Dev), sys.Ino //nolint:unconvert // its type is the system's
	}
	return p, nil
}

// followable is a config store that can be followed.
type followable interface {
	store.ConfigConn
	store.Deleter
	store.Lister
}

// follower is how a store of a file or a folder is followed.
type follower struct {
	// what it is, for the log.
	what string
	log  logger.Logger
	// where returns what the path names now.
	where func() (place, error)
	// open opens it, and makes it if it is not there.
	open func(context.Context) (followable, error)
	// alone tells that nothing may be open any more when another is opened: SQLite knows
	// its side files by their names.
	alone bool
}

// followed is a config store in a file or a folder. Before each call it sees whether the
// path still names what is open. If another is there, as after a restore or a release, that
// is opened. If nothing is there, calls are Unavailable until something is: what is open
// still has its configs, but nobody else sees them, and a file that is gone does not say
// that a credential is.
type followed struct {
	follower

	gone    atomic.Bool // whether the log says so
	opening sync.Mutex

	mu      sync.Mutex
	current *followedConn // nil: none is open
}

// followedConn is what was opened at a place.
type followedConn struct {
	followable

	at    place
	calls sync.WaitGroup
}

var (
	_ followable = (*followed)(nil)
	_ followable = (*stateLister)(nil)
	_ followable = (*localStorageConn)(nil)
)

// follow opens a store for the first time. Its error is that of opening it.
func follow(ctx context.Context, how follower) (*followed, error) {
	f := &followed{follower: how}
	if _, err := f.where(); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	conn, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	f.current = &followedConn{followable: conn}
	f.current.at, err = f.where()
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return f, nil
}

// maxMoves is how often in a row a path may change for one call.
const maxMoves = 5

var errMoves = credential.Remedy("what the store's path names keeps changing")

// on runs a call on what the path names now, and once more if it fails on what the path
// no longer names.
func (f *followed) on(ctx context.Context, call func(followable) error) error {
	for range maxMoves {
		now, err := f.where()
		if err != nil {
			return f.lost(err)
		}
		if f.gone.CompareAndSwap(true, false) {
			f.log.Infof("%s is there again", f.what)
		}
		conn := f.openAt(now)
		if conn == nil {
			if err := f.reopen(ctx, now); err != nil {
				return err
			}
			continue
		}
		if err = conn.run(call); err == nil {
			return nil
		}
		if after, lost := f.where(); lost == nil && after == now {
			return err
		}
	}
	return store.Unavailable(errMoves)
}

// run runs a call that openAt has counted.
func (c *followedConn) run(call func(followable) error) error {
	defer c.calls.Done()
	return call(c.followable)
}

// openAt returns what is open, for a call, if it is at a place; nil if it is not.
func (f *followed) openAt(p place) *followedConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil || f.current.at != p {
		return nil
	}
	f.current.calls.Add(1)
	return f.current
}

// reopen opens what is at a place, and closes what was open before.
func (f *followed) reopen(ctx context.Context, at place) error {
	f.opening.Lock()
	defer f.opening.Unlock()
	if conn := f.openAt(at); conn != nil { // by another call
		conn.calls.Done()
		return nil
	}
	f.leave()
	conn, err := f.open(ctx)
	var known *credential.StoreError
	switch {
	case errors.As(err, &known):
		return err
	case err != nil:
		return store.Failed(err)
	}
	if now, err := f.where(); err != nil || now != at {
		_ = conn.Close()
		return nil // the call looks again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = &followedConn{followable: conn, at: at}
	return nil
}

// leave closes what is open once its calls have ended.
func (f *followed) leave() {
	f.mu.Lock()
	old := f.current
	f.current = nil
	f.mu.Unlock()
	if old == nil {
		return
	}
	f.log.Infof("%s was replaced: what is there now is opened", f.what)
	end := func() {
		old.calls.Wait()
		_ = old.Close()
	}
	if f.alone {
		end()
		return
	}
	go end()
}

// lost says why the path names nothing.
func (f *followed) lost(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return store.Failed(store.Explained(credential.Remedy(f.what+" cannot be read"), err))
	}
	remedy := credential.Remedy(f.what + " is gone: the store is unavailable until one is there again, and then opens that")
	if f.gone.CompareAndSwap(false, true) {
		f.log.Warn(string(remedy))
	}
	return store.Failed(store.Explained(remedy, os.ErrNotExist))
}

func (f *followed) Get(ctx context.Context, key string) (data []byte, err error) {
	err = f.on(ctx, func(c followable) (err error) {
		data, err = c.Get(ctx, key)
		return err
	})
	return data, err
}

func (f *followed) Set(ctx context.Context, key string, data []byte) error {
	return f.on(ctx, func(c followable) error { return c.Set(ctx, key, data) })
}

func (f *followed) Delete(ctx context.Context, key string) error {
	return f.on(ctx, func(c followable) error { return c.Delete(ctx, key) })
}

func (f *followed) List(ctx context.Context, key store.KeyTemplate, token string) (p store.Page, err error) {
	err = f.on(ctx, func(c followable) (err error) {
		p, err = c.List(ctx, key, token)
		return err
	})
	return p, err
}

// Close closes what is open. The caller sees to it that no call is running.
func (f *followed) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return nil
	}
	return f.current.Close()
}
