package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestThereAreAsManyCredentialsAsWanted(t *testing.T) {
	for _, n := range []int{leastCredentials, 1000, 1234} {
		guids := map[string]bool{}
		for c := range newCredentials(n).each {
			guids[c.guid] = true
		}
		require.Len(t, guids, n)
	}
}

// The formula relies on this.
func TestEveryProcessHasAsMuchInUse(t *testing.T) {
	all := newCredentials(leastCredentials)
	for process := range 100 {
		guids, bundles, secrets := map[string]bool{}, map[string]bool{}, map[string]bool{}
		for _, c := range all.of(process) {
			guids[c.guid] = true
			for name := range c.secrets {
				if len(c.secrets) == 1 {
					bundles[name] = true
				} else {
					secrets[name] = true
				}
			}
		}
		require.Len(t, guids, inUse)
		require.Contains(t, guids, commonGUID)
		require.Len(t, bundles, bundlesInUse)
		require.Len(t, secrets, singleInUse*singleSecrets)
	}
}
