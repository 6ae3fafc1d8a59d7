package backend

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/state"
	"github.com/dapr/kit/logger"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
	"credential-resolver/resolver/credential"
)

// openStore returns a config store on a given connection.
func openStore(t *testing.T, key store.KeyTemplate, conn store.ConfigConn) *ConfigStore {
	t.Helper()
	made := store.Type[store.ConfigConn]{
		Connect: func(context.Context, map[string]string, logger.Logger) (store.ConfigConn, error) { return conn, nil },
	}
	o, _, _, err := store.Open(t.Context(), store.Spec{Type: "made"}, map[string]store.Type[store.ConfigConn]{"made": made},
		store.Options{Logger: storetest.DevNull(t), Limits: store.Limits{Timeout: storetest.Long}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.Close()) })
	return &ConfigStore{Opened: o, key: key}
}

// oddLister returns pages with keys that do not match the pattern, and with duplicates.
type oddLister struct {
	state.Store
	state.KeysLiker

	pages  [][]string
	asked  int
	tokens []string // that it was asked with
	fail   error
}

func (s *oddLister) Close() error { return nil }

func (s *oddLister) KeysLike(_ context.Context, req *state.KeysLikeRequest) (*state.KeysLikeResponse, error) {
	token := ""
	if req.ContinuationToken != nil {
		token = *req.ContinuationToken
	}
	s.tokens = append(s.tokens, token)
	if s.asked == len(s.pages) {
		return nil, s.fail
	}
	resp := &state.KeysLikeResponse{Keys: s.pages[s.asked]}
	s.asked++
	if s.asked < len(s.pages) || s.fail != nil {
		resp.ContinuationToken = new(string)
		*resp.ContinuationToken = fmt.Sprint(s.asked)
	}
	return resp, nil
}

func TestListTrustsNoPattern(t *testing.T) {
	object := &oddLister{pages: [][]string{{"APP/b", "app/b", "app/x/y", "app/"}, {}, {"app/a", "app/b", "other"}}}
	got, err := openStore(t, "app/{guid}", newStateConn(object, store.Failed)).List(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, got)
	require.Equal(t, []string{"", "1", "2"}, object.tokens)
}

func TestListThatFailsHalfwayIsNoList(t *testing.T) {
	down := errors.New("down")
	object := &oddLister{pages: [][]string{{"a"}}, fail: down}
	got, err := openStore(t, "{guid}", newStateConn(object, store.Failed)).List(t.Context())
	storetest.RequireKind(t, credential.Unavailable, err)
	require.ErrorIs(t, err, down)
	require.Nil(t, got)
}

// plainConn is a connection without optional abilities.
type plainConn struct{ store.ConfigConn }

func (plainConn) Get(context.Context, string) ([]byte, error) { return []byte("{}"), nil }
func (plainConn) Close() error                                { return nil }

// plainState is a state store that cannot list.
type plainState struct{ state.Store }

func (plainState) Close() error { return nil }

// undeletable is a state store that refuses to delete.
type undeletable struct {
	state.Store

	err error
}

func (s undeletable) Delete(context.Context, *state.DeleteRequest) error { return s.err }

func TestFailureToDeleteIsClassified(t *testing.T) {
	down := errors.New("down")
	err := (&stateConn{undeletable{err: down}, store.Failed}).Delete(t.Context(), "k")
	storetest.RequireKind(t, credential.Unavailable, err)
	require.ErrorIs(t, err, down)
	require.NoError(t, (&stateConn{undeletable{}, store.Failed}).Delete(t.Context(), "k"))
}

// panicking is a state store that panics with some metadata.
type panicking struct{ state.Store }

func (panicking) Init(context.Context, state.Metadata) error { panic("canary") }
func (panicking) Close() error                               { panic("canary") }

func TestMetadataThatMakeAStorePanicAreRefused(t *testing.T) {
	require.NotPanics(t, func() {
		err := checkState(func(logger.Logger) state.Store { return panicking{} }, nil)
		require.EqualError(t, err, "the store panics with this metadata")
	})
}

func TestMissingAbilityIsReported(t *testing.T) {
	_, err := openStore(t, "{guid}", plainConn{}).List(t.Context())
	storetest.RequireKind(t, credential.FailedPrecondition, err)
	require.ErrorIs(t, err, store.ErrCannotList)
	_, err = openStore(t, "{guid}", newStateConn(plainState{}, store.Failed)).List(t.Context())
	require.ErrorIs(t, err, store.ErrCannotList)
	err = openStore(t, "{guid}", plainConn{}).Delete(t.Context(), "a")
	storetest.RequireKind(t, credential.FailedPrecondition, err)
	require.ErrorIs(t, err, store.ErrCannotDelete)
}

func TestListGoesThroughEveryPage(t *testing.T) {
	for storeType, fields := range map[string]map[string]string{
		"state.sqlite":    {"connectionString": filepath.Join(t.TempDir(), "a.db")},
		"state.in-memory": {},
	} {
		for name, count := range map[string]int{"a full page": pageSize, "more": 2*pageSize + 1} {
			t.Run(storeType+", "+name, func(t *testing.T) {
				log, _ := storetest.NewLog(t, "error")
				conn, err := configStores()[storeType].Connect(t.Context(), fields, log)
				require.NoError(t, err)
				var want []string
				var sets []state.TransactionalStateOperation
				for i := range count {
					guid := fmt.Sprintf("g-%05d", i)
					want = append(want, guid)
					sets = append(sets, state.SetRequest{Key: name + guid, Value: []byte("{}")})
				}
				slices.Reverse(sets)
				listed, ok := conn.(*stateLister)
				if !ok {
					listed = conn.(*followedSQLite).current.followable.(*stateLister)
				}
				require.NoError(t, listed.store.(state.TransactionalStore).Multi(t.Context(),
					&state.TransactionalStateRequest{Operations: sets}))
				got, err := openStore(t, store.KeyTemplate(name+"{guid}"), conn).List(t.Context())
				require.NoError(t, err)
				require.True(t, slices.Equal(want, got)) // Equal would print all of them
			})
		}
	}
}
