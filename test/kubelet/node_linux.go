package kubelet

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"credential-resolver/test/container"
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

	engine *container.Engine
	host   container.Network

	mu       sync.Mutex
	pods     []*Pod
	services services
}

// NewNode returns a node without pods. Remove it at the end.
func NewNode(api *harness.Kubernetes, images map[string]Image) (*Node, error) {
	n := &Node{API: api, Images: images}
	var err error
	if n.host, err = container.HostNetwork(); err != nil {
		return n, err
	}
	n.engine, err = container.NewEngine()
	return n, err
}

// Remove kills all pods and removes their files.
func (n *Node) Remove() {
	n.mu.Lock()
	pods := n.pods
	n.pods = nil
	n.mu.Unlock()
	for _, p := range pods {
		p.end()
	}
	if n.engine != nil {
		n.engine.Remove()
	}
	for _, p := range pods {
		p.net.Close()
	}
	n.services.close()
	n.host.Close()
}

// Pod prepares a pod of the API server: its network and its volumes. Start it next.
func (n *Node) Pod(ctx context.Context, namespace, name string) (*Pod, error) {
	spec := &corev1.Pod{}
	if err := n.API.Do(ctx, "GET", "/api/v1/namespaces/"+namespace+"/pods/"+name, nil, spec); err != nil {
		return nil, err
	}
	p := &Pod{
		Spec: spec, node: n, stopped: make(chan struct{}),
		dir:    filepath.Join(n.engine.Dir, string(spec.UID)),
		memory: filepath.Join(n.engine.Memory, string(spec.UID)),
	}
	for _, dir := range []string{p.dir, p.memory} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	var err error
	if p.net, err = container.NewNetwork(); err != nil {
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
		p.Init = append(p.Init, &Container{Spec: &spec.Spec.InitContainers[i], pod: p})
	}
	for i := range spec.Spec.Containers {
		p.Containers = append(p.Containers, &Container{Spec: &spec.Spec.Containers[i], pod: p})
	}
	return p, nil
}
