package client_test

import (
	"context"
	"fmt"

	"credential-resolver/client"
	"credential-resolver/client/clienttest"
)

// sidecar replaces daprd in the examples. In an application, write "sidecar, err :=
// dapr.NewClient()" instead.
func sidecar(changes ...func(*clienttest.Options)) *clienttest.Sidecar {
	var opts clienttest.Options
	for _, change := range changes {
		change(&opts)
	}
	s, err := clienttest.Start(opts)
	if err != nil {
		panic(err)
	}
	return s
}

// end closes a sidecar.
func end(s *clienttest.Sidecar) {
	if err := s.Close(); err != nil {
		panic(err)
	}
}

func Example() {
	sidecar := sidecar()
	defer end(sidecar)
	sidecar.Configs.Put("cred-abc-123", `{"credentialSource": "agent", "host": "db.example.com", "port": 5432,
		"database": "analytics", "username": "app_user", "password": "db-password"}`)
	sidecar.Secrets.Put("db-password", map[string]string{"value": "hunter2"})

	credentials := client.New(sidecar, client.Options{})
	credential, err := credentials.GetCredentials(context.Background(), "cred-abc-123")
	if err != nil {
		fmt.Println(err)
		return
	}
	host, _ := credential.Text("host")
	port, _ := credential.Int("port")
	password, _ := credential.Text("password")
	fmt.Printf("Connecting to %s:%d\n", host, port)
	fmt.Println("the password is resolved:", password == "hunter2")
	fmt.Println("and is not printed:", credential)
	// Output:
	// Connecting to db.example.com:5432
	// the password is resolved: true
	// and is not printed: [redacted]
}

// A database credential, decoded into the struct with the driver's settings.
func ExampleCredential_Decode_database() {
	sidecar := sidecar()
	defer end(sidecar)
	sidecar.Configs.Put("warehouse", `{"host": "w.example.com", "port": 1}`) // direct: its secret has the GUID's name
	sidecar.Secrets.Put("warehouse", map[string]string{"port": "5439", "username": "reader", "password": "hunter2"})

	credential, err := client.New(sidecar, client.Options{}).GetCredentials(context.Background(), "warehouse")
	if err != nil {
		fmt.Println(err)
		return
	}
	var db struct {
		Host     string `json:"host"`
		Port     int    `json:"port"`
		Username string `json:"username"`
		Password string `json:"password"`
	}
	if err := credential.Decode(&db); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("postgres://%s:%d as %s, %d characters of password\n", db.Host, db.Port, db.Username, len(db.Password))
	// Output: postgres://w.example.com:5439 as reader, 7 characters of password
}

// An API credential, for the headers of requests.
func ExampleClient_GetCredentials_api() {
	sidecar := sidecar()
	defer end(sidecar)
	sidecar.Configs.Put("crm-api", `{"credentialSource": "agent", "secret-path": "crm", "host": "api.example.com",
		"api_key": "crm_key", "api_secret": "crm_secret"}`)
	sidecar.Secrets.Put("crm", map[string]string{"crm_key": "ak_live_1", "crm_secret": "as_live_2"})

	credential, err := client.New(sidecar, client.Options{}).GetCredentials(context.Background(), "crm-api")
	if err != nil {
		fmt.Println(err)
		return
	}
	key, err := credential.Text("api_key")
	if err != nil {
		fmt.Println(err)
		return
	}
	secret, err := credential.Text("api_secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	headers := map[string]string{"Authorization": "Bearer " + key, "X-API-Secret": secret}
	fmt.Println(headers)
	// Output: map[Authorization:Bearer ak_live_1 X-API-Secret:as_live_2]
}

// In the local environment, a config can be saved for development.
func ExampleClient_SaveSecret() {
	sidecar := sidecar(clienttest.Local)
	defer end(sidecar)
	ctx := context.Background()

	credentials := client.New(sidecar, client.Options{DeploymentName: "local"})
	config, err := client.Of(map[string]any{
		"host": "localhost", "port": 5432, "username": "dev_user", "password": "dev_password", "database": "app_dev",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	guid, err := credentials.SaveSecret(ctx, config)
	if err != nil {
		fmt.Println(err)
		return
	}
	retrieved, err := credentials.GetCredentials(ctx, guid)
	if err != nil {
		fmt.Println(err)
		return
	}
	database, err := retrieved.Text("database")
	fmt.Println(database, err)
	// Output: app_dev <nil>
}
