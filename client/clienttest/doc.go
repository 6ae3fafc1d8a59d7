// Package clienttest gives an application's tests the real component, without daprd:
//
//	sidecar := clienttest.New(t)
//	sidecar.Configs.Put("analytics-db", `{"credentialSource": "agent", "host": "db", "password": "db-password"}`)
//	sidecar.Secrets.Put("db-password", map[string]string{"value": "hunter2"})
//	app := NewApp(client.New(sidecar, client.Options{}))
//
// The component works in the test's process, on files in a temporary folder, behind a
// unix socket as in production. A [Sidecar] stands where daprd and the Dapr SDK's client
// stand: it hands on requests as they do, and says in their words what failed. Its
// stores fail when they are told to.
//
// It links the component, and so every store that the component knows, into the test's
// binary, which has some 90 MB: minutes to build for the first time, and some seconds to
// link after that. An application that does not want them in its fast tests has a fake
// of [client.Dapr] there, two methods, and this package in the others.
package clienttest
