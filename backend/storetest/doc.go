// Package storetest has the fixtures that the tests of several stores share.
package storetest
