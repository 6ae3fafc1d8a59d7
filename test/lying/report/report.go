// Package report is what the client of package lying and its tests tell each other.
package report

// Spec says what the client does.
type Spec struct {
	Type    string            // of the store
	Secrets bool              // whether it is a store of secrets
	Fields  map[string]string // of the store
	Rounds  int               // of calls
}

// Report is the client's answer to a line.
type Report struct {
	Start, Peak int64          // memory, in bytes
	Kinds       map[string]int // how many calls ended with which kind of error
}
