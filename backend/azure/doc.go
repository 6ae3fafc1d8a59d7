// Package azure reads secrets from Azure Key Vault, and keeps configs in Azure Storage (blobs and
// tables) and in Cosmos DB.
// It takes the metadata of contrib's stores and of contrib's Azure authentication. It uses Azure's SDK
// itself, because contrib's stores read an object of any size, and its authentication waits three
// seconds for a managed identity that another method makes unnecessary.
//
// It knows stores, not credentials: what a missing secret means is decided elsewhere.
package azure
