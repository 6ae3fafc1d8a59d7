// Package wirelimit limits the memory that a server can make its clients use, whatever
// the server sends: an error page, random bytes, a length of gigabytes or an endless
// answer. It wraps connections ([Conn]), HTTP answers ([Transport]) and files ([ReadFile]).
// It knows how protocols mark the length of a message, and nothing of stores.
package wirelimit

import "errors"

// ErrTooLarge is what a client gets that would have to hold more than its bounds allow.
// The bytes that led to it are not passed on.
var ErrTooLarge = errors.New("the server sent, or announced, more than an answer may hold")

// ErrMalformed is what a client gets from a server that does not speak the protocol.
var ErrMalformed = errors.New("the server does not speak the protocol that is expected of it")

const (
	// MaxMessage bounds one message of a protocol, and the body of an HTTP answer. A
	// config has at most 1 MiB, which encodings may double.
	MaxMessage = 3 << 20
	// RoomSize is how much the unfinished answers of one store may hold together.
	RoomSize = 6 << 20
	// free is what each answer may hold without a share of the room.
	free = 16 << 10
	// grain is what shares are multiples of, so that the end of an answer has its room.
	grain = 64 << 10
)
