package check

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// secretWords mark the name of a field whose value is a secret.
var secretWords = []string{
	"password", "passwd", "passphrase", "pwd", "secret", "secrets", "token", "apikey", "privatekey", "accesskey", "secretkey",
	"signingkey", "encryptionkey", "clientsecret", "credentials", "pat",
}

// secretPairs are pairs of words that mark such a name.
var secretPairs = []string{"api key", "private key", "access key", "account key", "signing key", "encryption key", "shared key", "sas url"}

// aboutWords end the name of a field that is about a secret, and is none.
var aboutWords = []string{
	"id", "name", "path", "file", "url", "uri", "endpoint", "type", "kind", "mode", "method", "policy", "version", "store", "region",
	"expiry", "expires", "expiration", "ttl", "timeout", "length", "enabled", "required", "arn", "scope", "issuer", "algorithm", "hint", "field", "ref",
}

// secretField tells whether the name of a field says that its value is a secret.
func secretField(name string) bool {
	words := wordsOf(name)
	if len(words) == 0 || slices.Contains(aboutWords, words[len(words)-1]) && !endsWithPair(words) {
		return false
	}
	for i, word := range words {
		if slices.Contains(secretWords, word) || i > 0 && slices.Contains(secretPairs, words[i-1]+" "+word) {
			return true
		}
	}
	return false
}

func endsWithPair(words []string) bool {
	n := len(words)
	return n > 1 && slices.Contains(secretPairs, words[n-2]+" "+words[n-1])
}

// plainWords end the name of a field that is usually no secret, and no reference to one.
var plainWords = []string{
	"host", "hostname", "server", "port", "database", "dbname", "schema", "region", "protocol", "driver", "dialect", "timezone", "type", "warehouse",
	"role", "endpoint", "sslmode", "catalog", "environment", "description",
}

// plainField tells whether the name of a field says that its value is no secret.
func plainField(name string) bool {
	words := wordsOf(name)
	return len(words) > 0 && !secretField(name) && slices.Contains(plainWords, words[len(words)-1])
}

// wordsOf splits a name such as dbPassword, db_password or db-password, in lower case.
func wordsOf(name string) []string {
	var spaced strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			r = ' '
		case unicode.IsUpper(r) && i > 0 && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			spaced.WriteRune(' ')
		}
		spaced.WriteRune(unicode.ToLower(r))
	}
	return strings.Fields(spaced.String())
}

// secretText matches values that are secrets, whatever their field: private keys, tokens with a
// known beginning, JSON web tokens, and URLs with a password.
var secretText = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----` +
	`|^(gh[pousr]_|github_pat_|glpat-|xox[abpr]-|sk_live_|rk_live_|hvs\.|AIza)[0-9A-Za-z_-]{16,}` +
	`|^eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.` +
	`|^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#@\s:]*:[^/?#@\s]{1,256}@`)

// placeholder matches values that stand for a secret, and are none.
var placeholder = regexp.MustCompile(`(?i)^(\*+|x{3,}|\.+|-|none|null|nil|true|false|yes|no|n/a|todo|changeme|redacted|\[redacted\]|<[^>]*>|\{\{.*\}\}|%[A-Z_]+%)$`)

// maxJudged is how much of a value is judged, in bytes.
const maxJudged = 4096

// isSecretText tells whether a value is a secret, whatever its field.
func isSecretText(text string) bool { return secretText.MatchString(text[:min(len(text), maxJudged)]) }

// isPlaceholder tells whether a value only stands for a secret.
func isPlaceholder(text string) bool {
	return len(text) <= maxJudged && placeholder.MatchString(strings.TrimSpace(text))
}

// referenceText matches a value with an explicit reference (section 10).
var referenceText = regexp.MustCompile(`\$\{[^}$]+\}`)

// isReferenceText tells whether a value has an explicit reference.
func isReferenceText(text string) bool {
	return referenceText.MatchString(text[:min(len(text), maxJudged)])
}
