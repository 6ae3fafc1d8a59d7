//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/test/harness"
)

// kernel is how the kernel identifies a process in another PID namespace.
type kernel struct {
	name   string
	binary string // the component's binary for it
	pidfds bool   // SO_PEERPIDFD identifies a process
}

func kernels(t *testing.T) []kernel {
	t.Helper()
	return []kernel{
		{"with pidfds", resolverBinary(t), true},
		{"without pidfds", binary(t, "CREDENTIAL_RESOLVER_NOPIDFD", "credential-resolver-race-nopidfd"), false},
	}
}

// namespaces states which processes have their own PID namespace.
type namespaces struct{ component, a, b bool }

func (n namespaces) String() string {
	own := map[bool]string{true: "own", false: "same"}
	return fmt.Sprintf("component %s, A %s, B %s", own[n.component], own[n.a], own[n.b])
}

// allNamespaces has all combinations. A and B are interchangeable.
var allNamespaces = []namespaces{
	{false, false, false},
	{false, true, false},
	{false, true, true},
	{true, false, false},
	{true, true, false},
	{true, true, true},
}

// TestTenants runs two daprds with one component, in every combination of PID namespaces. Both
// have a Component named "credentials", with separate stores. Each process is restarted and
// each Component edited. No daprd may ever get the other's answer, and each must get its own
// again. The exception is a restart of the component if the kernel cannot identify a daprd:
// then the daprd must get Unavailable with the remedy.
func TestTenants(t *testing.T) {
	t.Parallel()
	for _, k := range kernels(t) {
		for _, n := range allNamespaces {
			t.Run(k.name+", "+n.String(), func(t *testing.T) {
				t.Parallel()
				s := startTenants(t, k, n)
				s.restartComponent(t)
				for _, x := range []*tenant{s.a, s.b} {
					x.daprd.Kill()
					s.start(t, x)
					s.requireOwn(t)
				}
				for _, x := range []*tenant{s.a, s.b} {
					s.edit(t, x)
					s.requireOwn(t)
				}
			})
		}
	}
}

// tenants are two daprds with one component.
type tenants struct {
	kernel     kernel
	namespaces namespaces
	sockets    string
	component  *harness.Component
	a, b       *tenant
}

// tenant is one daprd, with a name that only its own stores contain.
type tenant struct {
	name      string
	otherPIDs bool
	component resource
	folder    resourceFolder
	daprd     *harness.Daprd
	edits     int
}

func startTenants(t *testing.T, k kernel, n namespaces) *tenants {
	t.Helper()
	s := &tenants{
		kernel: k, namespaces: n, sockets: socketFolder(t),
		a: newTenant(t, "a", n.a), b: newTenant(t, "b", n.b),
	}
	s.startComponent(t)
	s.start(t, s.a)
	s.requireAnswer(t, s.a)
	s.start(t, s.b)
	s.requireOwn(t)
	return s
}

func newTenant(t *testing.T, name string, otherPIDs bool) *tenant {
	t.Helper()
	stores := newStores(t)
	stores.config(t, "who", `{"credentialSource":"agent","it":"secret"}`)
	stores.secret(t, "secret", map[string]string{"value": name})
	x := &tenant{name: name, otherPIDs: otherPIDs, component: credentials("credentials", stores.metadata(nil))}
	x.folder = newResourceFolder(t, x.component)
	return x
}

func (s *tenants) startComponent(t *testing.T) {
	t.Helper()
	s.component = startComponent(t, harness.ComponentOptions{
		Binary: s.kernel.binary, SocketFolder: s.sockets, OtherPIDs: s.namespaces.component,
	})
}

func (s *tenants) start(t *testing.T, x *tenant) {
	t.Helper()
	x.daprd = launchDaprdWith(t, harness.DaprdOptions{
		SocketFolder: s.sockets, ResourcesPath: string(x.folder), OtherPIDs: x.otherPIDs,
	})
	require.NoError(t, x.daprd.AwaitReady(t.Context()))
}

// restartComponent kills and starts the component. If the connection is a daprd's identity,
// both daprds must be restarted, as the error tells them.
func (s *tenants) restartComponent(t *testing.T) {
	t.Helper()
	s.component.Kill()
	s.startComponent(t)
	if s.kernel.pidfds || !s.namespaces.component {
		s.requireOwn(t)
		return
	}
	for _, x := range []*tenant{s.a, s.b} {
		require.Eventually(t, func() bool {
			return strings.Contains(s.ask(t, x), "restart daprd") && strings.Contains(s.ask(t, x), "--single-daprd")
		}, patience, tick)
		x.daprd.Kill()
		s.start(t, x)
	}
	s.requireOwn(t)
}

