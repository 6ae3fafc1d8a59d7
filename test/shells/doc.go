// Package shells presses the Tab key in real shells that have loaded the completion of the
// command line. "make shells" runs its tests.
package shells
