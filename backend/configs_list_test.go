package backend_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

func TestListIsEveryGUIDOnceAndSorted(t *testing.T) {
	keys := map[string]string{
		"the GUID alone":              "{guid}",
		"a prefix as daprd writes it": "myapp||{guid}",
		"a file":                      "apps/x/{guid}.json",
		"a folder for each":           "{guid}/config.json",
		"the GUID twice":              "persistent/{guid}/{guid}.json",
		"LIKE's special characters":   `a_b%c\d/{guid}_%`,
		"odd characters":              "a b%20#'\"{guid}",
		"a path that is not plain":    "./a//b/../{guid}",
	}
	for storeType, f := range everyConfigStore(t) {
		for name, key := range keys {
			t.Run(storeType+" lists "+name, func(t *testing.T) {
				configs := openConfigsWith(t, configSpec(storeType, emptyTwin(t, f)), key, silent(t))
				got, err := configs.List(within(t))
				require.NoError(t, err)
				require.Empty(t, got)

				for _, g := range []string{"b", "a-b", guid, "a", "b", "a_b", "B2"} {
					require.NoError(t, configs.Put(within(t), g, []byte("{}")))
				}
				got, err = configs.List(within(t))
				require.NoError(t, err)
				require.Equal(t, []string{guid, "B2", "a", "a-b", "a_b", "b"}, got)
			})
		}
	}
}

// emptyTwin returns metadata that opens an empty store of the same type as f.
func emptyTwin(t *testing.T, f fields) fields {
	t.Helper()
	switch {
	case f["rootPath"] != "":
		return fields{"rootPath": t.TempDir()}
	case f["connectionString"] != "":
		return fields{"connectionString": filepath.Join(t.TempDir(), "a.db")}
	}
	return f
}

func TestListHasOnlyKeysOfTheTemplate(t *testing.T) {
	for storeType, f := range everyConfigStore(t) {
		if storeType == "state.in-memory" {
			continue // in memory, no other program can add keys
		}
		t.Run(storeType, func(t *testing.T) {
			templates := map[string]string{ // each key template with the GUID to store under it
				"{guid}":             "alone",
				"my_app/{guid}":      "below",
				"my-app/{guid}":      "beside",
				"MY_APP/{guid}":      "capital",
				"my_app/{guid}/x":    "deeper",
				"my_app/x%{guid}":    "odd",
				"my_app/{guid}.json": "named",
			}
			for key, g := range templates {
				configs := openConfigsWith(t, configSpec(storeType, f), key, silent(t))
				require.NoError(t, configs.Put(within(t), g, []byte("{}")))
			}
			for key, g := range templates {
				configs := openConfigsWith(t, configSpec(storeType, f), key, silent(t))
				got, err := configs.List(within(t))
				require.NoError(t, err)
				require.Equal(t, []string{g}, got, "%s", key)
			}
		})
	}
}

func TestListOfASQLiteDatabaseThatIsLockedIsUnavailable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	configs := openConfigs(t, "state.sqlite", lockable(path))
	require.NoError(t, configs.Put(within(t), guid, []byte("{}")))
	unlock := lockDatabase(t, path)

	_, err := configs.List(within(t))
	requireKind(t, credential.Unavailable, err)
	requireKind(t, credential.Unavailable, configs.Delete(within(t), guid))

	unlock()
	got, err := configs.List(within(t))
	require.NoError(t, err)
	require.Equal(t, []string{guid}, got)
}

func TestDeletedConfigIsGone(t *testing.T) {
	for storeType, f := range everyConfigStore(t) {
		for _, key := range []string{"{guid}", "apps/{guid}/config.json"} {
			t.Run(storeType+" "+key, func(t *testing.T) {
				configs := openConfigsWith(t, configSpec(storeType, f), key, silent(t))
				requireKind(t, credential.NotFound, configs.Delete(within(t), guid))
				for _, g := range []string{guid, "other"} {
					require.NoError(t, configs.Put(within(t), g, []byte("{}")))
				}
				require.NoError(t, configs.Delete(within(t), guid))
				_, err := configs.Config(within(t), guid)
				requireKind(t, credential.NotFound, err)
				requireKind(t, credential.NotFound, configs.Delete(within(t), guid))

				got, err := configs.List(within(t))
				require.NoError(t, err)
				require.Equal(t, []string{"other"}, got)
				require.NoError(t, configs.Put(within(t), guid, []byte("{}")), "a deleted config can be stored again")
			})
		}
	}
}

func TestStoreThatIsNotConnectedListsAndDeletesNothing(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "not-mounted", "a.db")
	configs := openConfigs(t, "state.sqlite", fields{"connectionString": missing})
	_, err := configs.List(brief(t))
	requireKind(t, credential.Unavailable, err)
	requireKind(t, credential.Unavailable, configs.Delete(brief(t), guid))
	require.NotErrorIs(t, err, store.ErrCannotList)
}
