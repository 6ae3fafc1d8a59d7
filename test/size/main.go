// Command size measures how large the binary is, and how much memory it takes at rest. It fails if a
// build exceeds its bound. "make size" runs it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"credential-resolver/test/harness"
	"credential-resolver/test/markdown"
)

// size is how large a build is. The binary is in MB, the memory in MiB.
type size struct {
	binary    float64 // on the disk
	resident  float64 // memory at rest, shared pages of the binary included
	anonymous float64 // of it, what the process has allocated
}

// build is a build with its bound.
type build struct {
	name, title string
	most        size
}

// builds returns the builds. Their bounds leave room for new code, but not for another SDK.
func builds() []build {
	return []build{
		{"credential-resolver", "with everything", size{binary: 78, resident: 60, anonymous: 13}},
		{"credential-resolver-noaws", "`-tags noaws`", size{binary: 71, resident: 55, anonymous: 11}},
		{"credential-resolver-noazure", "`-tags noazure`", size{binary: 77, resident: 60, anonymous: 13}},
		{"credential-resolver-nogcp", "`-tags nogcp`", size{binary: 76, resident: 58, anonymous: 12}},
		{"credential-resolver-noaws,noazure,nogcp", "`-tags noaws,noazure,nogcp`", size{binary: 66, resident: 50, anonymous: 9}},
	}
}

func main() {
	update := flag.Bool("update", false, "write the table into "+document)
	flag.Parse()
	if err := run(context.Background(), *update); err != nil {
		fmt.Fprintln(os.Stderr, "size:", err)
		os.Exit(1)
	}
}

const document = "docs/benchmarks.md"

func run(ctx context.Context, update bool) error {
	table := markdown.Table{{"build", "binary, MB", "resident at rest, MiB", "of it anonymous, MiB"}}
	var exceeded error
	for _, b := range builds() {
		found, err := measure(ctx, filepath.Join("bin", b.name))
		if err != nil {
			return err
		}
		cell := func(what string, found, most float64) string {
			if found > most {
				exceeded = errors.Join(exceeded, fmt.Errorf("%s: %s: %.1f is more than %.0f", b.title, what, found, most))
			}
			return fmt.Sprintf("%.1f (at most %.0f)", found, most)
		}
		table = append(table, []string{
			b.title, cell("the binary in MB", found.binary, b.most.binary),
			cell("resident memory in MiB", found.resident, b.most.resident),
			cell("anonymous memory in MiB", found.anonymous, b.most.anonymous),
		})
	}
	text := "\n" + table.String()
	fmt.Print(text)
	if update {
		exceeded = errors.Join(exceeded, markdown.Replace(document, "size", text, document))
	}
	return exceeded
}

// starts is how often a build is started. The median counts, because the kernel maps more or fewer
// pages of the binary.
const starts = 5

func measure(ctx context.Context, path string) (size, error) {
	info, err := os.Stat(path)
	if err != nil {
		return size{}, err
	}
	var resident, anonymous []float64
	for range starts {
		found, err := atRest(ctx, path)
		if err != nil {
			return size{}, err
		}
		resident, anonymous = append(resident, found.resident), append(anonymous, found.anonymous)
	}
	slices.Sort(resident)
	slices.Sort(anonymous)
	return size{float64(info.Size()) / 1e6, resident[starts/2], anonymous[starts/2]}, nil
}

// atRest starts a build, and returns the memory that it takes when its socket answers.
func atRest(ctx context.Context, path string) (found size, err error) {
	folder, err := os.MkdirTemp("", "cr-size-")
	if err != nil {
		return size{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	component, err := harness.StartComponent(ctx, harness.ComponentOptions{Binary: path, SocketFolder: folder})
	if err != nil {
		return size{}, err
	}
	defer func() { err = errors.Join(err, component.Stop()) }()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", component.Pid()))
	if err != nil {
		return size{}, err
	}
	for name, value := range map[string]*float64{"VmRSS": &found.resident, "RssAnon": &found.anonymous} {
		line := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+) kB$`).FindSubmatch(status)
		if line == nil {
			return size{}, fmt.Errorf("/proc/%d/status has no %s", component.Pid(), name)
		}
		kilobytes, err := strconv.ParseFloat(string(line[1]), 64)
		if err != nil {
			return size{}, err
		}
		*value = kilobytes / 1024
	}
	return found, nil
}
