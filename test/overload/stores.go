package main

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	_ "modernc.org/sqlite" // database/sql's "sqlite"

	"credential-resolver/test/harness"
)

// stores are the stores of every load: configs in SQLite, secrets in OpenBao and in a file.
type stores struct {
	folder          string
	resolver, daprd string // the paths of the binaries that make builds
	vault           *harness.Vault
	token           string // may read the secrets in OpenBao
}

// startStores starts OpenBao and fills all stores, for loads with a duration. The caller must
// stop them, even after an error.
func startStores(ctx context.Context, folder string, d time.Duration) (s *stores, err error) {
	s = &stores{folder: folder}
	if s.resolver, err = harness.Binary("CREDENTIAL_RESOLVER", ".", "credential-resolver"); err != nil {
		return s, err
	}
	if s.daprd, err = harness.Binary("DAPRD", ".", "daprd"); err != nil {
		return s, err
	}
	bao, err := harness.Binary("BAO", ".", "bao")
	if err != nil {
		return s, err
	}
	n := countsFor(d)
	progress("OpenBao, with %d secrets", n.secrets())
	if s.vault, err = harness.StartVault(ctx, harness.OpenBao(), bao); err != nil {
		return s, err
	}
	return s, errors.Join(s.fillVault(ctx, n), s.fillFile(n), s.fillConfigs(ctx, n))
}

func (s *stores) stop() {
	if s.vault != nil {
		s.vault.Remove()
	}
}

// path returns a path in the run's folder.
func (s *stores) path(name string) string { return filepath.Join(s.folder, name) }

// secretsPath is the path of the secrets in OpenBao.
const secretsPath = "secret/data/dapr"

// fillers is the number of secrets that are written in parallel.
const fillers = 16

func (s *stores) fillVault(ctx context.Context, n counts) (err error) {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(fillers)
	write := func(name, value string) {
		group.Go(func() error {
			return s.vault.Write(within, secretsPath+"/"+name, map[string]string{secretEntry: value})
		})
	}
	write(cached(0).guid, cached(0).secrets["password"])
	for i := range n.secrets() {
		write(secretName(i), secretValue(i))
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.token, err = s.vault.Reader(ctx, secretsPath)
	return err
}

func (s *stores) fillFile(n counts) error {
	secrets := map[string]any{}
	for i := range n.inFile {
		secrets[secretName(i)] = map[string]string{secretEntry: fileValue(i)}
	}
	return os.WriteFile(s.path("secrets.json"), text(secrets), 0o600)
}

// fillConfigs lets our command create the database with one config, and inserts the others
// directly.
func (s *stores) fillConfigs(ctx context.Context, n counts) (err error) {
	r := s.component(elsewhere, "http://127.0.0.1", nil)
	file := s.path("config.json")
	if err := errors.Join(r.Write(s.folder), os.WriteFile(file, text(cached(0).config), 0o600)); err != nil {
		return err
	}
	put := exec.CommandContext(ctx, s.resolver, "put", "-c", s.path(r.File()), "--guid", cached(0).guid, file)
	if out, err := put.CombinedOutput(); err != nil {
		return fmt.Errorf("put: %w: %s", err, out)
	}
	db, err := sql.Open("sqlite", s.path("configs.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for c := range n.each {
		_, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO state (key, value, is_binary, etag) VALUES (?, ?, 1, ?)`,
			c.guid, base64.StdEncoding.EncodeToString(text(c.config)), c.guid)
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}
