package storetest

import (
	"errors"

	"credential-resolver/resolver/credential"
)

// IsGeneral tells whether a store's failure is a refusal that is not about a name.
func IsGeneral(err error) bool {
	var store *credential.StoreError
	return errors.As(err, &store) && store.General
}
