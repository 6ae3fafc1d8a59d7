package backend

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// checkPragmas rejects a connection string whose _pragma has more than one statement.
// modernc.org/sqlite runs "pragma " plus the value, statement by statement. After a semicolon,
// VACUUM INTO and ATTACH could write files that the peer chooses, as our user.
func checkPragmas(connection string) error {
	_, query, _ := strings.Cut(connection, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New(connectionString + ` has options that cannot be parsed: write them as in "?mode=ro&_pragma=cache_size(100)"`)
	}
	if slices.ContainsFunc(values["_pragma"], func(pragma string) bool { return strings.Contains(pragma, ";") }) {
		return errors.New(connectionString + " has a _pragma with a semicolon in it: write each pragma as a separate option")
	}
	return nil
}
