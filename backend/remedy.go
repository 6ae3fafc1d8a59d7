package backend

import "credential-resolver/resolver/credential"

// explained returns an error with what to do about it, in words of ours.
func explained(remedy credential.Remedy, err error) error { return &explainedError{remedy, err} }

type explainedError struct {
	remedy credential.Remedy
	err    error
}

func (e *explainedError) Error() string   { return string(e.remedy) + ": " + e.err.Error() }
func (e *explainedError) Unwrap() []error { return []error{e.remedy, e.err} }
