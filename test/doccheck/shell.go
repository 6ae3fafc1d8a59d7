package doccheck

import (
	"fmt"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"credential-resolver/test/session"
)

// console checks the commands of a block, without their output.
func (r Repository) console(b block) []Problem {
	steps, err := session.ParseConsole(b.lines, b.line)
	if err != nil {
		return []Problem{{b.line, err.Error()}}
	}
	var problems []Problem
	for _, step := range steps {
		problems = append(problems, r.script(step.Line, step.Command)...)
	}
	return problems
}

// script checks each command of a shell script, whose first line has the number first.
func (r Repository) script(first int, text string) []Problem {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(text), "")
	if err != nil {
		return []Problem{{first, fmt.Sprintf("the shell does not understand it: %v", err)}}
	}
	functions := map[string]bool{}
	syntax.Walk(file, func(node syntax.Node) bool {
		if f, ok := node.(*syntax.FuncDecl); ok {
			functions[f.Name.Value] = true
		}
		return true
	})
	var problems []Problem
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		words := make([]string, len(call.Args))
		for i, word := range call.Args {
			words[i] = textOf(word)
		}
		if !functions[words[0]] {
			for _, why := range r.command(words) {
				problems = append(problems, Problem{first + int(call.Pos().Line()) - 1, why})
			}
		}
		return true
	})
	return problems
}

// textOf returns a word without quotes. Expansions stay as they are written.
func textOf(word *syntax.Word) string {
	var b strings.Builder
	_ = syntax.NewPrinter().Print(&b, word) // a Builder returns no error
	return strings.NewReplacer(`'`, "", `"`, "").Replace(b.String())
}
