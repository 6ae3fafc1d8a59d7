package client

import "strings"

// meansMissing tells whether a store's words are those by which it says that it has no
// secret of that name. daprd makes the same of a missing secret and of a failure, so
// that there is nothing but text to tell them by; what is not known is a failure.
//
// The name is the application's, and may be anything: if the words are in the name, they
// say nothing.
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

// said is how the words for a missing secret begin, and what they have in them.
type said struct{ begins, has string }

// missingWords are those of the stores whose SDKs add words of their own, as the SDKs
// write them. No test has them on a real store: should they change, a missing secret is
// taken for a failure.
func missingWords() []said {
	return []said{
		{"couldn't get secret: ", "ResourceNotFoundException: "},                            // aws.secretmanager
		{"couldn't get secret: ", "ParameterNotFound: "},                                    // aws.parameterstore
		{"failed to access secret version: rpc error: code = NotFound desc = ", "Secret ["}, // gcp.secretmanager
		{"GET ", "ERROR CODE: SecretNotFound"},                                              // azure.keyvault
	}
}
