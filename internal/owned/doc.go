// Package owned opens folders and files that other users cannot tamper with. Secrets and
// configuration are written there, or are trusted when they are read (DESIGN.md, section 9).
//
// A path is accepted if it and every folder above it belong to this process's user or to root,
// and neither group nor others may write to any of them. A sticky folder such as /tmp may be
// above the path, because only the owner of an entry can rename or remove it there. Symbolic
// links are followed, except as the last component. Every folder on the way is checked,
// including the folder that holds the link. A refused path is reported as a [*Refusal], which
// names the path, its owner and the remedy.
//
// The checks have no race with other users: they start at the root of the file system and go
// down, and nobody else can change what has been checked. They do not protect against the same
// user or root. Access control lists are out of scope: only the owner and the permission bits
// count.
//
// The package must not know what the folders and files are for.
package owned
