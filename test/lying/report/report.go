// Package report has the messages between the client of package lying and its tests.
package report

// Spec says what the client does.
type Spec struct {
	Type    string            // of the store
	Secrets bool              // whether it is a secret store
	Fields  map[string]string // of the store
	Rounds  int               // of calls
}

// Report is the client's answer to a command.
type Report struct {
	Start, Peak int64          // memory, in bytes
	Kinds       map[string]int // number of calls by kind of error
}
