package check

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"credential-resolver/resolver"
	"credential-resolver/resolver/credential"
)

// isTrouble tells whether an error says nothing about what was asked for: the store is down, or
// refuses all our requests.
func isTrouble(err error) bool {
	var refusal *credential.StoreError
	return err != nil && (credential.IsOutage(err) || errors.As(err, &refusal) && refusal.General)
}

// trouble is a store that failed; err is nil if it could not be opened.
type trouble struct {
	store string
	err   error
}

// troubles are the stores that failed, by label.
type troubles map[string]*failedChecks

// failedChecks are the credentials that a store could not be asked for.
type failedChecks struct {
	id      ID
	message string
	n       int
	first   string // the first GUID
	last    string // the last one
}

// opening adds a store that could not be opened.
func (t troubles) opening(label string, err error) {
	t[label] = &failedChecks{id: idOfTrouble(err), message: "it cannot be opened " + strings.TrimPrefix(detailOf(err), label+" ")}
}

// listing adds the config store, which could not list its configs.
func (t troubles) listing(err error) {
	id := StoreCannotList
	if isTrouble(err) {
		id = idOfTrouble(err)
	}
	t[credential.ConfigStoreLabel] = &failedChecks{id: id, message: "it cannot list its configs: " + detailOf(err)}
}

// add adds a credential that could not be checked.
func (t troubles) add(guid string, all []trouble) {
	for _, trouble := range all {
		failed := t[trouble.store]
		switch {
		case failed == nil:
			t[trouble.store] = &failedChecks{id: idOfTrouble(trouble.err), message: detailOf(trouble.err), n: 1, first: guid, last: guid}
		case failed.last != guid: // each credential counts once
			failed.n, failed.last = failed.n+1, guid
			if failed.n == 1 {
				failed.first = guid
			}
		}
	}
}

// findings returns a finding for each store that failed.
func (t troubles) findings() []Finding {
	var findings []Finding
	for _, label := range slices.Sorted(maps.Keys(t)) {
		failed := t[label]
		message := failed.message
		switch failed.n {
		case 0:
		case 1:
			message += fmt.Sprintf(" (%q was not checked)", failed.first)
		default:
			message += fmt.Sprintf(" (%d credentials were not checked, first %q)", failed.n, failed.first)
		}
		f := newFinding(failed.id, "", message)
		f.Store = label
		findings = append(findings, f)
	}
	return findings
}

func idOfTrouble(err error) ID {
	if credential.KindOf(err) == credential.Denied {
		return StoreDenied
	}
	return StoreUnreachable
}

// detailOf returns the public text of an error, and the store's own words.
func detailOf(err error) string {
	var failed *credential.Error
	var failure *credential.StoreError
	switch {
	case errors.As(err, &failed):
		return withDetail(failed.Reason, failed.Detail())
	case errors.As(err, &failure) && failure.Err != nil:
		return withDetail(failure.Error(), failure.Err.Error())
	default:
		return err.Error()
	}
}

func withDetail(reason, detail string) string {
	if detail == "" {
		return reason
	}
	return reason + ": " + strings.Join(strings.Fields(detail), " ") // one line
}

// failureFinding returns the finding for a reason why a config cannot be resolved.
func failureFinding(invalid bool, failure resolver.Failure) Finding {
	err := failure.Err
	f := newFinding(idOfFailure(invalid, err), err.GUID, withDetail(err.Reason, detailToShow(err)))
	if err.Reference != "" {
		f.Store = credential.SecretStoreLabel(failure.Store)
		if !failure.LookedUp {
			f.Secret = string(err.Reference)
		}
	}
	return f
}

func idOfFailure(invalid bool, err *credential.Error) ID {
	ofStore := err.Store != "" && err.Store != credential.ConfigStoreLabel
	switch {
	case invalid:
		return ConfigInvalid
	case err.Kind == credential.Denied && ofStore:
		return SecretDenied
	case err.Kind == credential.Denied:
		return SecretNotAllowed
	case err.Kind == credential.NotFound:
		return ReferenceMissing
	case err.Kind == credential.FailedPrecondition && ofStore:
		return SecretUnusable
	default:
		return Unresolvable
	}
}

// detailToShow returns the store's own words, where they say more than the reason.
func detailToShow(err *credential.Error) string {
	if err.Kind == credential.NotFound {
		return ""
	}
	return err.Detail()
}

func missingConfig(guid string) Finding {
	return newFinding(ConfigMissing, guid, `no such credential in the config store: "list" prints all GUIDs`)
}

func unreadableConfig(guid string, err error) Finding {
	f := newFinding(ConfigUnreadable, guid, detailOf(credential.ConfigStoreFailure(guid, err)))
	f.Store = credential.ConfigStoreLabel
	return f
}

// notOpened returns the error of a call to a store that could not be opened with err.
func notOpened(err error) error {
	failure := credential.StoreError{Kind: credential.Unavailable, Err: err}
	if idOfTrouble(err) == StoreDenied {
		failure.Kind, failure.General = credential.Denied, true
	}
	return &failure
}
