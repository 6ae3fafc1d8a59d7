package vault

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"credential-resolver/backend/store"
	"credential-resolver/resolver/credential"
)

// read reads a secret. The mount may have been upgraded, or replaced by one of another version,
// whose answers say nothing about the secret. So if another version can explain the answer, read
// checks the version, and reads again if it has changed.
func (c *conn) read(ctx context.Context, s *session, of secretID) (map[string]string, error) {
	version := c.mountVersion()
	entries, doubtful, err := c.readFrom(ctx, s, version, of)
	if !doubtful {
		return entries, err
	}
	now, failure := c.checkMount(ctx, s)
	if failure != nil {
		return nil, failure
	}
	if now == version {
		return entries, err
	}
	entries, doubtful, err = c.readFrom(ctx, s, now, of)
	switch {
	case errors.Is(err, credential.Denied): // the policies are still those for the version before
		return nil, store.Unavailable(credential.Remedy(fmt.Sprintf("the mount that enginePath names is KV version %d "+
			"and not %d, and the token has no right to its paths", now, version)))
	case doubtful:
		again, failure := c.checkMount(ctx, s)
		if failure != nil || again != now {
			return nil, cmp.Or(failure, store.Unavailable(errNotVault))
		}
	}
	if err == nil || store.Missing(err) {
		c.setMountVersion(now)
	}
	return entries, err
}

// mountVersion returns the version in use. If it is not known, version 2 is tried first, whose
// answers cannot be mistaken for those of version 1.
func (c *conn) mountVersion() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(c.version, 2)
}

func (c *conn) setMountVersion(version int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version = version
}

// secretID names a secret, or one of its versions. Version "" is the latest.
type secretID struct{ name, version string }

// errNoVersions is the failure of a request for a version of a secret in a mount of version 1.
const errNoVersions = credential.Remedy("the mount that enginePath names is KV version 1, which keeps no versions: " +
	"remove \"version\" from the reference")

// readFrom reads a secret of a mount of the given version. doubtful means that another version of
// the mount explains the answer too.
func (c *conn) readFrom(ctx context.Context, s *session, version int, of secretID) (entries map[string]string, doubtful bool, err error) {
	var query url.Values
	if of.version != "" {
		if version == 1 {
			return nil, true, &credential.StoreError{Kind: credential.FailedPrecondition, Err: errNoVersions}
		}
		query = url.Values{"version": {of.version}}
	}
	parts := []string{c.settings.EnginePath}
	if version == 2 {
		parts = append(parts, "data")
	}
	if c.settings.Prefix != "" {
		parts = append(parts, c.settings.Prefix)
	}
	answer, err := s.get(ctx, strings.Join(append(parts, of.name), "/"), query)
	if err != nil {
		return nil, false, err
	}
	if version == 1 && answer.refusesName() {
		return nil, true, store.Absent()
	}
	if answer.status != http.StatusOK {
		return nil, answer.isDoubtful(), answer.failure()
	}
	doubtful = version == 1 && isPathOfVersion2(path.Join(c.settings.Prefix, of.name))
	object := answer.secret(version, of.version)
	if object == nil {
		return nil, answer.isDoubtful(), store.Unavailable(errNotVault)
	}
	if c.settings.ValueType == valueText {
		return map[string]string{"": string(object)}, doubtful, nil
	}
	entries, ok := store.Texts(object)
	if !ok {
		return nil, false, store.Unavailable(errNotVault)
	}
	return entries, doubtful, nil
}

// isPathOfVersion2 reports whether a path below a mount has a meaning of its own in version 2, which
// answers it with an object that looks like a secret of version 1.
func isPathOfVersion2(name string) bool {
	first, _, below := strings.Cut(name, "/")
	return name == "config" || below && slices.Contains([]string{"data", "metadata", "subkeys"}, first)
}

// mount is Vault's description of a mount.
type mount struct {
	Data struct {
		Path    string            `json:"path"` // with a slash at its end
		Type    string            `json:"type"`
		Options map[string]string `json:"options"`
	} `json:"data"`
}

// checkMount finds out the version of the mount. Calls that need it at the same time share a
// request.
//
// The path is the one that Vault's own command line asks before it reads a secret. It needs no
// right of its own: Vault answers if the token has any right below the mount.
func (c *conn) checkMount(ctx context.Context, s *session) (int, error) {
	err := c.check.Do(ctx, func(ctx context.Context) error {
		answer, err := s.get(ctx, "sys/internal/ui/mounts/"+c.settings.EnginePath, nil)
		if err != nil {
			return err
		}
		seen, err := answer.version(c.settings.EnginePath)
		if err == nil {
			c.seen.Store(int64(seen))
		}
		return err
	})
	return int(c.seen.Load()), err
}

// hasNoMount reports whether Vault says that no mount serves enginePath. It says so only to a
// token that may read such a path.
func (c *conn) hasNoMount(ctx context.Context, s *session) bool {
	for _, version := range []int{2, 1} {
		if _, _, err := c.readFrom(ctx, s, version, secretID{name: probe}); errors.Is(err, errNoMount) {
			return true
		}
	}
	return false
}

// preflight is in the text that Vault and OpenBao answer with to a valid token that has no right below
// a mount, or if there is no mount.
const preflight = "preflight capability check returned 403"

// version returns the version of the KV secrets engine that an answer describes.
func (a answer) version(enginePath string) (int, error) {
	switch {
	case a.status == http.StatusOK:
	case a.status == http.StatusForbidden, a.status == http.StatusNotFound, a.refusedBySentinel(): // which may be a 400 here
		if !a.fromVault() {
			return 0, store.Unavailable(answered(a.status))
		}
		said := strings.Join(*a.reply.Errors, "\n")
		if err := a.failure(); !strings.Contains(said, preflight) && errors.Is(err, errTokenRefused) {
			return 0, err // the token has ended meanwhile
		}
		return 0, &credential.StoreError{Kind: credential.Denied, General: true, Err: errMountHidden}
	default:
		return 0, a.failure()
	}
	var of mount
	switch err := json.Unmarshal(a.body, &of); {
	case err != nil || of.Data.Path == "":
		return 0, store.Unavailable(errNotVault)
	case of.Data.Type != "kv" && of.Data.Type != "generic", of.Data.Path != enginePath+"/":
		return 0, store.Unavailable(errNoMount)
	}
	version, err := strconv.Atoi(of.Data.Options["version"])
	if err != nil {
		version = 1 // the default of an engine without options
	}
	if version != 1 && version != 2 {
		return 0, store.Unavailable(errNoMount)
	}
	return version, nil
}
