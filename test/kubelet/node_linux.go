package kubelet

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	corev1 "k8s.io/api/core/v1"

	"credential-resolver/test/harness"
)

// Image is what a container's image contains, and how it starts.
type Image struct {
	// Files are the files of the image: their paths in the container, and on this machine.
	Files map[string]string
	// Entrypoint and Cmd are as in the image's configuration.
	Entrypoint, Cmd []string
	// UID and GID are the image's user.
	UID, GID int64
	// Pulled is closed when the image is on the node. nil: it is there from the start.
	Pulled <-chan struct{}
}

// Node runs pods.
type Node struct {
	// API is the API server that the pods are on.
	API *harness.Kubernetes
	// Images are the images that containers may have, by the names in the pods.
	Images map[string]Image

	dir    string // of everything that is on a disk
	memory string // of what is in memory
	host   netns

	watchdog *exec.Cmd
	alive    io.Closer // the watchdog waits for its end

	mu       sync.Mutex
	pods     []*Pod
	services services
}

// NewNode returns a node without pods. Remove it at the end.
func NewNode(api *harness.Kubernetes, images map[string]Image) (*Node, error) {
	n := &Node{API: api, Images: images}
	var err error
	if n.dir, err = os.MkdirTemp("", "node-"); err != nil {
		return n, err
	}
	if n.memory, err = os.MkdirTemp("/dev/shm", "node-"); err != nil {
		return n, err
	}
	if n.host, err = currentNetns(); err != nil {
		return n, err
	}
	// Containers of any user must reach their files.
	return n, errors.Join(os.Chmod(n.dir, 0o755), os.Chmod(n.memory, 0o755), os.Mkdir(n.runcDir(), 0o700), n.startWatchdog())
}

// startWatchdog starts a process that kills all containers and removes all files when this
// process ends, in whatever way.
func (n *Node) startWatchdog() (err error) {
	n.watchdog = exec.Command("sh", "-c", `
		read -r _
		for container in $(runc --root "$1" list -q); do runc --root "$1" delete --force "$container"; done
		rm -rf "$2" "$3"`, "sh", n.runcDir(), n.dir, n.memory)
	n.watchdog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if n.alive, err = n.watchdog.StdinPipe(); err != nil {
		return err
	}
	return n.watchdog.Start()
}

func (n *Node) runcDir() string { return filepath.Join(n.dir, "runc") }

// Remove kills all pods and removes their files.
func (n *Node) Remove() {
	n.mu.Lock()
	pods := n.pods
	n.pods = nil
	n.mu.Unlock()
	for _, p := range pods {
		p.end()
	}
	if n.alive != nil {
		_ = n.alive.Close()
		_ = n.watchdog.Wait()
	}
	for _, p := range pods {
		p.net.close()
	}
	n.services.close()
	n.host.close()
}

// Pod prepares a pod of the API server: its network and its volumes. Start it next.
func (n *Node) Pod(ctx context.Context, namespace, name string) (*Pod, error) {
	spec := &corev1.Pod{}
	if err := n.API.Do(ctx, "GET", "/api/v1/namespaces/"+namespace+"/pods/"+name, nil, spec); err != nil {
		return nil, err
	}
	p := &Pod{
		Spec: spec, node: n, stopped: make(chan struct{}),
		dir:    filepath.Join(n.dir, string(spec.UID)),
		memory: filepath.Join(n.memory, string(spec.UID)),
	}
	for _, dir := range []string{p.dir, p.memory} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	var err error
	if p.net, err = newNetns(); err != nil {
		return nil, err
	}
	n.mu.Lock()
	n.pods = append(n.pods, p)
	n.mu.Unlock()
	if err := p.makeVolumes(ctx); err != nil {
		return nil, err
	}
	if err := n.services.forwardIn(p.net); err != nil {
		return nil, err
	}
	for i := range spec.Spec.InitContainers {
		p.Init = append(p.Init, p.newContainer(&spec.Spec.InitContainers[i]))
	}
	for i := range spec.Spec.Containers {
		p.Containers = append(p.Containers, p.newContainer(&spec.Spec.Containers[i]))
	}
	return p, nil
}
