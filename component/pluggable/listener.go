package pluggable

import (
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/dapr/kit/logger"
)

// warnInterval is how often a warning is repeated that a peer can provoke at will.
const warnInterval = time.Minute

// listener accepts connections, identifies their peers, and bounds how many there are.
type listener struct {
	net.Listener

	identifier identifier
	allowed    []uint32 // the users that may call
	onEnd      func(*connection)
	log        logger.Logger
	tooMany    rate.Sometimes // a warning
	unknown    rate.Sometimes // likewise

	mu      sync.Mutex
	all     int
	refused int // of all, those of users that may not call
	byPeer  map[process]int
	alone   chan struct{} // closed when nobody that may call is connected; nil: nobody waits for that
}

func newListener(l net.Listener, single bool, allowed []uint32, log logger.Logger, onEnd func(*connection)) *listener {
	return &listener{
		Listener: l, identifier: identifier{single: single}, allowed: allowed, log: log, onEnd: onEnd,
		tooMany: rate.Sometimes{Interval: warnInterval}, unknown: rate.Sometimes{Interval: warnInterval},
		byPeer: map[process]int{},
	}
}

// Accept implements net.Listener. It closes a connection above a bound. The reason goes
// to the log, since nothing can be said over the connection before it speaks gRPC.
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

// warnOfUnknown says what it means that the kernel does not identify a peer.
func (l *listener) warnOfUnknown(c *connection) {
	if c.peer.lasting() {
		return
	}
	l.unknown.Do(func() {
		l.log.Warnf("this kernel does not identify %s: after each new connection daprd must be restarted; "+
			"Linux 6.9 identifies it, and --single-daprd does without, if one daprd alone uses the socket", c.peer)
	})
}

// counted returns the process that the connection counts for. Connections without an
// identity of their own count together, by user and group.
func (p process) counted() process {
	p.connection = 0
	return p
}

// fullFor returns the user of a connection, and whether that user may not call and such
// users have too many connections. It asks the kernel for the user alone, which is
// cheap: a stranger may connect as fast as it can.
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

// count counts a connection in; false if there are too many.
func (l *listener) count(c *connection) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	ofPeer := maxPeerConnections
	if !c.peer.lasting() {
		ofPeer = maxConnections // of all daprds of its user
	}
	if l.all >= maxConnections || !c.allowed && l.refused >= maxRefusedConnections || l.byPeer[c.peer.counted()] >= ofPeer {
		return false
	}
	l.all++
	if !c.allowed {
		l.refused++
	}
	l.byPeer[c.peer.counted()]++
	return true
}

// uncount counts a connection out.
func (l *listener) uncount(c *connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if !c.allowed {
		l.refused--
	}
	if l.byPeer[c.peer.counted()]--; l.byPeer[c.peer.counted()] == 0 {
		delete(l.byPeer, c.peer.counted())
	}
	l.tellAlone()
}

// empty returns what is closed once nobody is connected that may call.
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

// tellAlone closes alone if it is time. The caller has the lock.
func (l *listener) tellAlone() {
	if l.alone != nil && l.all == l.refused {
		close(l.alone)
		l.alone = nil
	}
}
