package client

import "strings"

// meansMissing reports whether a store's error text says that it has no secret with that name.
// daprd returns the same code for a missing secret and for a failure, so only the text tells
// them apart. An unknown text is a failure.
//
// The application chooses the name, so the name may contain the searched text. Then the text
// does not count.
func meansMissing(words, key string) bool {
	switch words {
	case "secret " + key + " not found", // local.file
		"getSecret " + key + " failed secret key or version not exist", // hashicorp.vault
		`secrets "` + key + `" not found`:                              // kubernetes
		return true
	}
	for _, said := range missingWords() {
		if strings.HasPrefix(words, said.begins) && strings.Contains(words, said.has) && !strings.Contains(key, said.has) {
			return true
		}
	}
	return false
}

// said is the error text for a missing secret: its beginning, and a part that it contains.
type said struct{ begins, has string }

// missingWords returns the texts of the stores whose SDKs add their own text. No test checks
// them against a real store. If an SDK changes its text, a missing secret becomes a failure.
func missingWords() []said {
	return []said{
		{"couldn't get secret: ", "ResourceNotFoundException: "},                            // aws.secretmanager
		{"couldn't get secret: ", "ParameterNotFound: "},                                    // aws.parameterstore
		{"failed to access secret version: rpc error: code = NotFound desc = ", "Secret ["}, // gcp.secretmanager
		{"GET ", "ERROR CODE: SecretNotFound"},                                              // azure.keyvault
	}
}
