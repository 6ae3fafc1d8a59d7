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
// It links the component, and so its stores, into the test's binary: that takes a minute
// or two to build for the first time, and a second or two after that.
package clienttest
