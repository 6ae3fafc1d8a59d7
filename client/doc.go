// Package client reads and saves credentials through a Dapr client. It has the six calls that
// applications used before the component existed (DESIGN.md, section 7):
//
//	sidecar, err := dapr.NewClient()
//	...
//	credentials := client.New(sidecar, client.Options{})
//	credential, err := credentials.GetCredentials(ctx, "analytics-db")
//	if errors.Is(err, client.ErrNotFound) {
//		...
//	}
//	var db struct {
//		Host     string `json:"host"`
//		Port     int    `json:"port"`
//		Password string `json:"password"`
//	}
//	err = credential.Decode(&db)
//
// A [Credential] always prints as a fixed word. [Credential.Reveal], the getters and Decode
// return its values. Every failure is an [Error], and its text may be logged.
//
// The package imports the Dapr SDK and package resolver/credential, but nothing of the
// component itself, so an application links no store. Package clienttest runs the component
// without daprd, for an application's tests.
package client
