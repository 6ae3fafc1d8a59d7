package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// samples reads the credentials and secrets in a folder: secrets.json and one file per config.
func samples(folder string) (dataset, error) {
	w := dataset{secrets: secrets{}, more: refusing}
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return w, err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return w, err
		}
		guid := strings.TrimSuffix(filepath.Base(path), ".json")
		if guid != "secrets" {
			w.cases = append(w.cases, testCase{guid: guid, config: string(text), hasConfig: true})
			continue
		}
		if err := json.Unmarshal(text, &w.secrets); err != nil {
			return w, err
		}
	}
	// Further secrets for the programs in docs/migration.md.
	w.secrets["ATLAN_DEPLOYMENT_SECRETS"] = map[string]string{"ATLAN_AUTH_CLIENT_ID": "client-1", "other": "x"}
	w.secrets["deployment_name"] = map[string]string{"value": "eu-1"}
	w.secrets["api-credentials"] = map[string]string{"bundle": `{"api_key":"ak_1","api_secret":"as_2"}`}
	w.cases = append(w.cases, testCase{guid: literalGUID, config: literal, hasConfig: true})
	return w, nil
}
