package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// The names that daprd knows the Components by, and the store of secrets that the first
// has besides.
const (
	loaded    = "loaded"
	elsewhere = "elsewhere"
	fileStore = "file"
)

// credential is one that is asked for.
type credential struct {
	component, guid string
	config          map[string]any
	secrets         map[string]string // fields of the answer, each with a value of its own
}

// numbered returns credentials by their number.
type numbered func(i int) credential

// plain is a credential with one secret in OpenBao.
func plain(i int) credential {
	return onBundle(fmt.Sprintf("plain-%05d", i), secretName(i), secretValue(i))
}

// cached is the credential that is in the cache before a load begins.
func cached(int) credential { return onBundle("cached", "cached", "value-of-cached") }

// inFile is a credential of the same Component with its secret in a file.
func inFile(i int) credential {
	c := onBundle(fmt.Sprintf("in-file-%05d", i), secretName(i), fileValue(i))
	c.config["credential-resolver"] = map[string]string{"secretStore": fileStore}
	return c
}

// ofOther is a plain credential, asked for through another Component.
func ofOther(i int) credential {
	c := plain(i)
	c.component = elsewhere
	return c
}

// withSecrets are credentials on so many secrets in OpenBao: on a bundle, or single-key.
func withSecrets(n int) numbered {
	if n == 1 {
		return plain
	}
	return func(i int) credential {
		c := credential{
			component: loaded, guid: fmt.Sprintf("with-%d-%05d", n, i),
			config: map[string]any{"credentialSource": "agent"}, secrets: map[string]string{},
		}
		for k := range n {
			field := fmt.Sprintf("field_%d", k)
			c.config[field] = secretName(i*n + k)
			c.secrets[field] = secretValue(i*n + k)
		}
		return c
	}
}

// onBundle is a credential whose password is the entry of a secret.
func onBundle(guid, secret, value string) credential {
	return credential{
		component: loaded, guid: guid,
		config: map[string]any{
			"credentialSource": "agent", "secret-path": secret, "host": "db.example.com", "password": secretEntry,
		},
		secrets: map[string]string{"password": value},
	}
}

// secretEntry is the entry that each secret has.
const secretEntry = "password_key"

func secretName(i int) string { return fmt.Sprintf("secret-%05d", i) }

func secretValue(i int) string { return fmt.Sprintf("value-of-%05d", i) }

func fileValue(i int) string { return fmt.Sprintf("value-in-file-of-%05d", i) }

// counts are how many credentials the loads need.
type counts struct {
	bySecrets map[int]int // those in OpenBao, by the number of their secrets
	inFile    int
}

func countsFor(d time.Duration) counts {
	c := counts{bySecrets: map[int]int{}, inFile: int(d/besideInterval) + 1}
	for _, s := range scenarios() {
		c.bySecrets[s.secrets] = max(c.bySecrets[s.secrets], s.requests(d))
	}
	for _, n := range burstSecrets() {
		c.bySecrets[n] = max(c.bySecrets[n], bursts*burstSize)
	}
	return c
}

// secrets is how many there are in OpenBao: credentials of different kinds share them.
func (c counts) secrets() (all int) {
	for secrets, n := range c.bySecrets {
		all = max(all, n*secrets)
	}
	return all
}

// each yields every credential.
func (c counts) each(yield func(credential) bool) {
	if !yield(cached(0)) {
		return
	}
	for secrets, n := range c.bySecrets {
		for i := range n {
			if !yield(withSecrets(secrets)(i)) {
				return
			}
		}
	}
	for i := range c.inFile {
		if !yield(inFile(i)) {
			return
		}
	}
}

// text is a value as JSON; what is made here always has one.
func text(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
