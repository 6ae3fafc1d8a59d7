// Package aws reads secrets from AWS Secrets Manager and from Systems Manager Parameter Store, and
// keeps configs in S3 and DynamoDB.
// It takes the metadata of contrib's stores and the identities of AWS's SDK. It uses the SDK
// itself, because contrib's stores drop the types of its errors, and with them the difference
// between a missing secret and a failure.
//
// It knows stores, not credentials: what a missing secret means is decided elsewhere.
package aws
