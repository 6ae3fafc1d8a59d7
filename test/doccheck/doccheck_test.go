package doccheck

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// repository is a small repository.
func repository() Repository {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return Repository{
		Files: fstest.MapFS{
			"Makefile":           file("TIME ?= 1s\ntest: build ## test\nbuild:\n\tgo build -o $(BIN)/tool\n\t@echo $(if $(UPDATE),new)\n"),
			"README.md":          file("# Title\n\n## Use it, please\n\n```sh\n# no heading\n```\n"),
			"docs/page.md":       file("# Page\n"),
			"deploy/policy.json": file("{}"),
			"test/a/a_test.go":   file("package a"),
		},
		Help: func(command string) (string, bool) {
			help, exists := map[string]string{
				"":    "Flags:\n      --version   print it\n",
				"put": "Flags:\n  -c, --component string   the file\n      --guid string   the GUID\n",
			}[command]
			return help, exists
		},
		Metadata: func(properties map[string]string) error {
			for name, value := range properties {
				if name != "secretStore" || value == "" {
					return errors.New(name + " is unknown")
				}
			}
			return nil
		},
		Daprd:         "Usage of daprd:\n      --app-id string   the ID\n",
		ComponentType: "secretstores.credential-resolver",
		Hosts:         []string{"docs.dapr.io"},
	}
}

func TestARealDocumentHasNoProblems(t *testing.T) {
	for name, text := range map[string]string{
		"links":           "[a](page.md), [b](../README.md#use-it-please), [c](#page), [d](https://docs.dapr.io/x#y)",
		"a link in code":  "```\n[a](nothing.md)\n```",
		"console":         "```console\n$ credential-resolver put -c $COMPONENT --guid=G deploy/policy.json\nmake nonsense\n$ make test TIME=2s UPDATE=1 && bin/tool\n```",
		"sh":              "```sh\nask() { curl -s \"$1\"; }\nfor i in 1 2; do ask \"$i\" | grep x; done\n```",
		"indented":        "Text:\n\n    make test   # comment\n    helm install app deploy -f deploy/policy.json\n\nText.",
		"daprd":           "```console\n$ daprd --app-id app > daprd.log 2>&1 &\n```",
		"no command":      "Text:\n\n    rpc error: code = NotFound\n",
		"spans":           "`credential-resolver put --guid G`, `make build`, `deploy/policy.json`, `deploy/*.json`, `test/<name>/`, `text/plain`, `make`",
		"another program": "```console\n$ credential-resolver put -- program --unknown\n```",
		"placeholders":    "`deploy/$NAME/x`, `go test ./...`",
		"a Component":     "```yaml\nspec:\n  type: secretstores.credential-resolver\n  metadata:\n  - name: secretStore\n    value: x\n```",
		"part of one":     "```yaml\n- name: secretStore\n  secretKeyRef: {name: a, key: b}\n```",
		"other YAML":      "```yaml\nspec:\n  type: state.redis\n  metadata: [{name: host, value: x}]\n---\nvolumes: [{name: x}]\n```",
		"JSON":            "```json\n{\"a\": 1}\n[2]\n```",
		"a file":          "```json tutorial/a.json\n{}\n```\n```python\n[\n```",
		"another block":   "```python\nno shell: at all\n```",
		"block in a list": "- item\n  ```json\n  {}\n  ```\n",
	} {
		t.Run(name, func(t *testing.T) {
			require.Empty(t, repository().Check("docs/page.md", text))
		})
	}
}

