package harness

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Collector is an OpenTelemetry Collector. It writes each span that it receives into its log.
type Collector struct{ *Server }

// StartCollector starts a Collector with the given binary.
func StartCollector(ctx context.Context, binary string) (*Collector, error) {
	s, err := newServer(serverSpec{
		path: binary,
		files: func(s *Server) error {
			return os.WriteFile(collectorConfig(s), fmt.Appendf(nil, `
receivers: {otlp: {protocols: {grpc: {endpoint: %q}, http: {endpoint: %q}}}}
exporters: {debug: {verbosity: detailed, use_internal_logger: false}}
service:
  pipelines: {traces: {receivers: [otlp], exporters: [debug]}}
  telemetry: {metrics: {level: none}}
`, s.Address, s.second()), 0o600)
		},
		args: func(s *Server) []string { return []string{"--config=" + collectorConfig(s)} },
	})
	if err != nil {
		return nil, err
	}
	return &Collector{s}, s.Start(ctx)
}

func collectorConfig(s *Server) string { return filepath.Join(s.Dir, "collector.yaml") }

// second returns the address of the server's second port.
func (s *Server) second() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.more)) }

// Endpoint returns the URL of its receiver for a protocol, grpc or http/protobuf.
func (c *Collector) Endpoint(protocol string) string {
	if protocol == "grpc" {
		return "http://" + c.Address
	}
	return "http://" + c.second()
}

// Span is a span that the Collector has received.
type Span struct {
	Trace, Parent, ID, Name, Kind, Status string
	Attributes                            map[string]string
	Resource                              map[string]string
}

var (
	spanField     = regexp.MustCompile(`^ {4}([A-Z][A-Za-z ]*?) *: ?(.*)$`)
	spanAttribute = regexp.MustCompile(`^ +-> ([^:]+): [A-Za-z]+\((.*)\)$`)
)

// Spans returns the spans so far.
func (c *Collector) Spans() []Span {
	var spans []Span
	var resource, attributes map[string]string
	for line := range strings.Lines(c.Log()) {
		line = strings.TrimRight(line, "\r\n")
		switch found := spanField.FindStringSubmatch(line); {
		case strings.HasPrefix(line, "Resource attributes:"):
			resource = map[string]string{}
			attributes = resource
		case strings.HasPrefix(line, "Span #"):
			attributes = map[string]string{}
			spans = append(spans, Span{Attributes: attributes, Resource: resource})
		case found != nil && len(spans) > 0:
			spans[len(spans)-1].set(found[1], found[2])
		default:
			if found := spanAttribute.FindStringSubmatch(line); found != nil && attributes != nil {
				attributes[found[1]] = found[2]
			}
		}
	}
	return spans
}

// set sets a field by the Collector's name for it.
func (s *Span) set(name, value string) {
	switch name {
	case "Trace ID":
		s.Trace = value
	case "Parent ID":
		s.Parent = value
	case "ID":
		s.ID = value
	case "Name":
		s.Name = value
	case "Kind":
		s.Kind = value
	case "Status code":
		s.Status = value
	}
}
