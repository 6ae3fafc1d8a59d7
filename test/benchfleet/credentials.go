package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Of ten credentials, seven have a bundle of their own, two share a bundle with nine others, and
// one has six separate secrets and a value that is not a secret.
const (
	leastCredentials = 100 // a process needs a choice of credentials
	sharers          = 10
	singleSecrets    = 6
)

// The credentials that a process uses: the common one, which is rotated, and a number of each
// kind. Those that share bundles come in pairs.
const (
	ownInUse    = 13
	pairsInUse  = 2
	singleInUse = 2
	inUse       = 1 + ownInUse + 2*pairsInUse + singleInUse

	bundlesInUse = 1 + ownInUse + pairsInUse
)

// commonGUID is the credential that every process uses, and its bundle.
const commonGUID = "common"

// credential is a credential of the fleet.
type credential struct {
	guid    string
	config  map[string]any
	secrets map[string]map[string]string // its own secrets, or its bundle; by name
	// password is the expected password. For the common credential it is the first one.
	password string
}

// credentials are all credentials, by kind.
type credentials struct {
	common      credential
	own, single []credential
	shared      [][]credential // by bundle
}

func newCredentials(n int) credentials {
	c := credentials{common: multiKey(commonGUID, commonGUID)}
	for i := 1; i < n*7/10; i++ {
		guid := fmt.Sprintf("own-%04d", i)
		c.own = append(c.own, multiKey(guid, guid))
	}
	for i := range n * 2 / 10 / sharers {
		var group []credential
		for j := range sharers {
			group = append(group, multiKey(fmt.Sprintf("shared-%04d-%d", i, j), fmt.Sprintf("shared-%04d", i)))
		}
		c.shared = append(c.shared, group)
	}
	for len(c.own)+1+len(c.shared)*sharers+len(c.single) < n {
		c.single = append(c.single, singleKey(fmt.Sprintf("single-%04d", len(c.single))))
	}
	return c
}

// multiKey returns a credential with a bundle.
func multiKey(guid, bundle string) credential {
	return credential{
		guid: guid,
		config: map[string]any{
			"credentialSource": "agent", "secret-path": secretFolder + bundle, "host": "db.example.com", "port": 5432,
			"database": "analytics", "username": "app_user", "password": "password_key",
		},
		secrets:  map[string]map[string]string{bundle: {"password_key": "password-of-" + bundle}},
		password: "password-of-" + bundle,
	}
}

// singleKey returns a credential with a separate secret for each of six fields.
func singleKey(guid string) credential {
	c := credential{
		guid:     guid,
		config:   map[string]any{"credentialSource": "agent", "port": 443, "region": secretFolder + "literal-of-" + guid},
		secrets:  map[string]map[string]string{},
		password: "value-of-" + guid + "-password",
	}
	for _, field := range []string{"account", "username", "password", "client_id", "client_secret", "api_key"} {
		name := guid + "-" + field
		c.config[field] = secretFolder + name
		c.secrets[name] = map[string]string{"value": "value-of-" + name}
	}
	return c
}

// secretFolder is the folder of the fleet's secrets below the store's prefix.
const secretFolder = "fleet/"

// each yields every credential.
func (c credentials) each(yield func(credential) bool) {
	for _, some := range append([][]credential{{c.common}, c.own, c.single}, c.shared...) {
		for _, one := range some {
			if !yield(one) {
				return
			}
		}
	}
}

// of returns the credentials that a process uses, in the order of its requests. All credentials
// of a kind are equally likely.
func (c credentials) of(process int) []credential {
	r := rand.New(rand.NewPCG(uint64(process), 1))
	set := []credential{c.common}
	for _, i := range r.Perm(len(c.own))[:ownInUse] {
		set = append(set, c.own[i])
	}
	for _, i := range r.Perm(len(c.single))[:singleInUse] {
		set = append(set, c.single[i])
	}
	for _, i := range r.Perm(len(c.shared))[:pairsInUse] {
		two := r.Perm(sharers)[:2]
		set = append(set, c.shared[i][two[0]], c.shared[i][two[1]])
	}
	r.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
	return slices.Clip(set)
}

// generation returns the entries of the common bundle after n rotations.
func generation(n int) map[string]string {
	return map[string]string{"password_key": fmt.Sprintf("password-of-common-%d", n)}
}

// text returns a value as JSON. The values of this program always have one.
func text(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
