package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// door is an address on loopback behind which a server is. Shut, it ends what goes
// through it, and every new connection at once, as a server does that is down; and
// it counts those, which the server cannot. The server keeps its data.
type door struct {
	server   string
	listener net.Listener
	all      sync.WaitGroup

	mu     sync.Mutex
	shut   bool
	inside map[net.Conn]bool
	knocks []time.Time // of connections while it was shut
	open   int         // connections of clients that are inside
}

func openDoor(server string) (*door, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	d := &door{server: server, listener: l, inside: map[net.Conn]bool{}}
	d.all.Go(d.serve)
	return d, nil
}

func (d *door) address() string { return d.listener.Addr().String() }

func (d *door) serve() {
	for {
		conn, err := d.listener.Accept()
		if err != nil {
			return // it is closed
		}
		d.all.Go(func() { d.pass(conn) })
	}
}

// pass carries one connection to the server and back.
func (d *door) pass(client net.Conn) {
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

// enter lets a connection in unless the door is shut; clients is by how many clients
// more there are then.
func (d *door) enter(conn net.Conn, clients int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.shut {
		if clients > 0 {
			d.knocks = append(d.knocks, time.Now())
		}
		return false
	}
	d.inside[conn] = true
	d.open += clients
	return true
}

func (d *door) leave(conn net.Conn, clients int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.inside, conn)
	d.open += clients
}

// connections returns how many clients are connected.
func (d *door) connections() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open
}

// setShut shuts or opens the door.
func (d *door) setShut(shut bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shut = shut
	if shut {
		for conn := range d.inside {
			_ = conn.Close()
		}
	}
}

// knocked returns when connections came while it was shut.
func (d *door) knocked() []time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.knocks
}

func (d *door) close() {
	_ = d.listener.Close()
	d.setShut(true)
	d.all.Wait()
}
