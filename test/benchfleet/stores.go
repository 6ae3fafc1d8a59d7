package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"credential-resolver/test/harness"
)

// redisPassword is the password of the run's Redis, which listens only on loopback.
const redisPassword = "redis-of-the-fleet"

// stores are the servers that the fleet shares. Each is behind a proxy that can simulate an
// outage.
type stores struct {
	redis                  *harness.Redis
	vault                  *harness.Vault
	redisProxy, vaultProxy *outageProxy
	token                  string // may read the secrets in Vault
}

// startStores starts the servers and fills them. The caller must stop them, even after an
// error.
func startStores(ctx context.Context, all credentials) (s *stores, err error) {
	s = &stores{}
	bao, err := harness.Binary("BAO", ".", "bao")
	if err != nil {
		return s, err
	}
	progress("Redis and Vault, with the credentials")
	if s.redis, err = harness.StartRedis(ctx, redisPassword); err != nil {
		return s, err
	}
	if s.vault, err = harness.StartVault(ctx, harness.OpenBao(), bao); err != nil {
		return s, err
	}
	if s.redisProxy, err = startProxy(s.redis.Address); err != nil {
		return s, err
	}
	if s.vaultProxy, err = startProxy(s.vault.Address); err != nil {
		return s, err
	}
	if err := s.fillRedis(ctx, all); err != nil {
		return s, err
	}
	return s, s.fillVault(ctx, all)
}

func (s *stores) stop() {
	for _, d := range []*outageProxy{s.redisProxy, s.vaultProxy} {
		if d != nil {
			d.close()
		}
	}
	if s.redis != nil {
		s.redis.Remove()
	}
	if s.vault != nil {
		s.vault.Remove()
	}
}

// fillRedis stores the configs in the format of state.redis.
func (s *stores) fillRedis(ctx context.Context, all credentials) error {
	client := redis.NewClient(&redis.Options{Addr: s.redis.Address, Password: redisPassword})
	defer func() { _ = client.Close() }()
	_, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for c := range all.each {
			p.HSet(ctx, c.guid, "data", text(c.config), "version", 1)
		}
		return nil
	})
	return err
}

// fillers is the number of secrets that are written in parallel.
const fillers = 16

func (s *stores) fillVault(ctx context.Context, all credentials) (err error) {
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(fillers)
	done := map[string]bool{}
	for c := range all.each {
		for name, entries := range c.secrets {
			if !done[name] {
				done[name] = true
				group.Go(func() error { return s.write(within, name, entries) })
			}
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	s.token, err = s.vault.Reader(ctx, "secret/data/dapr")
	return err
}

// vaultPath is the path of the fleet's secrets in Vault.
const vaultPath = "secret/data/dapr/" + secretFolder

// write writes a secret directly to Vault, as an administrator does.
func (s *stores) write(ctx context.Context, name string, entries map[string]string) error {
	return s.vault.Write(ctx, vaultPath+name, entries)
}

// metadata returns the metadata of every process's Component.
func (s *stores) metadata(p plan) map[string]string {
	return map[string]string{
		"configStore": "state.redis", "configStore.redisHost": s.redisProxy.address(), "configStore.redisPassword": redisPassword,
		"secretStore": "secretstores.hashicorp.vault", "secretStore.vaultAddr": fmt.Sprintf("http://%s", s.vaultProxy.address()),
		"secretStore.vaultToken": s.token, "secretStore.enginePath": "secret", "secretStore.vaultKVPrefix": "dapr",
		"cacheTTL": p.ttl().String(), "breakerInterval": p.breakerInterval().String(),
	}
}
