package backend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

func TestReplaceNeedsTheOldConfig(t *testing.T) {
	for storeType, f := range everyConfigStore(t) {
		t.Run(storeType, func(t *testing.T) {
			configs := openConfigs(t, storeType, f)
			replace := func(old, config string) error {
				return configs.Replace(within(t), guid, []byte(old), []byte(config))
			}
			requireStored := func(want string) {
				got, err := configs.Config(within(t), guid)
				require.NoError(t, err)
				require.Equal(t, want, string(got))
			}
			edited := func(err error) {
				requireKind(t, credential.FailedPrecondition, err)
				require.ErrorIs(t, err, store.ErrEdited)
			}

			edited(replace("one", "two"))
			_, err := configs.Config(within(t), guid)
			requireKind(t, credential.NotFound, err)

			require.NoError(t, configs.Put(within(t), guid, []byte("one")))
			require.NoError(t, replace("one", "two"))
			requireStored("two")
			require.NoError(t, replace("one", "two"), "an earlier attempt has already replaced it")
			edited(replace("one", "three"))
			requireStored("two")
			require.NoError(t, replace("two", "two"))
		})
	}
}
