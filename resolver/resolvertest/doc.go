// Package resolvertest has in-memory fakes of the two stores of a resolver, for the tests of
// package resolver and of the packages that use it.
//
// The fakes are working stores: they return what a test has stored. They record the names that
// they were asked for. A test can make them fail, panic, block or wait.
package resolvertest
