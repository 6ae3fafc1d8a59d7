package backend

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"credential-resolver/backend/store"
	"credential-resolver/backend/storetest"
)

func TestPostgreSQLStillLogsInByIAM(t *testing.T) {
	config, err := pgxpool.ParseConfig("host=db.invalid user=reader dbname=d")
	require.NoError(t, err)
	require.NoError(t, logInByIAM(t.Context(), config, map[string]string{
		"connectionString": "host=db.invalid user=reader dbname=d", "useAWSIAM": "true",
		"region": "eu-west-1", "accessKey": "canary-key", "secretKey": "canary-secret",
	}, storetest.DevNull(t)))
	require.NoError(t, config.BeforeConnect(t.Context(), config.ConnConfig))
	require.Contains(t, config.ConnConfig.Password, "X-Amz-Signature=")
}

// Private reads unexported fields of contrib. After an upgrade of contrib, a missing field must
// cause a panic in the tests.
func TestFieldThatContribNoLongerHasIsNoticed(t *testing.T) {
	of := &struct{ db int }{1}
	require.Equal(t, 1, *store.Private[int](of, "db"))
	require.Panics(t, func() { store.Private[string](of, "db") })
	require.Panics(t, func() { store.Private[int](of, "other") })
}
