package storetest

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver/credential"
)

// RequireKind requires an error of a kind. Do not compare [credential.KindOf] instead: it takes no
// error for Unavailable.
func RequireKind(t *testing.T, want credential.Kind, err error, msgAndArgs ...any) {
	t.Helper()
	require.Error(t, err, msgAndArgs...)
	require.Equal(t, want, credential.KindOf(err), msgAndArgs...)
}

// IsGeneral reports whether a store's error is a refusal that is not about one name.
func IsGeneral(err error) bool {
	var store *credential.StoreError
	return errors.As(err, &store) && store.General
}
