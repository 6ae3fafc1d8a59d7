// Package gcptest has fakes of Google Cloud's services for tests: the token endpoint, Secret Manager
// and Firestore in Datastore mode. They implement the interfaces that Google generates, and answer
// with Google's codes and texts.
package gcptest
