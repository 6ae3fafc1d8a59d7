// Package deploy runs the files in deploy/ that are not for Kubernetes: the Compose file, the
// template for the Dapr CLI, and the systemd unit. "make e2e-deploy" runs its tests.
package deploy
