package client_test

import (
	"context"
	"fmt"

	"credential-resolver/client"
)

// Secrets of the application itself, addressed by the name of the secret. The second argument
// is the name of the Component, or "" for the default.
func ExampleClient_GetSecret() {
	sidecar := sidecar()
	defer end(sidecar)
	ctx := context.Background()
	sidecar.Secrets.Put("database-password", map[string]string{"password": "hunter2"})
	sidecar.Secrets.Put("api-credentials", map[string]string{"bundle": `{"api_key": "ak_1", "api_secret": "as_2"}`})
	sidecar.Store("external-secrets").Put("external-api-key", map[string]string{"key": "ek_3"})

	credentials := client.New(sidecar, client.Options{})
	db, err := credentials.GetSecret(ctx, "database-password", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	password, err := db.Text("password")
	fmt.Println(password, err)

	api, err := credentials.GetSecret(ctx, "api-credentials", "") // a single entry with a JSON object is unpacked
	fmt.Println(api.Names(), err)

	external, err := credentials.GetSecret(ctx, "external-api-key", "external-secrets")
	fmt.Println(external.Names(), err)

	_, err = credentials.GetSecret(ctx, "external-api-key", "nowhere")
	fmt.Println(err)
	// Output:
	// hunter2 <nil>
	// [api_key api_secret] <nil>
	// [key] <nil>
	// credential resolution failed: FailedPrecondition: store "nowhere": daprd has no such secret store
}

// Configuration of the deployment, which may be absent.
func ExampleClient_GetDeploymentSecret() {
	sidecar := sidecar()
	defer end(sidecar)
	ctx := context.Background()
	sidecar.DeploymentSecrets.Put("ATLAN_DEPLOYMENT_SECRETS", map[string]string{"ATLAN_AUTH_CLIENT_ID": "client-1", "x": "y"})
	sidecar.DeploymentSecrets.Put("deployment_name", map[string]string{"value": "eu-1"})

	credentials := client.New(sidecar, client.Options{})
	for _, key := range []string{"ATLAN_AUTH_CLIENT_ID", "deployment_name", "nothing"} {
		value, ok, err := credentials.GetDeploymentSecret(ctx, key)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(key, ok, value)
	}
	// Output:
	// ATLAN_AUTH_CLIENT_ID true client-1
	// deployment_name true eu-1
	// nothing false
}

// A config and secrets that the application has read itself.
func ExampleResolveCredentials() {
	sidecar := sidecar()
	defer end(sidecar)
	sidecar.Secrets.Put("database-secrets", map[string]string{
		"db_password_key": "hunter2", "ssl_cert_key": "-----BEGIN CERTIFICATE-----...",
	})

	config, err := client.Parse([]byte(`{"host": "db.example.com", "port": 5432, "database": "analytics",
		"username": "app_user", "password": "db_password_key", "ssl_cert": "ssl_cert_key"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	secrets, err := client.New(sidecar, client.Options{}).GetSecret(context.Background(), "database-secrets", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	resolved := client.ResolveCredentials(config, secrets)
	text, err := resolved.Reveal()
	fmt.Println(string(text), err)
	// Output: {"host":"db.example.com","port":5432,"database":"analytics","username":"app_user","password":"hunter2","ssl_cert":"-----BEGIN CERTIFICATE-----..."} <nil>
}

// References in "extra" are replaced too, one level down.
func ExampleApplySecretValues() {
	sidecar := sidecar()
	defer end(sidecar)
	sidecar.Secrets.Put("api-secrets", map[string]string{"auth_token_ref": "at_1", "refresh_token_ref": "rt_2", "cert_ref": "cert"})

	config, err := client.Parse([]byte(`{"host": "api.example.com", "port": 443, "extra": {
		"auth_token": "auth_token_ref", "refresh_token": "refresh_token_ref", "certificate": "cert_ref"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	secrets, err := client.New(sidecar, client.Options{}).GetSecret(context.Background(), "api-secrets", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	resolved := client.ApplySecretValues(config, secrets)
	token, err := resolved.Text("extra.auth_token")
	fmt.Println(token, err)
	extra, err := resolved.Extra()
	if err != nil {
		fmt.Println(err)
		return
	}
	certificate, err := extra.Text("certificate")
	fmt.Println(certificate, err)
	// Output:
	// at_1 <nil>
	// cert <nil>
}
