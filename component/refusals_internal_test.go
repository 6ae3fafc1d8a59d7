package component

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"credential-resolver/component/pluggable"
	"credential-resolver/internal/audit"
	"credential-resolver/internal/logtext"
)

// A stranger that calls in a loop must not fill the disk.
func TestTheCallsOfStrangersGetFewLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, err := audit.NewKeys([]byte(strings.Repeat("k", audit.KeySize)))
		require.NoError(t, err)
		text, log := &logtext.Text{}, &logtext.Text{}
		w, err := audit.NewWriter(audit.Options{
			Keys: keys, Stream: text, Log: log.Logger(t.Name()), Counter: NewAuditMetrics(prometheus.NewRegistry()),
		})
		require.NoError(t, err)
		f := newRefusals(w)
		stranger := pluggable.RefusedCall{Method: "/x/Get", Code: codes.PermissionDenied, Stranger: true, Key: "not a GUID"}
		for range 1000 {
			f.refused(t.Context(), stranger)
		}
		<-time.After(time.Minute)
		for range 30 { // those of our own users all get a line
			f.refused(t.Context(), pluggable.RefusedCall{Method: "/x/Get", Code: codes.Unavailable, Key: "c"})
		}
		for range strangerBurst + 7 {
			f.refused(t.Context(), stranger)
		}
		f.close()
		w.Close()
		assert.Equal(t, strangerBurst+1+30+strangerBurst+1, strings.Count(text.String(), `"event":"refused"`))
		assert.Equal(t, 1, strings.Count(text.String(), `"more":979`))
		assert.Equal(t, 1, strings.Count(text.String(), `"more":6`))
		assert.Equal(t, 30, strings.Count(text.String(), `"guid":"c","outcome":"failed","code":"Unavailable"`))
		assert.NotContains(t, text.String(), "not a GUID")
	})
}
