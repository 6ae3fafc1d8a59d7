package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// The agent_json of docs/migration.md, as a stored credential.
const (
	agentGUID = "analytics-db-agent"
	agent     = `{"agent-name":"agent-1","secret-path":"analytics-db","auth-type":"basic","host":"db.example.com","port":5432,
		"basic.username":"app_user","basic.password":"db_password_key","basic.extra.ssl_cert":"ssl_cert_key",
		"extra.database":"analytics","credentialSource":"agent"}`
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
	w.measured = w.cases
	// Further secrets and credentials for the programs in docs/migration.md.
	w.secrets["ATLAN_DEPLOYMENT_SECRETS"] = map[string]string{"ATLAN_AUTH_CLIENT_ID": "client-1", "other": "x"}
	w.secrets["deployment_name"] = map[string]string{"value": "eu-1"}
	w.secrets["api-credentials"] = map[string]string{"bundle": `{"api_key":"ak_1","api_secret":"as_2"}`}
	w.secrets["hosts"] = map[string]string{"db-host": "10.0.0.1", "other-host": "10.0.0.2"}
	w.secrets["db-host"] = map[string]string{"value": "10.0.0.3"}
	w.secrets["odd"] = map[string]string{"odd": "text"}
	w.cases = append(w.cases,
		testCase{guid: literalGUID, config: literal, hasConfig: true}, testCase{guid: agentGUID, config: agent, hasConfig: true})
	for _, s := range specs {
		w.cases = append(w.cases, s.stored())
	}
	return w, nil
}
