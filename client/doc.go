// Package client is the six calls by which applications got at credentials before
// there was a component, over a Dapr client (DESIGN.md, section 7):
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
// A [Credential] prints as a fixed word, whatever prints it; [Credential.Reveal], the
// getters and Decode hand out what is in it. Every failure is an [Error], whose text
// may be logged.
//
// The package knows the Dapr SDK and package resolver, and nothing of the component's
// own side: no store is linked into an application. Package clienttest has the
// component, without daprd, for an application's tests.
package client
