package doccheck

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

const product = "credential-resolver"

// programs are those that documents may use. With a list, the first argument that is no flag must
// be in it.
var programs = map[string][]string{
	"[": nil, "basename": nil, "bash": nil, "cat": nil, "cd": nil, "chmod": nil, "cp": nil, "cut": nil, "date": nil, "echo": nil, "env": nil,
	"export": nil, "find": nil, "git": nil, "grep": nil, "head": nil, "install": nil, "kill": nil, "ls": nil, "mkdir": nil, "mv": nil,
	"printf": nil, "rm": nil, "sed": nil, "set": nil, "shift": nil, "sleep": nil, "source": nil, "sha256sum": nil, "ssh-keygen": nil,
	"sudo": nil, "tail": nil, "tee": nil, "test": nil, "tr": nil,
	"touch": nil, "true": nil, "umask": nil, "wait": nil, "wc": nil,

	"buildah": nil, "cosign": nil, "curl": nil, "daprd": nil, "npm": nil, "openssl": nil, "pip": nil, "python3": nil, "jq": nil,
	"pg_dump": nil, "psql": nil, "redis-cli": nil, "sqlite3": nil, "journalctl": nil,
	"dapr":      {"init", "run", "stop", "uninstall", "version"},
	"docker":    {"build", "compose", "exec", "load", "logs", "ps", "pull", "push", "run", "stop"},
	"go":        {"build", "get", "install", "mod", "run", "test", "tool", "vet", "work"},
	"helm":      {"install", "lint", "rollback", "template", "uninstall", "upgrade"},
	"kubectl":   {"apply", "create", "delete", "describe", "exec", "config", "get", "label", "logs", "patch", "port-forward", "rollout", "wait"},
	"systemctl": {"daemon-reload", "enable", "restart", "start", "status", "stop"},
	"bao":       vaultCommands,
	"vault":     vaultCommands,
}

var vaultCommands = []string{"auth", "delete", "kv", "lease", "list", "operator", "policy", "read", "secrets", "status", "token", "write"}

// isCommand reports whether a line begins with a program.
func isCommand(line string) bool {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return false
	}
	_, known := programs[fields[0]]
	return known || fields[0] == product || fields[0] == "make"
}

// command says what is wrong with a command.
func (r Repository) command(words []string) []string {
	name := words[0]
	wrong := r.paths(words)
	subcommands, known := programs[name]
	switch {
	case name == product || name == "bin/"+product:
		wrong = append(wrong, r.product(words[1:])...)
	case name == "make":
		wrong = append(wrong, r.make(words[1:])...)
	case name == "daprd" && r.Daprd != "":
		wrong = append(wrong, unknownFlags(name, r.Daprd, words[1:])...)
	case strings.HasPrefix(name, "$") || strings.Contains(name, "/"): // a path, which paths checks
	case !known:
		wrong = append(wrong, fmt.Sprintf("the program %s is not known", name))
	case subcommands != nil:
		first := slices.IndexFunc(words[1:], func(word string) bool { return !strings.HasPrefix(word, "-") })
		if first >= 0 && !slices.Contains(subcommands, words[1+first]) {
			wrong = append(wrong, fmt.Sprintf("%s has no command %s", name, words[1+first]))
		}
	}
	return wrong
}

var flag = regexp.MustCompile(`^\[?(--?[a-z][a-z-]*)`)

// product checks the command and the flags of credential-resolver. Without a command it serves.
func (r Repository) product(args []string) []string {
	command := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	help, exists := r.Help(command)
	if !exists {
		return []string{fmt.Sprintf("%s has no command %s", product, command)}
	}
	if len(args) > 0 { // a command of a command, such as "audit verify"
		within := command + " " + args[0]
		if its, exists := r.Help(within); exists && strings.Contains(its, product+" "+within) {
			command, help, args = within, its, args[1:]
		}
	}
	return unknownFlags(strings.TrimSpace(product+" "+command), help, args)
}

// unknownFlags returns a text for each flag that the help of a program does not list.
func unknownFlags(program, help string, args []string) []string {
	var wrong []string
	for _, arg := range args {
		if arg == "--" {
			break // the rest is another program's
		}
		if found := flag.FindStringSubmatch(arg); found != nil && !hasFlag(help, found[1]) {
			wrong = append(wrong, program+" has no flag "+found[1])
		}
	}
	return wrong
}

// hasFlag reports whether a help text lists a flag.
func hasFlag(help, name string) bool {
	return regexp.MustCompile(`(?m)^ +(?:-\w, )?(?:.*, )?` + regexp.QuoteMeta(name) + `(?:[ ,=\[]|$)`).MatchString(help)
}

var assignment = regexp.MustCompile(`^\[?([A-Z_]+)=`)

// make checks targets and variables against the Makefile.
func (r Repository) make(args []string) []string {
	text, err := fs.ReadFile(r.Files, "Makefile")
	if err != nil {
		return []string{err.Error()}
	}
	var wrong []string
	for _, arg := range args {
		found := assignment.FindStringSubmatch(arg)
		switch {
		case strings.HasPrefix(arg, "-"):
		case found != nil:
			if !regexp.MustCompile(`\b` + found[1] + `\b`).Match(text) {
				wrong = append(wrong, "the Makefile has no variable "+found[1])
			}
		case !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(arg) + `:`).Match(text):
			wrong = append(wrong, "the Makefile has no target "+arg)
		}
	}
	return wrong
}
