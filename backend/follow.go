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

// place identifies what a path names: the path with its links resolved, and the file or folder
// that is there.
type place struct {
	path          string // "" if it does not matter
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

// followable is a config store that followed can reopen.
type followable interface {
	store.ConfigConn
	store.Deleter
	store.Lister
}

// follower says how to follow a store that is a file or a folder.
type follower struct {
	// what describes the store, for the log.
	what string
	log  logger.Logger
	// where returns what the path names now.
	where func() (place, error)
	// open opens the store, and creates it if it is missing.
	open func(context.Context) (followable, error)
	// alone is set if the old store must be closed before the new one is opened. SQLite needs
	// this because it finds its side files by name.
	alone bool
}

// followed is a config store in a file or a folder. Before each call it checks whether the
// path still names the file or folder that is open. If the path names another one, for example
// after a restore or a release, followed opens that. If the path names nothing, calls fail
// with Unavailable until something is there again. The open file still has its configs then,
// but nobody else can see them. A missing file does not mean that a credential was deleted.
type followed struct {
	follower

	gone    atomic.Bool // whether the log has reported it
	opening sync.Mutex

	mu      sync.Mutex
	current *followedConn // nil if nothing is open
}

// followedConn is a store that was opened at a place.
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

// follow opens a store for the first time. It returns the error from opening it.
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

// maxMoves limits how often a path may change during one call.
const maxMoves = 5

var errMoves = credential.Remedy("the file or folder at the store's path keeps changing")

// on runs a call on the store that the path names now. If the call fails and the path names
// something else by then, on runs it again there.
func (f *followed) on(ctx context.Context, call func(followable) error) error {
	for range maxMoves {
		now, err := f.where()
		if err != nil {
			return f.lost(err)
		}
		if f.gone.CompareAndSwap(true, false) {
			f.log.Infof("%s exists again", f.what)
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

// run runs a call that openAt has already counted.
func (c *followedConn) run(call func(followable) error) error {
	defer c.calls.Done()
	return call(c.followable)
}

// openAt returns the open store, and counts a call on it, if it is at p. Otherwise it returns
// nil.
func (f *followed) openAt(p place) *followedConn {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil || f.current.at != p {
		return nil
	}
	f.current.calls.Add(1)
	return f.current
}

// reopen opens the store at a place, and closes the one that was open before.
func (f *followed) reopen(ctx context.Context, at place) error {
	f.opening.Lock()
	defer f.opening.Unlock()
	if conn := f.openAt(at); conn != nil { // another call has opened it
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
		return nil // the caller checks again
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.current = &followedConn{followable: conn, at: at}
	return nil
}

// leave closes the open store once its calls have ended.
func (f *followed) leave() {
	f.mu.Lock()
	old := f.current
	f.current = nil
	f.mu.Unlock()
	if old == nil {
		return
	}
	f.log.Infof("%s was replaced: opening the new one", f.what)
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

// lost returns the error for a path that names nothing or cannot be read.
func (f *followed) lost(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return store.Failed(store.Explained(credential.Remedy(f.what+" cannot be read"), err))
	}
	remedy := credential.Remedy(f.what + " is missing: the store is unavailable until it exists again")
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

// Close closes the open store. The caller must make sure that no call is running.
func (f *followed) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.current == nil {
		return nil
	}
	return f.current.Close()
}
