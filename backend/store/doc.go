// Package store is the contract for a type of store, and the tools that providers share:
// connecting in the background, limits on calls, error classification, and bounds on what is
// read. It knows no provider.
//
// A provider describes its store with a [Type]. [Open] checks the metadata and starts to
// connect. [Use] runs a call within the limits.
package store
