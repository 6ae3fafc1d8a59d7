// Package clienttest runs the real component in an application's tests, without daprd:
//
//	sidecar := clienttest.New(t)
//	sidecar.Configs.Put("analytics-db", `{"credentialSource": "agent", "host": "db", "password": "db-password"}`)
//	sidecar.Secrets.Put("db-password", map[string]string{"value": "hunter2"})
//	app := NewApp(client.New(sidecar, client.Options{}))
//
// The component runs in the test's process, on files in a temporary folder, behind a unix
// socket as in production. A [Sidecar] replaces daprd and the Dapr SDK's client: it passes on
// requests as they do, and returns errors in their words. A test can make its stores fail.
//
// The package links the component, with every store that it supports, into the test's binary.
// The binary has some 90 MB. It takes minutes to build for the first time, and some seconds to
// link after that. If that is too slow for an application's fast tests, use a fake of
// [client.Dapr] there, which has two methods, and this package in the other tests.
package clienttest
