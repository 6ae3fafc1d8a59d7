// Package resolver turns the GUID of a credential into the finished credential, by the rules
// of DESIGN.md, section 4: it reads the config, fetches the secrets that the config refers
// to, and substitutes them.
//
// It knows its stores only by [ConfigStore] and [SecretStore]. It must know nothing of gRPC,
// Dapr, components-contrib or a cloud; a test asserts that. Nothing in it formats, logs or
// wraps a secret. The types of package credential print as a fixed word.
package resolver
