package main

// scene is a command in a terminal, and the picture of it: docs/<name>.svg.
type scene struct {
	name string
	// columns is the width of the terminal. No line may be longer.
	columns int
	// files are those in the reader's folder, by their names.
	files map[string]string
	// before is a shell script that runs before, out of sight.
	before string
	// command is what the reader types.
	command string
	// status is the exit status of the command.
	status int
}

// scenes are all pictures.
var scenes = []scene{
	{
		name:    "explain",
		columns: 138,
		files: map[string]string{
			"credentials.yaml": component("allowedSecrets", "*"),
			"secrets.json":     `{"orders-db": {"password": "made-up"}}`,
			"orders.json": `{"credentialSource": "agent", "host": "orders.example.com", "port": 5432, "user": "orders_app",
				"password": "orders-db", "note": "for orders"}`,
			"audit.key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
		},
		before:  "chmod 400 audit.key; credential-resolver put -c credentials.yaml --guid orders orders.json",
		command: "credential-resolver resolve -c credentials.yaml --explain --show-names --key-file audit.key orders",
	},
	{
		name:    "check",
		columns: 140,
		files: map[string]string{
			"credentials.yaml": component("allowedSecrets", "*"),
			"secrets.json":     `{"crm": {"password": "made-up-1"}, "erp": {"password": "made-up-1"}, "wiki": {"token": "made-up-2"}}`,
			"configs/crm.json": `{"credentialSource": "agent", "secret-path": "crm", "host": "crm.example.com", "password": "password"}`,
			"configs/erp.json": `{"credentialSource": "agent", "secret-path": "erp", "host": "erp.example.com", "password": "password"}`,
			"configs/smtp.json": `{"credential-resolver": {"references": "explicit"}, "host": "smtp.example.com", "user": "app",
				"password": "made-up-3"}`,
			"configs/wiki.json": `{"credential-resolver": {"references": "explicit"}, "host": "wiki.example.com",
				"token": "${wiki#api-token}"}`,
		},
		before:  "credential-resolver put -c credentials.yaml --dir configs",
		command: "credential-resolver check -c credentials.yaml",
		status:  1,
	},
}

// component is a Component with secrets in a file, and more metadata: names and values.
func component(metadata ...string) string {
	text := "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata:\n  name: credentials\nspec:\n" +
		"  type: secretstores.credential-resolver\n  version: v1\n  metadata:\n"
	metadata = append([]string{
		"secretStore", "secretstores.local.file", "secretStore.secretsFile", "secrets.json", "secretStore.multiValued", "true",
	}, metadata...)
	for i := 0; i < len(metadata); i += 2 {
		text += "    - name: " + metadata[i] + "\n      value: \"" + metadata[i+1] + "\"\n"
	}
	return text
}
