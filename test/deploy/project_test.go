//go:build deploy

package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

const composeFile = "../../deploy/compose/compose.yaml"

// project is what Compose makes of a file: the parts that decide how a container runs.
type project struct {
	Services map[string]service
	Volumes  map[string]struct {
		Driver     string
		DriverOpts map[string]string `json:"driver_opts"`
	}
	Secrets map[string]struct{ File string }
}

type service struct {
	Image       string
	Command     []string
	Environment map[string]string
	User        string
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	SecurityOpt []string `json:"security_opt"`
	NetworkMode string   `json:"network_mode"`
	StopGrace   string   `json:"stop_grace_period"`
	Volumes     []struct {
		Type, Source, Target string
		ReadOnly             bool `json:"read_only"`
	}
	Secrets     []struct{ Source, Target string }
	Healthcheck struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `json:"depends_on"`
}

// load loads Compose files with Compose's own loader, which checks them against Compose's schema. A
// later file changes those before it.
func load(t *testing.T, paths ...string) (project, error) {
	t.Helper()
	compose, err := harness.Binary("COMPOSE", "../..", "compose")
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), compose, paths...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return project{}, fmt.Errorf("%w: %s", err, stderr.String())
	}
	var p project
	return p, json.Unmarshal(out, &p)
}

// startOrder returns the names of the services, each after the services that it depends on.
func (p project) startOrder() ([]string, error) {
	var order []string
	for len(order) < len(p.Services) {
		before := len(order)
		for name, s := range p.Services {
			ready := !slices.Contains(order, name)
			for dependency := range s.DependsOn {
				ready = ready && slices.Contains(order, dependency)
			}
			if ready {
				order = append(order, name)
			}
		}
		if len(order) == before {
			return nil, errors.New("the services depend on each other in a circle")
		}
	}
	return order, nil
}

// TestComposeServicesAreConfined requires what the threat model of SECURITY.md asks of containers
// that share a socket.
func TestComposeServicesAreConfined(t *testing.T) {
	p, err := load(t, composeFile)
	require.NoError(t, err)
	require.Len(t, p.Services, 3)
	for name, s := range p.Services {
		require.True(t, s.ReadOnly, name)
		require.Equal(t, []string{"ALL"}, s.CapDrop, name)
		require.Equal(t, []string{"no-new-privileges:true"}, s.SecurityOpt, name)
		for _, v := range s.Volumes {
			require.Equal(t, v.Type == "bind", v.ReadOnly, "%s: only the volume of the socket may be written to", name)
		}
	}
	component, daprd, app := p.Services["credential-resolver"], p.Services["daprd"], p.Services["app"]
	require.Equal(t, component.User, daprd.User, "daprd is then allowed to call")
	require.NotEqual(t, daprd.User, app.User)
	require.Empty(t, app.Volumes, "the application must not reach the socket")
	require.Equal(t, "service:app", daprd.NetworkMode)
	require.Equal(t, "service_healthy", daprd.DependsOn["credential-resolver"].Condition, "daprd looks for the socket only once")
	require.Contains(t, component.Command, "--shutdown-delay=20s")
	require.Equal(t, "30s", component.StopGrace, "must be longer than the shutdown delay")
}
