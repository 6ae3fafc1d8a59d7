//go:build minimal

// Command vault is HashiCorp's Vault with the plugins that the tests use. Vault's own tag "minimal" leaves
// out all that need the SDKs of clouds and databases, which take longer to compile than the rest, but
// also the login with a Kubernetes service account.
package main

import (
	"os"
	"reflect"
	"unsafe"

	kubernetes "github.com/hashicorp/vault-plugin-auth-kubernetes"
	"github.com/hashicorp/vault/command"
	"github.com/hashicorp/vault/helper/builtinplugins"
	"github.com/hashicorp/vault/sdk/logical"
)

func main() {
	// Vault exports no way to add a built-in plugin.
	field := reflect.ValueOf(builtinplugins.Registry).Elem().FieldByName("credentialBackends")
	backends := reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem()
	backend := reflect.New(backends.Type().Elem()).Elem()
	backend.FieldByName("Factory").Set(reflect.ValueOf(logical.Factory(kubernetes.Factory)))
	backends.SetMapIndex(reflect.ValueOf("kubernetes"), backend)
	os.Exit(command.Run(os.Args[1:]))
}
