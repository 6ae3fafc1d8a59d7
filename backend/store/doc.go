// Package store is the contract that a type of store meets, and the tools that providers
// share: connecting in the background, limits on calls, the classification of errors, and
// bounds on what is read. It knows no provider.
//
// A provider describes its store by a [Type]. [Open] checks the metadata and starts to
// connect. [Use] runs a call within the limits.
package store
