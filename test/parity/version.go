package main

import (
	"context"
	_ "embed"
	"fmt"
	"path/filepath"

	"credential-resolver/test/harness"
)

var (
	//go:embed original.py
	commonProgram string
	//go:embed version2.py
	program2 string
	//go:embed version3.py
	program3 string
)

// version is a version of the original library.
type version struct {
	number  int
	program string      // its part of the Python program
	follows []departure // the rules of ours that this version also has
	calls   int         // of a round of the measurement
	configs func(ctx context.Context, folder string) (objectStore, error)
}

// versions are the versions that we compare. Version 2 has its configs in a folder, and version
// 3 in a bucket.
var versions = map[int]version{
	2: {number: 2, program: program2, calls: 20, follows: []departure{mergedTwice}, configs: openFolder},
	3: {number: 3, program: program3, calls: 1, follows: []departure{malformedGUID, noConfig}, configs: openBucket},
}

// rules are the departures that are enabled in the model of this version.
func (v version) rules() map[departure]bool {
	on := map[departure]bool{}
	for _, d := range v.follows {
		on[d] = true
	}
	return on
}

// departs reports whether our component differs from this version by a departure.
func (v version) departs(d departure) bool {
	return !v.rules()[d]
}

// python is the Python that has this version.
func (v version) python() (string, error) {
	return harness.Binary(fmt.Sprintf("PARITY%d_PYTHON", v.number), ".", filepath.Join(fmt.Sprintf("parity%d", v.number), "bin", "python"))
}
