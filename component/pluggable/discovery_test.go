package pluggable_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dapr/dapr/pkg/components/pluggable"
	daprd "github.com/dapr/dapr/pkg/components/secretstores"

	ours "credential-resolver/component/pluggable"
	"credential-resolver/component/pluggable/pluggabletest"
)

func TestDaprdFindsTheComponent(t *testing.T) {
	folder := pluggabletest.SocketFolder(t)
	t.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", folder)
	t.Setenv("DAPR_COMPONENT_SOCKETS_FOLDER", "/nowhere")
	s := newServer(t, &echoes{}, func(o *ours.Options) { o.Name, o.SocketFolder = "found-echo", "" })
	s.socket = folder + "/found-echo.sock"
	s.start()
	require.NoError(t, s.AwaitSocket())

	// daprd uses reflection (v1alpha) and takes the component's name from the socket's file
	// name.
	require.NoError(t, pluggable.Discover(t.Context()))

	store, err := daprd.DefaultRegistry.Create("secretstores.found-echo", "v1", "")
	require.NoError(t, err)
	require.NoError(t, store.Init(t.Context(), meta("credentials", map[string]string{"say": "hi"})))
	data, err := get(store, "hello")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"echo": "HELLO", "component": "credentials", "property.say": "hi"}, data)

	require.NoError(t, store.Close())
	s.stop()
	require.NoError(t, pluggable.Discover(t.Context()), "files left in the folder must not stop another daprd")
}

func TestTheFolderIsTheOneThatDaprdLooksInto(t *testing.T) {
	cases := map[string]struct{ plural, singular, want string }{
		"the plural variable takes precedence": {"/plural", "/singular", "/plural"},
		"the singular variable alone":          {"", "/singular", "/singular"},
		"neither variable: daprd's default":    {"", "", "/tmp/dapr-components-sockets"},
		"the plural variable alone":            {"/plural", "", "/plural"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DAPR_COMPONENTS_SOCKETS_FOLDER", tc.plural)
			t.Setenv("DAPR_COMPONENT_SOCKETS_FOLDER", tc.singular)
			assert.Equal(t, tc.want, ours.SocketFolder())
		})
	}
}
