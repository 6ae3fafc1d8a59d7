package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// outageProxy is a proxy on loopback that can simulate an outage of its server. While it is down, it
// ends all connections, and closes new ones at once, as a server that is down refuses them. It
// records these attempts. The server keeps its data.
type outageProxy struct {
	server   string
	listener net.Listener
	all      sync.WaitGroup

	mu      sync.Mutex
	down    bool
	inside  map[net.Conn]bool
	refused []time.Time // the times of connections while it was down
	open    int         // the number of clients connected
}

func startProxy(server string) (*outageProxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &outageProxy{server: server, listener: l, inside: map[net.Conn]bool{}}
	d.all.Go(d.serve)
	return d, nil
}

func (d *outageProxy) address() string { return d.listener.Addr().String() }

func (d *outageProxy) serve() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return // it is closed
		}
		d.all.Go(func() { d.pass(conn) })
	}
}

// pass forwards one connection to the server and back.
func (d *outageProxy) pass(client net.Conn) {
	defer func() { _ = client.Close() }()
	if !d.enter(client, 1) {
		return
	}
	defer d.leave(client, -1)
	server, err := net.Dial("tcp", d.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !d.enter(server, 0) {
		return
	}
	defer d.leave(server, 0)
	d.all.Go(func() {
		_, _ = io.Copy(server, client)
		_ = server.Close()
	})
	_, _ = io.Copy(client, server)
}

// enter registers a connection, unless the proxy is down. clients is added to the number of
// connected clients.
func (d *outageProxy) enter(conn net.Conn, clients int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.down {
		if clients > 0 {
			d.refused = append(d.refused, time.Now())
		}
		return false
	}
	d.inside[conn] = true
	d.open += clients
	return true
}

func (d *outageProxy) leave(conn net.Conn, clients int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.inside, conn)
	d.open += clients
}

// connections returns the number of connected clients.
func (d *outageProxy) connections() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

// setDown starts or ends an outage.
func (d *outageProxy) setDown(down bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = down
	if down {
		for conn := range d.inside {
			_ = conn.Close()
		}
	}
}

// refusals returns the times of the connections during outages.
func (d *outageProxy) refusals() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refused
}

func (d *outageProxy) close() {
	_ = d.listener.Close()
	d.setDown(true)
	d.all.Wait()
}
