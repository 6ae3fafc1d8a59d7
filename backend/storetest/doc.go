// Package storetest contains the fixtures that the tests of several stores share.
package storetest
