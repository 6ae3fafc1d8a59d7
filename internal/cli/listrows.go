package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"credential-resolver/resolver/credential"
)

// row describes a config, without its values.
type row struct {
	GUID    string `json:"guid" yaml:"guid"`
	Source  string `json:"source,omitempty" yaml:"source,omitempty"`   // "" for explicit references, and for an invalid config
	Mode    string `json:"mode,omitempty" yaml:"mode,omitempty"`       // "" for an invalid config
	Fields  int    `json:"fields" yaml:"fields"`                       // 0 if the config is no object
	Problem string `json:"problem,omitempty" yaml:"problem,omitempty"` // "" for none
}

// rowOf returns the row of a stored config.
func rowOf(guid string, text []byte) row {
	r := row{GUID: guid}
	config, err := credential.ParseConfig(text)
	if err == nil {
		r.Fields = config.Fields.Len()
		err = config.Check()
	}
	switch {
	case err != nil:
		r.Problem = reasonOf(err)
	case config.Explicit:
		r.Mode = "explicit"
	default:
		r.Source, r.Mode = string(config.Source), string(config.Mode())
	}
	if err == nil && config.SourceUnknown {
		r.Problem = `its credentialSource is neither "direct" nor "agent"`
	}
	return r
}

// reasonOf returns what is wrong with a config, without the name of the credential.
func reasonOf(err error) string {
	var failed *credential.Error
	if errors.As(err, &failed) {
		return failed.Reason
	}
	return err.Error()
}

// rowWriter prints rows, each at once.
type rowWriter interface {
	write(r row) error
	end() error
}

var (
	_ rowWriter = (*tableWriter)(nil)
	_ rowWriter = (*jsonWriter)(nil)
	_ rowWriter = (*yamlWriter)(nil)
)

// newRowWriter returns a writer for the rows of the GUIDs, or of some of them.
type newRowWriter func(out io.Writer, guids []string) rowWriter

// rows are the writers, by the value of --output.
var rows = map[string]newRowWriter{
	"table": func(out io.Writer, guids []string) rowWriter {
		width := len("GUID")
		for _, guid := range guids {
			width = max(width, len(guid))
		}
		return &tableWriter{out: out, width: width, empty: len(guids) == 0}
	},
	"json": func(out io.Writer, _ []string) rowWriter { return &jsonWriter{out: out} },
	"yaml": func(out io.Writer, _ []string) rowWriter { return &yamlWriter{out: out} },
}

// tableWriter prints columns. Only the GUIDs have no fixed width.
type tableWriter struct {
	out    io.Writer
	width  int
	empty  bool
	headed bool
}

func (w *tableWriter) write(r row) error {
	if err := w.head(); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w.out, w.line(r.GUID, orDash(r.Source), orDash(r.Mode), fmt.Sprint(r.Fields), orDash(r.Problem)))
	return err
}

func (w *tableWriter) end() error {
	if w.empty {
		return nil
	}
	return w.head()
}

func (w *tableWriter) head() error {
	if w.headed {
		return nil
	}
	w.headed = true
	_, err := fmt.Fprintln(w.out, styleFor(w.out).bold(w.line("GUID", "SOURCE", "MODE", "FIELDS", "PROBLEM")))
	return err
}

func (w *tableWriter) line(guid, source, mode, fields, problem string) string {
	return fmt.Sprintf("%-*s   %-6s   %-10s   %-6s   %s", w.width, guid, source, mode, fields, problem)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// jsonWriter prints an array, with one line per row.
type jsonWriter struct {
	out     io.Writer
	started bool
}

func (w *jsonWriter) write(r row) error {
	before := ",\n"
	if !w.started {
		before, w.started = "[\n", true
	}
	line, err := compactJSON(r)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w.out, before+line)
	return err
}

// compactJSON returns a value as JSON on one line, without escapes for HTML.
func compactJSON(v any) (string, error) {
	var line strings.Builder
	encoder := json.NewEncoder(&line)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return strings.TrimSuffix(line.String(), "\n"), err
}

func (w *jsonWriter) end() error {
	end := "\n]\n"
	if !w.started {
		end = "[]\n"
	}
	_, err := io.WriteString(w.out, end)
	return err
}

// yamlWriter prints a sequence.
type yamlWriter struct {
	out     io.Writer
	started bool
}

func (w *yamlWriter) write(r row) error {
	w.started = true
	text, err := yaml.Marshal([]row{r})
	if err == nil {
		_, err = w.out.Write(text)
	}
	return err
}

func (w *yamlWriter) end() error {
	if w.started {
		return nil
	}
	_, err := io.WriteString(w.out, "[]\n")
	return err
}