func TestAPlantedMistakeIsFound(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"link to no file":        {"[a](nothing.md)", "line 1: the link nothing.md leads to no file"},
		"link to no heading":     {"\n[a](../README.md#use)", "line 2: the link ../README.md#use leads to no heading"},
		"link to a comment":      {"[a](../README.md#no-heading)", "line 1: the link ../README.md#no-heading leads to no heading"},
		"link to another host":   {"[a](https://example.com)", "line 1: the link https://example.com leads to a host that is not expected"},
		"link that is not https": {"[a](http://docs.dapr.io)", "line 1: the link http://docs.dapr.io is not https"},
		"malformed link":         {"[a](https://[docs)", "line 1: the link https://[docs is malformed"},
		"wrong command":          {"```console\n$ credential-resolver putt\n```", "line 2: credential-resolver has no command putt"},
		"wrong flag":             {"```console\n$ credential-resolver put --gid G\n```", "line 2: credential-resolver put has no flag --gid"},
		"prefix of a flag":       {"```console\n$ credential-resolver put --gui G\n```", "line 2: credential-resolver put has no flag --gui"},
		"wrong short flag":       {"```console\n$ credential-resolver put -x G\n```", "line 2: credential-resolver put has no flag -x"},
		"flag of serve":          {"```console\n$ credential-resolver --guid G &\n```", "line 2: credential-resolver has no flag --guid"},
		"wrong flag of daprd":    {"```console\n$ daprd --appid app\n```", "line 2: daprd has no flag --appid"},
		"wrong flag in a pipe":   {"```sh\necho $(credential-resolver put --gid G | wc -l)\n```", "line 2: credential-resolver put has no flag --gid"},
		"second line":            {"```console\n$ echo \\\n> a; make tset\n```", "line 3: the Makefile has no target tset"},
		"wrong target":           {"Text:\n\n    make tset\n", "line 3: the Makefile has no target tset"},
		"wrong variable":         {"`make test TIMES=1`", "line 1: the Makefile has no variable TIMES"},
		"wrong program":          {"```console\n$ crul localhost\n```", "line 2: the program crul is not known"},
		"wrong subcommand":       {"```sh\nkubectl aply -f deploy/policy.json\n```", "line 2: kubectl has no command aply"},
		"missing file":           {"```sh\nkubectl apply -f deploy/policy.yaml\n```", "line 2: the file deploy/policy.yaml does not exist"},
		"missing file after @":   {"```sh\nvault write a key=@deploy/none.json\n```", "line 2: the file deploy/none.json does not exist"},
		"missing folder of Go":   {"```sh\ngo test ./test/b\n```", "line 2: the file ./test/b does not exist"},
		"nothing builds it":      {"`bin/other`", "line 1: the file bin/other does not exist"},
		"missing file in a span": {"\n`deploy/policy.hcl`", "line 2: the file deploy/policy.hcl does not exist"},
		"flag of serve in text":  {"`credential-resolver --versoin`", "line 1: credential-resolver has no flag --versoin"},
		"not shell":              {"```sh\nif true\n```", "line 2: the shell does not understand it: 1:1: `if <cond>` must be followed by `then`"},
		"no YAML":                {"```yaml\na: [\n```", "line 2: it is no YAML: yaml: line 1: did not find expected node content"},
		"bad YAML field": {
			"```yaml\nspec:\n  type: secretstores.credential-resolver\n  metadata:\n  - name: secretStor\n    value: x\n```",
			"line 2: the Component is refused: secretStor is unknown",
		},
		"bad field in a part": {"```yaml\n\n- name: configKy\n  value: x\n```", "line 3: the Component is refused: configKy is unknown"},
		"no JSON in a file":   {"```json tutorial/a.json\n{\n```", "line 2: it is no JSON: unexpected EOF"},
		"no JSON":             {"```json\n{\"a\": }\n```", "line 2: it is no JSON: invalid character '}' looking for beginning of value"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := repository().Check("docs/page.md", test.text)
			require.Len(t, problems, 1)
			require.Equal(t, test.want, problems[0].String())
		})
	}
}

func TestCommandsOfADocument(t *testing.T) {
	for _, test := range []struct {
		text             string
		sessions, others bool
	}{
		{"```console\n$ make test\n```\n", true, false},
		{"```sh\nmake test\n```\n", false, true},
		{"```bash\nmake test\n```\n```console\n$ make test\n```\n", true, true},
		{"Text:\n\n    make test\n", false, true},
		{"Text:\n\n    rpc error: code = NotFound\n\n```text\nmake test\n```\n`make test`\n", false, false},
	} {
		sessions, others := Commands(test.text)
		require.Equal(t, test.sessions, sessions, test.text)
		require.Equal(t, test.others, others, test.text)
	}
}
