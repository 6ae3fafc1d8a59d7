// Package owned opens folders and files that nobody else can tamper with: secrets
// and configuration are written there, or trusted when they are read
// (DESIGN.md, section 9).
//
// A path is accepted if the user of this process or root owns it and every folder
// above it, and if neither group nor others may write to any of them. A sticky
// folder such as /tmp may stand above: there, only the owner of an entry can rename
// or remove it. Symbolic links are followed above the last component, where each
// folder that is walked is checked, the folder that holds the link included. A path
// that is refused ends as a [*Refusal], which names the path, its owner and the
// remedy.
//
// The checks are sound against other users without a race: they go from the root of
// the file system downwards, and nobody else can change what has been checked. They
// are no defence against the same user or root. Access control lists are out of
// scope: only the owner and the permission bits count.
//
// The package must not know what the folders and files are for.
package owned
