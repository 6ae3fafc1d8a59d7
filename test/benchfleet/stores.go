package main

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"credential-resolver/test/harness"
)

// redisPassword is that of the Redis of one run, which is on loopback.
const redisPassword = "redis-of-the-fleet"

// stores are the servers that the fleet shares, each behind a door that can be shut.
type stores struct {
	redis                *harness.Redis
	vault                *harness.Vault
	redisDoor, vaultDoor *door
	token                string // may read the secrets in Vault
}

// startStores starts the servers and fills them. They may be stopped whatever the
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
	if s.redisDoor, err = openDoor(s.redis.Address); err != nil {
		return s, err
	}
	if s.vaultDoor, err = openDoor(s.vault.Address); err != nil {
		return s, err
	}
	if err := s.fillRedis(ctx, all); err != nil {
		return s, err
	}
	return s, s.fillVault(ctx, all)
}

func (s *stores) stop() {
	for _, d := range []*door{s.redisDoor, s.vaultDoor} {
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

// fillRedis stores the configs as state.redis keeps them.
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

// fillers is how many secrets are written at a time.
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

// vaultPath is where the fleet's secrets are in Vault.
const vaultPath = "secret/data/dapr/" + secretFolder

// write writes a secret past the door, as an administrator does.
func (s *stores) write(ctx context.Context, name string, entries map[string]string) error {
	return s.vault.Write(ctx, vaultPath+name, entries)
}

// metadata are those of every process's Component.
func (s *stores) metadata(p plan) map[string]string {
	return map[string]string{
		"configStore": "state.redis", "configStore.redisHost": s.redisDoor.address(), "configStore.redisPassword": redisPassword,
		"secretStore": "secretstores.hashicorp.vault", "secretStore.vaultAddr": fmt.Sprintf("http://%s", s.vaultDoor.address()),
		"secretStore.vaultToken": s.token, "secretStore.enginePath": "secret", "secretStore.vaultKVPrefix": "dapr",
		"cacheTTL": p.ttl().String(), "breakerInterval": p.breakerInterval().String(),
	}
}
