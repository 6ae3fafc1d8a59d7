// Command pictures draws what a terminal shows, for the documents: it runs commands of the product in a
// terminal of their own. "make pictures" runs it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	for _, s := range scenes {
		if err := draw(context.Background(), s); err != nil {
			fmt.Fprintln(os.Stderr, "pictures:", err)
			os.Exit(1)
		}
	}
}

// draw draws a scene into its file.
func draw(ctx context.Context, s scene) error {
	programs, err := filepath.Abs("bin")
	if err != nil {
		return err
	}
	shown, err := record(ctx, s, programs)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "bin/pictures/bin/python", "test/pictures/draw.py", s.name, strconv.Itoa(s.columns))
	cmd.Stdin = strings.NewReader(shown)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	svg, err := cmd.Output()
	if err != nil {
		return errors.Join(err, errors.New(stderr.String()))
	}
	path := filepath.Join("docs", s.name+".svg")
	fmt.Println(path)
	return os.WriteFile(path, svg, 0o644)
}

var escape = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// plain returns a text without the escape sequences for colours.
func plain(text string) string { return escape.ReplaceAllString(text, "") }
