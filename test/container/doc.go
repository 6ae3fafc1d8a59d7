// Package container runs programs as a container engine does, with runc and without an engine: each
// in its own PID and mount namespace, with a root folder, mounts, user, environment and network. It
// needs Linux, root and runc. It applies no seccomp profile.
package container
