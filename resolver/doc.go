// Package resolver is the domain: it turns a credential's GUID into the
// finished credential, by the rules of DESIGN.md, section 4.
//
// It knows two stores by the small interfaces in resolver.go, and nothing of
// gRPC, Dapr, components-contrib or any cloud. Nothing in it formats, logs or
// wraps a secret: [Value], [Object] and [Reference] print as a fixed word.
package resolver
