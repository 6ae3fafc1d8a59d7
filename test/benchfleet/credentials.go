package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Of ten credentials seven have a bundle of their own, two share one with nine
// others, and one has six secrets of its own and a value that is none.
const (
	leastCredentials = 100 // of which a process can choose
	sharers          = 10
	singleSecrets    = 6
)

// What a process has in use: the one that all have, which is rotated, and of each
// kind so many, the sharing ones in pairs.
const (
	ownInUse    = 13
	pairsInUse  = 2
	singleInUse = 2
	inUse       = 1 + ownInUse + 2*pairsInUse + singleInUse

	bundlesInUse = 1 + ownInUse + pairsInUse
)

// commonGUID is the credential that every process has in use, and its bundle.
const commonGUID = "common"

// credential is one of the fleet's.
type credential struct {
	guid    string
	config  map[string]any
	secrets map[string]map[string]string // its own, or its bundle; by name
	// password is what its answer holds; of the common one it is the first.
	password string
}

// credentials are all that there are, by kind.
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

// multiKey is a credential on a bundle.
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

// singleKey is a credential on a secret for each of six fields.
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

// secretFolder is where the fleet's secrets are below the prefix of the store.
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

// of returns what a process has in use, in the order in which it is asked for. All of
// a kind are as likely.
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

// generation is the common bundle after so many rotations.
func generation(n int) map[string]string {
	return map[string]string{"password_key": fmt.Sprintf("password-of-common-%d", n)}
}

// text is a value as JSON; what is made here always has one.
func text(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
