package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"credential-resolver/test/container"
)

// services forwards connections to the addresses of Services, which are loopback addresses.
type services struct {
	mu        sync.Mutex
	ports     []servicePort
	names     []string // lines for /etc/hosts
	api       string   // the address of the API server, as a Service
	listeners []net.Listener
}

// servicePort is a port of a Service, and who answers on it.
type servicePort struct {
	address string // on which connections arrive
	dial    func(ctx context.Context) (net.Conn, error)
}

// Forward reads the Services of the API server, and forwards their addresses on this machine and
// in the pods that are started later. It must be called once, before any pod is started. A
// Service without a selector is on this machine.
func (n *Node) Forward(ctx context.Context) error {
	var list corev1.ServiceList
	if err := n.API.Do(ctx, "GET", "/api/v1/services", nil, &list); err != nil {
		return err
	}
	s := &n.services
	for _, service := range list.Items {
		if service.Spec.ClusterIP == corev1.ClusterIPNone {
			continue
		}
		name := service.Name + "." + service.Namespace + ".svc"
		s.names = append(s.names, fmt.Sprintf("%s %s %s.cluster.local", service.Spec.ClusterIP, name, name))
		for _, port := range service.Spec.Ports {
			if name == "kubernetes.default.svc" {
				s.api = net.JoinHostPort(service.Spec.ClusterIP, strconv.Itoa(int(port.Port)))
			}
			s.ports = append(s.ports, servicePort{
				address: net.JoinHostPort(service.Spec.ClusterIP, strconv.Itoa(int(port.Port))),
				dial:    n.backend(service, port.TargetPort),
			})
		}
	}
	return s.forwardIn(n.host)
}

// backend returns a function that connects to a port of a pod of a Service.
func (n *Node) backend(service corev1.Service, port intstr.IntOrString) func(context.Context) (net.Conn, error) {
	selector := labels.SelectorFromSet(service.Spec.Selector)
	return func(ctx context.Context) (net.Conn, error) {
		if selector.Empty() {
			return n.host.Dial(ctx, "tcp", net.JoinHostPort("127.0.0.1", port.String()))
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, p := range n.pods {
			if p.Spec.Namespace == service.Namespace && selector.Matches(labels.Set(p.Spec.Labels)) {
				return p.net.Dial(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port(port))))
			}
		}
		return nil, fmt.Errorf("no pod of the service %s runs", service.Name)
	}
}

// port returns the number of a port, which may be the name of a port of a container.
func (p *Pod) port(port intstr.IntOrString) int {
	for _, c := range p.Spec.Spec.Containers {
		for _, named := range c.Ports {
			if port.Type == intstr.String && named.Name == port.StrVal {
				return int(named.ContainerPort)
			}
		}
	}
	return port.IntValue()
}

// hosts returns the lines of /etc/hosts for the Services.
func (s *services) hosts() string { return strings.Join(s.names, "\n") + "\n" }

// forwardIn forwards the addresses of all Services in a namespace.
func (s *services) forwardIn(ns container.Network) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, port := range s.ports {
		l, err := ns.Listen(port.address)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
		go accept(l, port.dial)
	}
	return nil
}

func (s *services) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close()
	}
}

// accept forwards the connections of a listener until it is closed.
func accept(l net.Listener, dial func(context.Context) (net.Conn, error)) {
	for {
		in, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = in.Close() }()
			out, err := dial(context.Background())
			if err != nil {
				return
			}
			defer func() { _ = out.Close() }()
			forward(in.(*net.TCPConn), out.(*net.TCPConn))
		}()
	}
}

// forward copies both directions of a connection until both have ended.
func forward(a, b *net.TCPConn) {
	var wg sync.WaitGroup
	for _, pair := range [][2]*net.TCPConn{{a, b}, {b, a}} {
		wg.Go(func() {
			_, err := io.Copy(pair[0], pair[1])
			if errors.Join(err, pair[0].CloseWrite()) != nil {
				_ = a.Close()
				_ = b.Close()
			}
		})
	}
	wg.Wait()
}
