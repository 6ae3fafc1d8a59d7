package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"credential-resolver/test/harness"
)

// redisPassword is the password of the run's Redis, which listens only on loopback.
const redisPassword = "redis-of-the-benchmark"

// stores are the stores of a run's sidecars: an embedded database, files, a Redis and a Vault.
// They are filled before the measurement.
type stores struct {
	programs programs
	folder   string
	redis    *harness.Redis
	vault    *harness.Vault
	token    string // may read the secrets in Vault
}

// programs are the paths of the binaries that make builds.
type programs struct{ resolver, daprd, bao string }

func findPrograms() (p programs, err error) {
	for _, program := range []struct {
		path           *string
		variable, name string
	}{
		{&p.resolver, "CREDENTIAL_RESOLVER", "credential-resolver"},
		{&p.daprd, "DAPRD", "daprd"},
		{&p.bao, "BAO", "bao"},
	} {
		if *program.path, err = harness.Binary(program.variable, ".", program.name); err != nil {
			return p, err
		}
	}
	return p, nil
}

// startStores starts the servers and fills all stores. The caller must stop them, even after an
// error.
func startStores(ctx context.Context, folder string) (s *stores, err error) {
	s = &stores{folder: folder}
	if s.programs, err = findPrograms(); err != nil {
		return s, err
	}
	if s.redis, err = harness.StartRedis(ctx, redisPassword); err != nil {
		return s, err
	}
	if s.vault, err = harness.StartVault(ctx, harness.OpenBao(), s.programs.bao); err != nil {
		return s, err
	}
	return s, errors.Join(s.fillFiles(), s.fillVault(ctx), s.fillConfigs(ctx))
}

func (s *stores) stop() {
	if s.redis != nil {
		s.redis.Remove()
	}
	if s.vault != nil {
		s.vault.Remove()
	}
}

// path returns a path in the run's folder.
func (s *stores) path(name string) string { return filepath.Join(s.folder, name) }

// fillFiles writes the bundles, and the finished credential for daprd's own store.
func (s *stores) fillFiles() error {
	bundles := map[string]any{bundleGUID: bundleEntries()}
	for _, n := range fieldCounts() {
		bundles[fieldsGUID(n)] = fieldsEntries(n)
	}
	return errors.Join(
		os.WriteFile(s.path("bundles.json"), text(bundles), 0o600),
		os.WriteFile(s.path("finished.json"), text(map[string]any{bundleGUID: bundleAnswer()}), 0o600),
	)
}

func (s *stores) fillVault(ctx context.Context) (err error) {
	secrets := map[string]any{bundleGUID: bundleEntries()}
	for _, field := range sixFields() {
		secrets[secretOf(field)] = map[string]string{"value": valueOf(field)}
	}
	for name, entries := range secrets {
		if err := s.vault.Write(ctx, "secret/data/dapr/"+name, entries); err != nil {
			return err
		}
	}
	s.token, err = s.vault.Reader(ctx, "secret/data/dapr")
	return err
}

// fillConfigs stores the configs in the config stores of all subjects.
func (s *stores) fillConfigs(ctx context.Context) error {
	inFile, inRedis := s.uncachedFile(), s.uncachedVault()
	err := errors.Join(
		s.put(ctx, inFile, bundleGUID, bundleConfig()),
		s.put(ctx, inRedis, bundleGUID, bundleConfig()),
		s.put(ctx, inRedis, sixGUID, sixConfig()),
		s.put(ctx, inRedis, rotatingGUID, rotatingConfig()),
	)
	for _, n := range fieldCounts() {
		err = errors.Join(err, s.put(ctx, inFile, fieldsGUID(n), fieldsConfig(n)))
	}
	return err
}

// put stores a config with the command line, as an administrator does.
func (s *stores) put(ctx context.Context, component harness.Resource, guid string, config map[string]any) error {
	file := s.path(guid + ".json")
	err := errors.Join(component.Write(s.folder), os.WriteFile(file, text(config), 0o600))
	if err != nil {
		return err
	}
	put := exec.CommandContext(ctx, s.programs.resolver, "put", "-c", s.path(component.File()), "--guid", guid, file)
	if out, err := put.CombinedOutput(); err != nil {
		return fmt.Errorf("put: %w: %s", err, out)
	}
	return nil
}
