package backend

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dapr/components-contrib/state"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// racedState is a state store that runs a function just before a write.
type racedState struct {
	state.Store

	data    string
	etag    string
	reading error
	before  func(s *racedState) error
}

func (s *racedState) Get(context.Context, *state.GetRequest) (*state.GetResponse, error) {
	return &state.GetResponse{Data: []byte(s.data), ETag: &s.etag}, s.reading
}

func (s *racedState) Set(_ context.Context, req *state.SetRequest) error {
	etag := *req.ETag
	if s.before != nil {
		if err := s.before(s); err != nil {
			return err
		}
	}
	if etag != s.etag || req.Options.Concurrency != state.FirstWrite {
		return state.NewETagError(state.ETagMismatch, nil)
	}
	s.data = string(req.Value.([]byte))
	return nil
}

func TestAnEditBetweenReadingAndWritingIsSeen(t *testing.T) {
	theirs := errors.New("connection reset")
	write := func(data string, err error) func(*racedState) error {
		return func(s *racedState) error {
			s.data, s.etag = data, "2"
			return err
		}
	}
	for name, row := range map[string]struct {
		store racedState
		want  error // nil: the write succeeds
		data  string
	}{
		"no other edit":                          {racedState{data: "old"}, nil, "new"},
		"another edit":                           {racedState{data: "old", before: write("other", nil)}, store.ErrEdited, "other"},
		"another edit that is undone":            {racedState{data: "old", before: write("old", nil)}, credential.Internal, "old"},
		"a failure":                              {racedState{data: "old", before: write("old", theirs)}, theirs, "old"},
		"a failure reported as an etag mismatch": {racedState{data: "old", before: write("old", state.NewETagError(state.ETagMismatch, theirs))}, credential.Internal, "old"},
		"written, though the answer was lost":    {racedState{data: "old", before: write("new", state.NewETagError(state.ETagMismatch, theirs))}, nil, "new"},
		"a read that fails":                      {racedState{reading: theirs}, theirs, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := &stateConn{&row.store, func(err error) error {
				return &credential.StoreError{Kind: credential.Internal, Err: err}
			}}
			err := c.Replace(t.Context(), "k", []byte("old"), []byte("new"))
			if row.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, row.want)
			}
			require.Equal(t, row.data, row.store.data)
		})
	}
}
