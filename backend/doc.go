// Package backend opens the config and secret stores. They are components-contrib's own
// stores, under the names that daprd uses. registry.go lists them.
//
// A store that fits in one file is a file in this package. A larger store has a package of its
// own: vault and kubernetes. Package store holds what all of them share. This package knows
// nothing of requests, the component's metadata, or gRPC.
package backend
