// Package kubernetes is secretstores.kubernetes: the Secrets of one namespace. It tells a
// missing Secret from a missing namespace, and reads tokens and certificates again when their
// files change.
package kubernetes
