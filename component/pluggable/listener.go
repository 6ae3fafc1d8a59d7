package pluggable

import (
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dapr/kit/logger"
)

// warnInterval is the least time between two warnings of a kind that a peer can cause at
// will.
const warnInterval = time.Minute

// listener accepts connections, identifies their peers, and limits the number of connections.
type listener struct {
	net.Listener

	identifier identifier
	allowed    []uint32 // the users that may call
	onEnd      func(*connection)
	log        logger.Logger
	tooMany    rate.Sometimes // limits how often the warning is logged
	unknown    rate.Sometimes // likewise

	mu      sync.Mutex
	all     int // open connections
	refused int // part of all: connections of users that may not call
	byPeer  map[process]int
	alone   chan struct{} // closed when no peer that may call is connected; nil: nobody waits for that
}

func newListener(l net.Listener, single bool, allowed []uint32, log logger.Logger, onEnd func(*connection)) *listener {
	return &listener{
		Listener: l, identifier: identifier{single: single}, allowed: allowed, log: log, onEnd: onEnd,
		tooMany: rate.Sometimes{Interval: warnInterval}, unknown: rate.Sometimes{Interval: warnInterval},
		byPeer: map[process]int{},
	}
}

// Accept implements net.Listener. It closes a connection that exceeds a limit, and logs the
// reason. The peer cannot be told, because the connection does not speak gRPC yet.
func (l *listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if uid, full := l.fullFor(accepted); full {
			l.tooMany.Do(func() {
				l.log.Warnf("there are too many connections of users that may not call: one of uid %d was closed", uid)
			})
			_ = accepted.Close()
			continue
		}
		c := &connection{Conn: accepted}
		c.peer, c.pidfd = l.identifier.identify(accepted)
		control(accepted, func(fd int) { _, _, c.pid = peerCredentials(fd) })
		c.allowed = slices.Contains(l.allowed, c.peer.uid)
		c.onEnd = func(c *connection) {
			l.uncount(c)
			l.onEnd(c)
		}
		if l.count(c) {
			l.warnOfUnknown(c)
			return c, nil
		}
		l.tooMany.Do(func() { l.log.Warnf("there are too many connections: one of %s was closed", c.peer) })
		_ = accepted.Close()
		c.pidfd.close()
	}
}

// warnOfUnknown logs a warning with the remedy if the kernel does not identify a peer.
func (l *listener) warnOfUnknown(c *connection) {
	if c.peer.lasting() {
		return
	}
	l.unknown.Do(func() {
		l.log.Warnf("this kernel does not identify %s: daprd must be restarted after each new connection; "+
			"to avoid this, use Linux 6.9 or later, or --single-daprd if only one daprd uses the socket", c.peer)
	})
}

// fullFor reports whether a connection exceeds maxRefusedConnections: its user may not call,
// and such users have too many connections already. It returns the user too, which is valid
// only if such users have too many. It asks the kernel only for the user, which is cheap,
// because a stranger may connect as fast as it can.
func (l *listener) fullFor(c net.Conn) (uid uint32, full bool) {
	l.mu.Lock()
	full = l.refused >= maxRefusedConnections
	l.mu.Unlock()
	if !full {
		return 0, false
	}
	uid = userOf(c)
	return uid, !slices.Contains(l.allowed, uid)
}

// count adds a connection. It returns false if there are too many of all peers, or of its own.
// A peer that the kernel does not identify has one connection.
func (l *listener) count(c *connection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= maxConnections || l.byPeer[c.peer] >= maxPeerConnections {
		return false
	}
	l.all++
	if !c.allowed {
		l.refused++
	}
	l.byPeer[c.peer]++
	return true
}

// uncount removes a connection that count has added.
func (l *listener) uncount(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if !c.allowed {
		l.refused--
	}
	if l.byPeer[c.peer]--; l.byPeer[c.peer] == 0 {
		delete(l.byPeer, c.peer)
	}
	l.tellAlone()
}

// empty returns a channel that is closed once no peer that may call is connected.
func (l *listener) empty() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.alone == nil {
		l.alone = make(chan struct{})
	}
	alone := l.alone
	l.tellAlone()
	return alone
}

// tellAlone closes alone if no peer that may call is connected. The caller holds the lock.
func (l *listener) tellAlone() {
	if l.alone != nil && l.all == l.refused {
		close(l.alone)
		l.alone = nil
	}
}
