package store_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
)

func TestConfigIsReplacedIfItIsTheOldOne(t *testing.T) {
	refusal := errors.New("refused")
	for name, test := range map[string]struct {
		before, after string // the stored config, before the write and after a refused one; "": missing
		refused       bool
		failure, want error
		writes        int
	}{
		"the old one":                  {before: "old", writes: 1},
		"already the new one":          {before: "new"},
		"another one":                  {before: "other", want: store.ErrEdited},
		"missing":                      {want: store.ErrEdited},
		"edited meanwhile":             {before: "old", after: "other", refused: true, failure: refusal, want: store.ErrEdited, writes: 1},
		"deleted meanwhile":            {before: "old", refused: true, failure: refusal, want: store.ErrEdited, writes: 1},
		"written by an attempt before": {before: "old", after: "new", refused: true, failure: refusal, writes: 1},
		"refused, and still the old":   {before: "old", after: "old", refused: true, failure: refusal, want: refusal, writes: 1},
		"a write that failed":          {before: "old", after: "new", failure: refusal, want: refusal, writes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			stored, writes := test.before, 0
			err := store.ReplaceIfOld([]byte("old"), []byte("new"), func() ([]byte, string, error) {
				if stored == "" {
					return nil, "", store.Absent()
				}
				return []byte(stored), "condition", nil
			}, func(condition string) (bool, error) {
				require.Equal(t, "condition", condition)
				writes++
				stored = test.after
				return test.refused, test.failure
			})
			require.ErrorIs(t, err, test.want)
			require.Equal(t, test.writes, writes)
		})
	}
	down := store.Unavailable(errors.New("down"))
	require.Equal(t, down, store.ReplaceIfOld(nil, nil, func() ([]byte, int, error) { return nil, 0, down }, nil))
}