// edit changes a Component's metadata, and waits until daprd has reloaded it.
func (s *tenants) edit(t *testing.T, x *tenant) {
	t.Helper()
	before := count(x.daprd, "Component updated: ")
	x.edits++
	x.component.metadata = maps.Clone(x.component.metadata)
	x.component.metadata["requestTimeout"] = fmt.Sprintf("%ds", 10+x.edits)
	x.folder.write(t, x.component)
	require.Eventually(t, func() bool { return count(x.daprd, "Component updated: ") > before }, patience, tick)
}

// ask requests a tenant's credential. An answer must be its own. ask returns the text of an
// error.
func (s *tenants) ask(t *testing.T, x *tenant) string {
	t.Helper()
	r, err := ask(t.Context(), x.daprd, "credentials", "who")
	require.NoError(t, err)
	if r.message != "" {
		return r.message
	}
	require.Equal(t, x.name, r.entries["it"], "got another tenant's answer")
	return ""
}

// requireAnswer waits until a tenant gets an answer.
func (s *tenants) requireAnswer(t *testing.T, x *tenant) {
	t.Helper()
	last := ""
	require.Eventually(t, func() bool {
		last = s.ask(t, x)
		return last == ""
	}, patience, tick, "%s", &last)
}

func (s *tenants) requireOwn(t *testing.T) {
	t.Helper()
	s.requireAnswer(t, s.a)
	s.requireAnswer(t, s.b)
}

// TestConnectionDialledAgain reconnects a daprd without Init, as after an idle time. Another
// daprd has a Component of the same name.
func TestConnectionDialledAgain(t *testing.T) {
	t.Parallel()
	for _, k := range kernels(t) {
		for _, n := range allNamespaces {
			t.Run(k.name+", "+n.String(), func(t *testing.T) {
				t.Parallel()
				sockets := socketFolder(t)
				startComponent(t, harness.ComponentOptions{Binary: k.binary, SocketFolder: sockets, OtherPIDs: n.component})
				socket := filepath.Join(sockets, "credential-resolver.sock")
				a, b := newTenant(t, "a", n.a), newTenant(t, "b", n.b)
				ofA, ofB := startPeer(t, socket, peerOptions{otherPIDs: n.a}), startPeer(t, socket, peerOptions{otherPIDs: n.b})
				require.Empty(t, ofA.init(t, a.component))
				require.Empty(t, ofB.init(t, b.component))
				requireDialsAgain(t, ofA, a, k.pidfds || !n.component)
				requireDialsAgain(t, ofB, b, k.pidfds || !n.component)
			})
		}
	}
}

func requireDialsAgain(t *testing.T, p *peer, x *tenant, identified bool) {
	t.Helper()
	entries, failure := p.get(t, "credentials", "who")
	require.Empty(t, failure)
	require.Equal(t, x.name, entries["it"])

	p.redial(t, "credentials")
	entries, failure = p.get(t, "credentials", "who")
	if identified {
		require.Empty(t, failure)
		require.Equal(t, x.name, entries["it"])
		return
	}
	require.Contains(t, failure, "code = Unavailable")
	require.Contains(t, failure, "--single-daprd")
	require.Empty(t, p.init(t, x.component), "Init must succeed, as from a restarted daprd")
	entries, failure = p.get(t, "credentials", "who")
	require.Empty(t, failure)
	require.Equal(t, x.name, entries["it"])
}

// TestStranger tries to use another's Component: from a process that never sent Init, and from
// a process of another user.
func TestStranger(t *testing.T) {
	t.Parallel()
	const other = 65534
	for _, k := range kernels(t) {
		for _, own := range []bool{false, true} {
			t.Run(fmt.Sprint(k.name, ", component's PID namespace its own: ", own), func(t *testing.T) {
				t.Parallel()
				sockets := socketFolder(t)
				startComponent(t, harness.ComponentOptions{
					Binary: k.binary, SocketFolder: sockets, OtherPIDs: own, Args: []string{"--socket-mode", "0666"},
				})
				socket := filepath.Join(sockets, "credential-resolver.sock")
				victim, thief := newTenant(t, "victim", true), newTenant(t, "thief", true)
				v := startPeer(t, socket, peerOptions{otherPIDs: true})
				require.Empty(t, v.init(t, victim.component))

				same := startPeer(t, socket, peerOptions{otherPIDs: true})
				_, failure := same.do(t, peerCall{Do: "dial", Component: "credentials"})
				require.Empty(t, failure)
				entries, failure := same.get(t, "credentials", "who")
				require.Contains(t, failure, "code = Unavailable")
				require.Empty(t, entries, "a process without Init must get nothing")
				require.Empty(t, same.init(t, thief.component))

				if os.Getuid() == 0 { // only root can start a process of another user
					stranger := startPeer(t, socket, peerOptions{uid: other, otherPIDs: true})
					for _, failure := range []string{
						stranger.init(t, thief.component),
						func() string { _, failure := stranger.get(t, "credentials", "who"); return failure }(),
					} {
						require.Contains(t, failure, "code = PermissionDenied")
						require.Contains(t, failure, fmt.Sprint("--allow-uid ", other))
					}
				}
				entries, failure = v.get(t, "credentials", "who")
				require.Empty(t, failure)
				require.Equal(t, "victim", entries["it"], "the victim's instance must be unchanged")
			})
		}
	}
}

