// Package wirelimit limits the memory that a server can make its clients use, whatever the
// server sends: an error page, random bytes, a length of gigabytes or an endless answer. It
// wraps connections ([Conn]) and HTTP answers ([Transport]). It knows how protocols mark the
// length of a message, and nothing about stores.
package wirelimit

import "errors"

// ErrTooLarge is returned to a client if an answer exceeds its limits. The bytes that exceeded
// them are not passed on.
var ErrTooLarge = errors.New("the server sent or announced an answer that is too large")

// ErrMalformed is returned to a client if the server does not speak the protocol.
var ErrMalformed = errors.New("the server does not speak the expected protocol")

const (
	// MaxMessage limits one message of a protocol, and the body of an HTTP answer, in bytes. A
	// config has at most 1 MiB, and encodings may double that.
	MaxMessage = 3 << 20
	// RoomSize is how many bytes the unfinished answers of one store may use together.
	RoomSize = 6 << 20
	// free is how many bytes each answer may use without a share of the room.
	free = 16 << 10
	// grain is the unit of shares: they are rounded up to a multiple of it, so that the rest
	// of an answer has room.
	grain = 64 << 10
)
