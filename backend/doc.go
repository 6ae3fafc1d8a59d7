// Package backend opens the config and secret stores: components-contrib's own, under the
// names that daprd gives them. registry.go lists them.
//
// A store that needs one file is a file here. A store that needs more is a package of its
// own: vault and kubernetes. Package store is what all of them share. The package knows
// nothing of requests, metadata of the component, or gRPC.
package backend
