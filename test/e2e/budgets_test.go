//go:build e2e && linux

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/test/harness"
)

// mostMemory is the most memory that the component may use for one request, in bytes.
const mostMemory = 200 << 20

// TestBudgets requests small configs that would resolve to very large credentials. Without a
// budget, they used gigabytes of memory and crashed the component. The test runs the binary
// without the race detector, which needs more memory.
func TestBudgets(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.secret(t, "b", map[string]string{"k": strings.Repeat("x", 64<<10), "l": "y"})
	s.secret(t, "small", map[string]string{"k": strings.Repeat("x", 4<<10)})
	const marks = `{"credential-resolver":{"references":"explicit"},`
	amplifying := map[string]string{
		"extra":    `{"credentialSource":"agent","secret-path":"b","extra":{` + repeated(20_000, `"k"`) + `}}`,
		"top":      `{"credentialSource":"agent","secret-path":"b",` + repeated(20_000, `"k"`) + `}`,
		"text":     marks + `"a":"` + strings.Repeat("${small#k}", 585<<10/len("${small#k}")) + `"}`,
		"values":   marks + repeated(20_000, `{"secretKeyRef":{"name":"b","key":"k"}}`) + `}`,
		"urlquery": marks + `"a":"` + strings.Repeat("${b#k|urlquery}", 30_000) + `"}`,
		"json":     marks + `"a":"` + strings.Repeat("${b#k|json}", 30_000) + `"}`,
		"base64":   marks + `"a":"` + strings.Repeat("${b#k|base64}", 30_000) + `"}`,
		"chain":    marks + `"a":"${b#k` + strings.Repeat("|urlquery", 100_000) + `}"}`,
	}
	for guid, config := range amplifying {
		s.config(t, guid, config)
	}
	s.config(t, "many", `{"credentialSource":"agent",`+repeated(50_000, `"v%d"`)+`}`)
	s.config(t, "good", `{"credentialSource":"agent","secret-path":"b","a":"l"}`)
	s.config(t, "wide", `{"credentialSource":"agent","secret-path":"b","a":"l","extra":{`+repeated(50_000, "%d")+`}}`)
	plain := binary(t, "CREDENTIAL_RESOLVER", "credential-resolver")
	side := startSidecar(t, harness.ComponentOptions{Binary: plain}, credentials("credentials", s.metadata(nil)))
	pid, sdk := side.component.Pid(), side.sdk(t) // over HTTP, daprd accepts only 4 KiB of metadata
	refused := func(guid string, code codes.Code, says string, metadata ...string) {
		t.Helper()
		began := time.Now()
		_, failure := sdk.GetSecret(t.Context(), "credentials", guid, pairs(metadata))
		require.ErrorContains(t, failure, "code = "+code.String()+` desc = credential "`+guid+`": `)
		require.ErrorContains(t, failure, says)
		peak, err := side.component.PeakMemory()
		require.NoError(t, err, "the component has ended:\n%s", side.component.Log())
		require.Less(t, peak, int64(mostMemory), guid)
		t.Logf("%-9s %-19s %7.1f ms, peak memory %3d MiB", guid, code, time.Since(began).Seconds()*1e3, peak>>20)
	}
	for guid := range amplifying {
		refused(guid, codes.ResourceExhausted, "with its secrets it is larger than the runtime's limit of 4 MiB")
	}
	refused("many", codes.FailedPrecondition, "metadata maxSecrets")
	refused("wide", codes.InvalidArgument, "more than 100 fields", "fields="+strings.Repeat("f,", 100)+"f")
	refused("wide", codes.InvalidArgument, "more than 64 levels", "fields=extra"+strings.Repeat(".f", 64))
	refused("wide", codes.InvalidArgument, "more than 16 KiB", "fields="+strings.Repeat("extra.f1,", 80_000)+"f")

	entries, failure := side.get(t, "credentials", "wide", "fields=a,extra.f49999")
	require.Empty(t, failure)
	require.Equal(t, map[string]string{"a": "y", "extra.f49999": "49999"}, entries)
	entries, failure = side.get(t, "credentials", "good")
	require.Empty(t, failure)
	require.Equal(t, "y", entries["a"])
	require.Equal(t, pid, side.component.Pid())
	peak, err := side.component.PeakMemory()
	require.NoError(t, err)
	require.Less(t, peak, int64(mostMemory))
}

// repeated returns n fields with a value. The value may contain a placeholder for the field's
// number.
func repeated(n int, value string) string {
	var text strings.Builder
	for i := range n {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `"f%d":`, i)
		if strings.Contains(value, "%d") {
			fmt.Fprintf(&text, value, i)
		} else {
			text.WriteString(value)
		}
	}
	return text.String()
}

// TestRefreshInALoop lets one application send refresh requests in a loop. There must be one
// read per second, and every other refresh request must get one too.
func TestRefreshInALoop(t *testing.T) {
	t.Parallel()
	s := newStores(t)
	s.config(t, "c", `{"a":"b"}`)
	side := startSidecar(t, harness.ComponentOptions{}, credentials("credentials", s.metadata(nil)))
	began := time.Now()
	for range 4 {
		_, failure := side.get(t, "credentials", "c", "refresh=true")
		require.Empty(t, failure)
	}
	require.GreaterOrEqual(t, time.Since(began), 3*time.Second, "every refresh after the first must wait")
}
