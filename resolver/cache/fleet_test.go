package cache_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"credential-resolver/resolver"
	"credential-resolver/resolver/cache"
	"credential-resolver/resolver/credential"
	"credential-resolver/resolver/resolvertest"
)

// A fleet of processes on the same stores. Each process uses credentials of its own.
const (
	processes       = 20
	credentialsEach = 10
	bin             = 10 * time.Second
	binsInATTL      = int(cache.DefaultTTL / bin)
)

// usual is the expected number of reads per bin when the stores work.
var usual = float64(processes*credentialsEach) * bin.Seconds() / (0.825 * cache.DefaultTTL.Seconds())

type fleet struct {
	*resolvertest.Stores

	t       *testing.T
	members []*cache.Handler
}

func testFleet(t *testing.T, test func(f *fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		o := cache.DefaultOptions()
		o.Now = time.Now // the time of the synctest bubble
		f := &fleet{Stores: resolvertest.New(t), t: t}
		for i := range processes {
			for j := range credentialsEach {
				name := fmt.Sprintf("%d-%d", i, j)
				f.Configs.Put(name, `{"credentialSource":"agent","secret-path":"`+name+`","password":"pw"}`)
				f.Secrets.Put(name, map[string]string{"pw": "one"})
			}
			opts := f.Options()
			opts.Cache = o
			member := cache.New(o).Over(resolver.New(opts), resolver.DefaultTimeout)
			defer member.Close()
			f.members = append(f.members, member)
		}
		test(f)
	})
}

// run runs the fleet for a number of bins and requests each credential once a second. It
// returns the number of config reads per bin.
func (f *fleet) run(bins int) []float64 {
	var counts []float64
	for range bins {
		before := len(f.Configs.Asked())
		for range int(bin / time.Second) {
			for i, member := range f.members {
				for j := range credentialsEach {
					_, err := member.Resolve(f.t.Context(), fmt.Sprintf("%d-%d", i, j), cache.Ask{})
					require.NoError(f.t, err)
				}
			}
			<-time.After(time.Second)
			synctest.Wait()
		}
		counts = append(counts, float64(len(f.Configs.Asked())-before))
	}
	return counts
}

// deviation is the standard deviation from the usual number of reads.
func deviation(counts []float64) float64 {
	squares := 0.0
	for _, n := range counts {
		squares += (n - usual) * (n - usual)
	}
	return math.Sqrt(squares / float64(len(counts)))
}

func TestRefreshJitterSpreadsAFleet(t *testing.T) {
	testFleet(t, func(f *fleet) {
		f.run(8 * binsInATTL)
		require.Less(f.t, deviation(f.run(2*binsInATTL)), usual/2)
	})
}

func TestStoreOutageAddsNoLoadToTheOther(t *testing.T) {
	testFleet(t, func(f *fleet) {
		f.run(4 * binsInATTL)
		f.Secrets.Before(resolvertest.Any, resolvertest.Fail(credential.Unavailable))
		down := f.run(5 * binsInATTL)
		require.Less(f.t, slices.Max(down), 8*usual, "while the retries back off")
		require.Less(f.t, slices.Max(down[2*binsInATTL:]), 2*usual)

		f.Secrets.Before(resolvertest.Any, nil)
		require.Less(f.t, deviation(f.run(4*binsInATTL)), usual/2, "the reads must be spread evenly")
	})
}
