package pluggable

import "time"

// Limits on what peers can use (DESIGN.md, section 9). daprd has one connection for each of
// its Components, and one more while it looks for components.
const (
	// maxInstances and maxPeerInstances bound the instances of one kind.
	maxInstances     = 1024
	maxPeerInstances = 32
	// maxInit bounds the metadata of one Init, names and values, in bytes. A bundle of
	// all public certificate authorities has some 220 KiB.
	maxInit = 512 << 10
	// maxState and maxPeerState bound the records in the state folder, in bytes.
	maxState     = 4 << 20
	maxPeerState = maxState / 4

	// maxConnections and maxPeerConnections bound the open connections.
	maxConnections     = 1024
	maxPeerConnections = 48
	// maxRefusedConnections bounds the open connections of all users that may not call.
	maxRefusedConnections = 16
	// maxRefusedCalls bounds the calls on one such connection.
	maxRefusedCalls = 1000

	// maxStreams bounds the calls under way on one connection. gRPC clients queue the calls
	// above it, so the limit is far higher than the number of calls that a daprd has under
	// way.
	maxStreams = 1024
	// maxHeaders bounds the headers of one call, in bytes. daprd sends about 200.
	maxHeaders = 16 << 10
	// handshakeTimeout bounds the time until a new connection speaks HTTP/2.
	handshakeTimeout = 10 * time.Second
)
