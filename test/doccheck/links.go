package doccheck

import (
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

var link = regexp.MustCompile(`\]\(([^()\s]+)\)`)

// links checks that each relative link leads to a file and, with a fragment, to a heading of it,
// and that each external link is well-formed and leads to an expected host.
func (r Repository) links(document string, d document) []Problem {
	var problems []Problem
	for i, line := range d.prose {
		for _, found := range link.FindAllStringSubmatch(line, -1) {
			if why := r.link(document, found[1]); why != "" {
				problems = append(problems, Problem{i + 1, fmt.Sprintf("the link %s %s", found[1], why)})
			}
		}
	}
	return problems
}

// link says what is wrong with a link, or returns "".
func (r Repository) link(document, to string) string {
	u, err := url.Parse(to)
	switch {
	case err != nil:
		return "is malformed"
	case u.Scheme != "" && u.Scheme != "https":
		return "is not https"
	case u.Host != "":
		if !slices.Contains(r.Hosts, u.Host) {
			return "leads to a host that is not expected"
		}
		return ""
	}
	target := document
	if u.Path != "" {
		target = path.Join(path.Dir(document), u.Path)
	}
	text, err := fs.ReadFile(r.Files, target)
	switch {
	case err != nil:
		return "leads to no file"
	case u.Fragment != "" && !slices.Contains(anchors(string(text)), u.Fragment):
		return "leads to no heading"
	}
	return ""
}

var (
	heading = regexp.MustCompile(`^#+ (.*)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors returns the anchors of a document's headings, as GitHub makes them.
func anchors(text string) []string {
	var names []string
	for _, line := range split(text).prose {
		if found := heading.FindStringSubmatch(line); found != nil {
			name := dropped.ReplaceAllString(strings.ToLower(found[1]), "")
			names = append(names, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return names
}
