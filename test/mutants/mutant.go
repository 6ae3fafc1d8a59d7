package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// mutant is a bug to plant.
type mutant struct {
	Bug  string `yaml:"bug"`  // the bug, in one line
	File string `yaml:"file"` // the path of the file, from the root of the repository
	Old  string `yaml:"old"`  // a text that occurs exactly once in the file
	New  string `yaml:"new"`  // its replacement
	// Packages are the packages whose tests should notice. Empty means the file's own package.
	Packages []string `yaml:"packages"`
	// Race means that only the race detector can notice.
	Race bool   `yaml:"race"`
	Area string `yaml:"-"`
}

// outcome is the result of the tests with a mutant.
type outcome string

const (
	killed   outcome = "killed"   // an assertion failed
	hung     outcome = "hung"     // the tests did not end in time
	survived outcome = "survived" // all tests passed
)

// load reads the mutants of one area, or of all if area is empty.
func load(folder, area string) ([]mutant, error) {
	if area == "" {
		area = "*"
	}
	files, err := filepath.Glob(filepath.Join(folder, area+".yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no area %q in %s", area, folder)
	}
	var all []mutant
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var mutants []mutant
		decoder := yaml.NewDecoder(bytes.NewReader(text))
		decoder.KnownFields(true)
		if err := decoder.Decode(&mutants); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, m := range mutants {
			m.Area = strings.TrimSuffix(filepath.Base(file), ".yaml")
			if len(m.Packages) == 0 {
				m.Packages = []string{"./" + filepath.Dir(m.File)}
			}
			all = append(all, m)
		}
	}
	return all, nil
}

// plant returns the text of the mutant's file with the bug in it. root is the repository's
// root.
func (m mutant) plant(root string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(root, m.File))
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(text, []byte(m.Old)); n != 1 {
		return nil, fmt.Errorf("%s has the old text %d times; it must have it once", m.File, n)
	}
	return bytes.Replace(text, []byte(m.Old), []byte(m.New), 1), nil
}

// test plants the mutant in an overlay of the tree and runs its packages' tests. by names the
// test that noticed.
func (m mutant) test(ctx context.Context, timeout time.Duration) (result outcome, by string, err error) {
	text, err := m.plant(".")
	if err != nil {
		return "", "", err
	}
	folder, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	original, err := filepath.Abs(m.File)
	if err != nil {
		return "", "", err
	}
	planted := filepath.Join(folder, filepath.Base(m.File))
	overlay := filepath.Join(folder, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: planted}})
	if err != nil {
		return "", "", err
	}
	if err := errors.Join(os.WriteFile(planted, text, 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return "", "", err
	}
	args := []string{"test", "-json", "-vet=off", "-failfast", "-overlay", overlay, "-timeout", timeout.String()}
	env := os.Environ()
	if m.Race {
		args, env = append(args, "-race"), append(env, "CGO_ENABLED=1") // the race detector needs cgo
	}
	cmd := exec.CommandContext(ctx, "go", append(args, m.Packages...)...)
	cmd.Env = env
	output, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return judge(output, exit.Stderr)
	} else if err != nil {
		return "", "", err
	}
	return survived, "", nil
}

// judge returns the reason why the tests failed.
func judge(output, stderr []byte) (outcome, string, error) {
	by, crash, ofPackage := "", "", ""
	for line := range bytes.Lines(output) {
		var event struct{ Action, Package, Test, Output string }
		if err := json.Unmarshal(line, &event); err != nil {
			return "", "", err
		}
		switch {
		case event.Action == "build-fail":
			return "", "", fmt.Errorf("does not compile: %s%s", output, stderr)
		case strings.Contains(event.Output, "panic: test timed out after"):
			return hung, "", nil
		case strings.HasPrefix(event.Output, "panic: ") || strings.HasPrefix(event.Output, "fatal error: "):
			crash = "a crash in " + event.Test // whose end is not reported, if another goroutine crashed
		case event.Action == "fail" && event.Test == "":
			ofPackage = event.Package // a failure of TestMain belongs to no test
		case event.Action == "fail":
			by = cmp.Or(by, event.Test)
		}
	}
	if by = cmp.Or(by, crash, ofPackage); by == "" {
		return "", "", fmt.Errorf("the tests failed, but none says so: %s%s", output, stderr)
	}
	return killed, ", by " + by, nil
}
