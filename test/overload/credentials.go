package main

import (
	"encoding/json"
	"fmt"
	"time"
)

// The names of the Components in daprd, and of the second secret store of the first one.
const (
	loaded    = "loaded"
	elsewhere = "elsewhere"
	fileStore = "file"
)

// credential is a requested credential.
type credential struct {
	component, guid string
	config          map[string]any
	secrets         map[string]string // fields of the answer, each with a unique value
}

// numbered returns a credential by its number.
type numbered func(i int) credential

// plain returns a credential with one secret in OpenBao.
func plain(i int) credential {
	return onBundle(fmt.Sprintf("plain-%05d", i), secretName(i), secretValue(i))
}

// cached returns the credential that is cached before a load begins.
func cached(int) credential { return onBundle("cached", "cached", "value-of-cached") }

// inFile returns a credential of the same Component whose secret is in a file.
func inFile(i int) credential {
	c := onBundle(fmt.Sprintf("in-file-%05d", i), secretName(i), fileValue(i))
	c.config["credential-resolver"] = map[string]string{"secretStore": fileStore}
	return c
}

// ofOther returns a plain credential, requested through another Component.
func ofOther(i int) credential {
	c := plain(i)
	c.component = elsewhere
	return c
}

// withSecrets returns credentials with n secrets in OpenBao: with a bundle for one secret,
// otherwise single-key.
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

// onBundle returns a credential whose password is an entry of a secret.
func onBundle(guid, secret, value string) credential {
	return credential{
		component: loaded, guid: guid,
		config: map[string]any{
			"credentialSource": "agent", "secret-path": secret, "host": "db.example.com", "password": secretEntry,
		},
		secrets: map[string]string{"password": value},
	}
}

// secretEntry is the name of the entry in each secret.
const secretEntry = "password_key"

func secretName(i int) string { return fmt.Sprintf("secret-%05d", i) }

func secretValue(i int) string { return fmt.Sprintf("value-of-%05d", i) }

func fileValue(i int) string { return fmt.Sprintf("value-in-file-of-%05d", i) }

// counts is the number of credentials that the loads need.
type counts struct {
	bySecrets map[int]int // those in OpenBao, by their number of secrets
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

// secrets returns the number of secrets in OpenBao. Credentials of different kinds share them.
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

// text returns a value as JSON. The values of this program always have one.
func text(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
