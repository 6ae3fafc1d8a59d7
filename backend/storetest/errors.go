package storetest

import (
	"errors"

	"credential-resolver/resolver/credential"
)

// IsGeneral reports whether a store's error is a refusal that is not about one name.
func IsGeneral(err error) bool {
	var store *credential.StoreError
	return errors.As(err, &store) && store.General
}
