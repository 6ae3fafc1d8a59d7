package main

import (
	"encoding/json"
	"fmt"
)

// The requested credentials: one with a bundle, and one whose six fields each refer to a
// separate secret.
const (
	bundleGUID = "analytics-db"
	sixGUID    = "six"
)

// bundleConfig is a multi-key config. bundleEntries is its bundle.
func bundleConfig() map[string]any {
	return map[string]any{
		"credentialSource": "agent", "secret-path": bundleGUID, "host": "db.example.com", "port": 5432,
		"database": "analytics", "username": "app_user", "password": "db_password_key", "ssl_cert": "ssl_cert_key",
	}
}

func bundleEntries() map[string]string {
	return map[string]string{
		"db_password_key": "correct-horse-battery-staple",
		"ssl_cert_key":    "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIUSampleOnly\n-----END CERTIFICATE-----\n",
	}
}

// bundleAnswer is the finished credential. The constant component and daprd's own file store
// return it directly, so that all answers have the same size.
func bundleAnswer() map[string]string {
	answer := map[string]string{}
	for field, value := range bundleConfig() {
		answer[field] = fmt.Sprint(value)
		if secret, ok := bundleEntries()[answer[field]]; ok {
			answer[field] = secret
		}
	}
	return answer
}

func sixFields() []string {
	return []string{"account", "username", "password", "client_id", "client_secret", "api_key"}
}

// secretOf returns the name of the secret that a field refers to.
func secretOf(field string) string { return "six-" + field }

func sixConfig() map[string]any {
	config := map[string]any{"credentialSource": "agent", "port": 443}
	for _, field := range sixFields() {
		config[field] = secretOf(field)
	}
	return config
}

func sixAnswer() map[string]string {
	answer := map[string]string{"credentialSource": "agent", "port": "443"}
	for _, field := range sixFields() {
		answer[field] = valueOf(field)
	}
	return answer
}

func valueOf(field string) string { return "value-of-" + field }

// fieldCounts returns the numbers of fields for the measurement by fields.
func fieldCounts() []int { return []int{1, 10, 50, 200} }

func fieldsGUID(n int) string { return fmt.Sprintf("fields-%d", n) }

// fieldsConfig returns a config with n fields. Each refers to an entry of its bundle.
func fieldsConfig(n int) map[string]any {
	config := map[string]any{"credentialSource": "agent", "secret-path": fieldsGUID(n)}
	for i := range n {
		config[fmt.Sprintf("field_%03d", i)] = fmt.Sprintf("reference_%03d", i)
	}
	return config
}

func fieldsEntries(n int) map[string]string {
	entries := map[string]string{}
	for i := range n {
		entries[fmt.Sprintf("reference_%03d", i)] = fmt.Sprintf("value_%03d", i)
	}
	return entries
}

func fieldsAnswer(n int) map[string]string {
	answer := map[string]string{"credentialSource": "agent", "secret-path": fieldsGUID(n)}
	for i := range n {
		answer[fmt.Sprintf("field_%03d", i)] = fmt.Sprintf("value_%03d", i)
	}
	return answer
}

// text returns a value as JSON. The values of this program always have one.
func text(value any) []byte {
	encoded, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return encoded
}
