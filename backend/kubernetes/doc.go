// Package kubernetes is the store secretstores.kubernetes: the Secrets of one namespace. It
// tells a missing Secret from a missing namespace, and rereads tokens and certificates when
// their files change.
package kubernetes
