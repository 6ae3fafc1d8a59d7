package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/dapr/kit/logger"

	"credential-resolver/backend/storetest"
	"credential-resolver/internal/logtext"
	"credential-resolver/resolver/credential"
)

// movable is a store at a place that a test moves.
type movable struct {
	at     place
	lost   error // why nothing is there
	opened int
	events []string
	before func(n int) error // of opening the nth one
	get    func(n int) error // of reading the nth one
}

func (m *movable) open(context.Context) (followable, error) {
	m.opened++
	m.events = append(m.events, fmt.Sprint("open ", m.opened))
	if m.before != nil {
		if err := m.before(m.opened); err != nil {
			return nil, err
		}
	}
	return &movableConn{of: m, n: m.opened}, nil
}

func (m *movable) follow(t *testing.T, alone bool) (*followed, *logtext.Text, error) {
	t.Helper()
	log, written := storetest.NewLog(t, logger.InfoLevel)
	f, err := follow(t.Context(), follower{
		what: "the store", log: log, alone: alone, open: m.open,
		where: func() (place, error) { return m.at, m.lost },
	})
	return f, written, err
}

// movableConn is the nth store that was opened.
type movableConn struct {
	followable

	of *movable
	n  int
}

func (c *movableConn) Get(context.Context, string) ([]byte, error) {
	if c.of.get != nil {
		if err := c.of.get(c.n); err != nil {
			return nil, err
		}
	}
	return []byte(fmt.Sprint(c.n)), nil
}

func (c *movableConn) Close() error {
	c.of.events = append(c.of.events, fmt.Sprint("close ", c.n))
	return nil
}

// The calls on the store that was replaced end before it is closed.
func TestStoreThatWasReplacedClosesAfterItsCalls(t *testing.T) {
	for name, test := range map[string]struct {
		alone bool
		want  []string
	}{
		"beside the next": {false, []string{"open 1", "open 2", "answered", "close 1"}},
		"before the next": {true, []string{"open 1", "answered", "close 1", "open 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := make(chan struct{})
				m := &movable{get: func(n int) error {
					if n == 1 {
						<-gate
					}
					return nil
				}}
				f, _, err := m.follow(t, test.alone)
				require.NoError(t, err)
				first, second := make(chan string, 1), make(chan string, 1)
				get := func(to chan string) {
					data, err := f.Get(t.Context(), "k")
					require.NoError(t, err)
					to <- string(data)
				}
				go get(first)
				synctest.Wait()
				m.at = place{inode: 2}
				go get(second)
				synctest.Wait()
				m.events = append(m.events, "answered")
				close(gate)
				require.Equal(t, "1", <-first)
				require.Equal(t, "2", <-second)
				synctest.Wait()
				require.Equal(t, test.want, m.events)
				require.NoError(t, f.Close())
				require.Equal(t, "close 2", m.events[len(m.events)-1])
			})
		})
	}
}

func TestCallThatFailsInAStoreThatMovedIsMadeAgain(t *testing.T) {
	m := &movable{}
	m.get = func(n int) error {
		if n == 1 {
			m.at = place{inode: 2}
			return errors.New("the file is gone")
		}
		return nil
	}
	f, _, err := m.follow(t, true)
	require.NoError(t, err)
	data, err := f.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "2", string(data))
}

func TestStoreThatMovesWhileItOpensIsNotUsed(t *testing.T) {
	m := &movable{}
	f, _, err := m.follow(t, true)
	require.NoError(t, err)
	m.at = place{inode: 2}
	m.before = func(n int) error {
		if n == 2 {
			m.at = place{inode: 3}
		}
		return nil
	}
	data, err := f.Get(t.Context(), "k")
	require.NoError(t, err)
	require.Equal(t, "3", string(data))
	require.Equal(t, []string{"open 1", "close 1", "open 2", "close 2", "open 3"}, m.events)
}

func TestStoreThatKeepsMovingIsUnavailable(t *testing.T) {
	m := &movable{}
	f, _, err := m.follow(t, true)
	require.NoError(t, err)
	m.get = func(n int) error {
		m.at = place{inode: uint64(n + 1)}
		return errors.New("the file is gone")
	}
	_, err = f.Get(t.Context(), "k")
	storetest.RequireKind(t, credential.Unavailable, err)
	require.Equal(t, string(errMoves), credential.RemedyOf(err))
}

func TestWhyAStoreCannotBeFollowed(t *testing.T) {
	for name, test := range map[string]struct {
		lost   error
		says   string
		logged int
	}{
		"it is gone":        {fs.ErrNotExist, "the store is missing: the store is unavailable until it exists again", 1},
		"it cannot be read": {syscall.EACCES, "the store cannot be read", 0},
	} {
		t.Run(name, func(t *testing.T) {
			m := &movable{}
			f, written, err := m.follow(t, true)
			require.NoError(t, err)
			m.lost = test.lost
			for range 2 {
				_, err = f.Get(t.Context(), "k")
				storetest.RequireKind(t, credential.Unavailable, err)
				require.ErrorIs(t, err, test.lost)
				require.Equal(t, test.says, credential.RemedyOf(err))
			}
			require.Equal(t, test.logged, strings.Count(written.String(), "\n"), written)
			m.lost = nil
			_, err = f.Get(t.Context(), "k")
			require.NoError(t, err)
			require.Equal(t, []string{"open 1"}, m.events)
		})
	}
}

func TestStoreThatDoesNotOpenAgainIsUnavailable(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want credential.Kind
	}{
		"a failure of no kind": {errors.New("broken"), credential.Unavailable},
		"a refusal":            {&credential.StoreError{Kind: credential.Denied}, credential.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			m := &movable{}
			f, _, err := m.follow(t, true)
			require.NoError(t, err)
			m.at = place{inode: 2}
			m.before = func(int) error { return test.err }
			_, err = f.Get(t.Context(), "k")
			storetest.RequireKind(t, test.want, err)
			var failure *credential.StoreError
			require.ErrorAs(t, err, &failure, "it is a store's error")
			require.NoError(t, f.Close())
		})
	}
}

func TestStoreWhosePlaceIsLostAsItOpensIsClosed(t *testing.T) {
	m := &movable{}
	m.before = func(int) error {
		m.lost = syscall.EIO
		return nil
	}
	_, _, err := m.follow(t, true)
	require.ErrorIs(t, err, syscall.EIO)
	require.Equal(t, []string{"open 1", "close 1"}, m.events)
}
