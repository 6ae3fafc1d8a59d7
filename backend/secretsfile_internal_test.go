package backend

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whoever reads the remedy knows the secret from a hash of its name alone.
func TestRemedyDoesNotRepeatTheNameOfItsSecret(t *testing.T) {
	for name, test := range map[string]struct{ secret, entry, want string }{
		"another entry":         {"store9", "port", `in the secrets file, its entry "port" is odd`},
		"the secret as a whole": {"store9", "", "in the secrets file, the secret or one of its entries is odd"},
		"the secret's own name": {"store9", "store9", "in the secrets file, the secret or one of its entries is odd"},
		"its name in another":   {"store9", "my-store9-port", "in the secrets file, the secret or one of its entries is odd"},
		"a short name":          {"db", "db-port", `in the secrets file, its entry "db-port" is odd`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, test.want, string(secretFault{test.entry, "is odd"}.remedy(test.secret)))
		})
	}
}
