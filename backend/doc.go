// Package backend opens the config and secret stores: components-contrib's own,
// under the names that daprd gives them, one file a store. stores.go lists them.
//
// A store connects in the background and is asked with a deadline; what it
// returns is classified into the kinds of package resolver, so that a secret
// that is missing is never taken for a store that failed. The package knows
// nothing of requests, metadata of the component, or gRPC.
package backend
