// Package tutorial does what documents tell their readers to do, line by line. "make tutorial" runs
// its tests.
package tutorial
