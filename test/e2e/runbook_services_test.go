//go:build e2e && docs

package e2e

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// systemctl starts and stops the host's services in place of systemd.
func (h *host) systemctl(args []string) (string, error) {
	if len(args) != 2 {
		return "", fmt.Errorf("usage: systemctl start|stop|restart SERVICE, got %q", args)
	}
	verb, name := args[0], args[1]
	services := map[string]struct{ start, stop func() error }{
		"credential-resolver": {h.startResolver, h.stopResolver},
		"daprd":               {h.startDaprd, h.stopDaprd},
		"vault":               {h.restartVault, func() error { return h.vault.Stop() }},
	}
	service, known := services[name]
	if !known {
		return "", fmt.Errorf("Unit %s.service not found", name)
	}
	switch verb {
	case "start":
		return "", service.start()
	case "stop":
		return "", service.stop()
	case "restart":
		if err := service.stop(); err != nil {
			return "", err
		}
		return "", service.start()
	}
	return "", fmt.Errorf("unknown command verb %s", verb)
}

func (h *host) startResolver() (err error) {
	h.component, err = harness.StartComponent(context.Background(), h.serve)
	return err
}

func (h *host) stopResolver() error {
	if h.component == nil {
		return nil
	}
	err := h.component.Stop()
	h.logged["credential-resolver"] += h.component.Log()
	h.component = nil
	return err
}

// startDaprd starts daprd on the port that the document's variables name.
func (h *host) startDaprd() error {
	daprd, err := harness.LaunchDaprd(h.run)
	if err != nil {
		return err
	}
	h.daprd = daprd
	if daprd.HTTPPort, err = strconv.Atoi(h.run.Args[1]); err != nil {
		return err
	}
	return daprd.AwaitReady(context.Background())
}

func (h *host) stopDaprd() error {
	if h.daprd == nil {
		return nil
	}
	err := h.daprd.Stop()
	h.logged["daprd"] += h.daprd.Log()
	h.daprd = nil
	return err
}

// restartVault starts OpenBao after a stop, and unseals it.
func (h *host) restartVault() error {
	ctx := context.Background()
	if err := h.vault.Restart(ctx); err != nil {
		return err
	}
	return h.vault.Unseal(ctx)
}

// journal returns what a service has logged.
func (h *host) journal(service string) string {
	log := h.logged[service]
	switch {
	case service == "credential-resolver" && h.component != nil:
		log += h.component.Log()
	case service == "daprd" && h.daprd != nil:
		log += h.daprd.Log()
	}
	return log
}

// addServers starts Redis and PostgreSQL, and writes a Component with configs in each.
func (h *host) addServers(t *testing.T) {
	t.Helper()
	const password = "an-administrators-password"
	redis, err := harness.StartRedis(t.Context(), password)
	require.NoError(t, err)
	t.Cleanup(redis.Remove)
	postgres, err := harness.StartPostgres(t.Context(), password)
	require.NoError(t, err)
	t.Cleanup(postgres.Remove)
	h.variables["POSTGRES"] = postgres.URL("admin", password)
	for name, configs := range map[string]map[string]any{
		"redis":    {"configStore": "state.redis", "configStore.redisHost": redis.Address, "configStore.redisPassword": password},
		"postgres": {"configStore": "state.postgresql", "configStore.connectionString": h.variables["POSTGRES"]},
	} {
		h.addComponent(t, name, configs)
	}
}