// TestSingleDaprd restarts the component while the kernel cannot identify its daprd. With
// --single-daprd, the daprd must still be served.
func TestSingleDaprd(t *testing.T) {
	t.Parallel()
	for _, k := range kernels(t) {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			x := newTenant(t, "a", true)
			s := &tenants{kernel: k, sockets: socketFolder(t), a: x}
			o := harness.ComponentOptions{Binary: k.binary, SocketFolder: s.sockets, OtherPIDs: true, Args: []string{"--single-daprd"}}
			first := startComponent(t, o)
			s.start(t, x)
			s.requireAnswer(t, x)

			first.Kill()
			startComponent(t, o)
			s.requireAnswer(t, x)
			x.daprd.Kill()
			s.start(t, x)
			s.requireAnswer(t, x)
		})
	}
}

// TestDaprdOfAnotherUser checks what a daprd of another user logs, and that --allow-uid lets it
// in.
func TestDaprdOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Log("only root can start a process of another user; TestAnotherUserIsRefused has a stand-in")
		return
	}
	const other = 65534
	launch := func(t *testing.T, args ...string) *harness.Daprd {
		t.Helper()
		x := newTenant(t, "a", false)
		require.NoError(t, filepath.WalkDir(string(x.folder), func(path string, _ os.DirEntry, err error) error {
			return errors.Join(err, os.Chown(path, other, other))
		}))
		sockets := socketFolder(t)
		startComponent(t, harness.ComponentOptions{SocketFolder: sockets, Args: append(args, "--socket-mode", "0666")})
		return launchDaprdWith(t, harness.DaprdOptions{SocketFolder: sockets, ResourcesPath: string(x.folder), UID: other, Dir: "/"})
	}
	t.Run("it is refused, and says so", func(t *testing.T) {
		d := launch(t)
		requireEnds(t, d.Process, "daprd goes on without its Component")
		require.Contains(t, d.Log(), "PermissionDenied")
		require.Contains(t, d.Log(), fmt.Sprint("--allow-uid ", other))
	})
	t.Run("it is allowed", func(t *testing.T) {
		d := launch(t, "--allow-uid", fmt.Sprint(other))
		require.NoError(t, d.AwaitReady(t.Context()))
		r, err := ask(t.Context(), d, "credentials", "who")
		require.NoError(t, err)
		require.Equal(t, "a", r.entries["it"], r.message)
	})
}

// TestRecordsOfAnotherPIDNamespace checks that the records of a daprd in another PID namespace
// are removed when it ends.
func TestRecordsOfAnotherPIDNamespace(t *testing.T) {
	t.Parallel()
	x := newTenant(t, "a", true)
	state := filepath.Join(t.TempDir(), "state")
	s := &tenants{kernel: kernels(t)[0], sockets: socketFolder(t), a: x}
	o := harness.ComponentOptions{Binary: s.kernel.binary, SocketFolder: s.sockets, OtherPIDs: true, StateDir: state}
	records := func() int {
		paths, err := filepath.Glob(filepath.Join(state, "*", "*"))
		require.NoError(t, err)
		return len(paths)
	}
	first := startComponent(t, o)
	s.start(t, x)
	s.requireAnswer(t, x)
	require.Equal(t, 1, records())
	first.Kill()
	startComponent(t, o)
	require.Equal(t, 1, records(), "the daprd's end has not been observed yet")
	s.requireAnswer(t, x)
	x.daprd.Kill()
	require.Eventually(t, func() bool { return records() == 0 }, patience, tick, "the record must be removed after the daprd came back and ended")
}
