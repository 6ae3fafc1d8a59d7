package client_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"credential-resolver/client"
)

func TestDecodeByTags(t *testing.T) {
	type port uint16
	var got struct {
		Host    string `json:"host"`
		Port    port   `json:"port"`
		Text    *int   `json:"port_text"`
		Quoted  int    `json:"quoted,string"`
		Half    float32
		TLS     bool          `json:"ssl_text"`
		Wait    time.Duration `json:"wait"`
		WaitS   time.Duration `json:"wait_s"`
		WaitT   time.Duration `json:"wait_s_text"`
		Nothing string        `json:"nothing"`
		Kept    string        `json:"not_there"`
		List    []int         `json:"list"`
		Since   time.Time     `json:"since"`
		Any     any           `json:"extra"`
		Extra   struct {
			Token string `json:"token"`
			N     string `json:"-"`
		} `json:"nested"`
		Labels map[string]bool `json:"labels"`
	}
	got.Kept = "kept"
	c := parse(t, `{"host":"db","port":5432,"port_text":"5433","quoted":"7","half":0.5,"ssl_text":"true","wait":"1m30s","wait_s":10,
		"wait_s_text":"1.5","nothing":null,"list":["1",2],"since":"2026-01-02T03:04:05Z","extra":{"n":1},
		"nested":{"token":"t","-":"no"},"labels":{"a":true,"b":"false"},"unknown":{"x":[]}}`)
	require.NoError(t, c.Decode(&got))
	assert.Equal(t, "db", got.Host)
	assert.Equal(t, port(5432), got.Port)
	assert.Equal(t, 5433, *got.Text)
	assert.Equal(t, 7, got.Quoted)
	assert.InDelta(t, 0.5, got.Half, 0)
	assert.True(t, got.TLS)
	assert.Equal(t, []time.Duration{90 * time.Second, 10 * time.Second, 1500 * time.Millisecond},
		[]time.Duration{got.Wait, got.WaitS, got.WaitT})
	assert.Equal(t, "kept", got.Kept)
	assert.Equal(t, []int{1, 2}, got.List)
	assert.Equal(t, 2026, got.Since.Year())
	assert.Equal(t, map[string]any{"n": 1.0}, got.Any)
	assert.Equal(t, "t", got.Extra.Token)
	assert.Equal(t, map[string]bool{"a": true, "b": false}, got.Labels)

	var all map[string]any
	require.NoError(t, c.Decode(&all))
	assert.Equal(t, "db", all["host"])
}

func TestDecodeErrorNamesTheFieldNotTheValue(t *testing.T) {
	type nested struct {
		N int `json:"n"`
	}
	tests := map[string]struct {
		text   string
		target any
		field  string // "" if the error is about the whole value
	}{
		"text for a number":               {`{"port":"canary-1"}`, &struct{ Port int }{}, "Port"},
		"a number too large for its type": {`{"n":70000}`, &struct{ N uint16 }{}, "N"},
		"a negative number":               {`{"n":-1}`, &struct{ N uint }{}, "N"},
		"a fraction":                      {`{"n":1.5}`, &nested{}, "n"},
		"text for a boolean":              {`{"b":"canary-1"}`, &struct{ B bool }{}, "B"},
		"a number for a boolean":          {`{"b":1}`, &struct{ B bool }{}, "B"},
		"a boolean for a number":          {`{"n":true}`, &nested{}, "n"},
		"a number for a string":           {`{"s":5}`, &struct{ S string }{}, "S"},
		"an object for a number":          {`{"n":{}}`, &nested{}, "n"},
		"text for a duration":             {`{"d":"canary-1"}`, &struct{ D time.Duration }{}, "D"},
		"text for a time":                 {`{"at":"canary-1"}`, &struct{ At time.Time }{}, "At"},
		"one level down":                  {`{"extra":{"n":"canary-1"}}`, &struct{ Extra nested }{}, "extra.n"},
		"a list as the target":            {`{"n":1}`, &[]int{}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := parse(t, test.text).Decode(test.target)
			require.ErrorIs(t, err, client.ErrPrecondition)
			assert.NotContains(t, err.Error(), "canary")
			if test.field != "" {
				assert.Regexp(t, `(?i)field "`+test.field+`"`, err.Error())
			}
		})
	}
	for _, target := range []any{nil, nested{}, (*nested)(nil)} {
		require.ErrorIs(t, parse(t, `{}`).Decode(target), client.ErrInvalid)
	}
}
