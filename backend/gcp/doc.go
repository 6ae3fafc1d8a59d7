// Package gcp reads secrets from Google Cloud's Secret Manager, and keeps configs in Cloud Storage
// and in Firestore in Datastore mode.
// It takes the metadata of contrib's stores, and the identities of Google's auth library. It calls
// the services through their generated clients, because contrib's stores drop the types of Google's
// errors, and with them the difference between a missing secret and a failure.
//
// It knows stores, not credentials: what a missing secret means is decided elsewhere.
package gcp
