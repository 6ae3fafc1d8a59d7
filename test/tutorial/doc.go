// Package tutorial does what the tutorials in docs/ tell their readers to do, line by line. "make
// tutorial" runs its tests.
package tutorial
