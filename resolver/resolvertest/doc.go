// Package resolvertest has fakes of the two stores that a resolver works on, kept
// in memory, for the tests of package resolver and of what is built on it.
//
// They are stores and not scripts: what is put in is answered, what is not is
// missing. They record the names that they were asked for, and fail, panic, block
// or are held back where a test says so.
package resolvertest
