// Package audit writes and verifies an audit log: one line of JSON for each request for a
// credential.
//
// Lines contain no value and no secret name. Names are hashed, and credentials have a
// fingerprint, both with keys that are derived from one key file. With that file, the hashes
// are the same after a restart and in every pod.
//
// Lines are chained: each contains the chain value of the line before it, and a chain value of
// its own, an HMAC of all that comes before it in the line. Without the key, nobody can change,
// remove, insert, duplicate or move a line unnoticed. Only lines at the end can be cut off. An
// [Anchor], kept elsewhere, shows that too.
//
// [Writer] writes the lines in the background, in order, from a bounded queue. [Verify] checks
// them. The package must not know Dapr, gRPC or the command line.
package audit
