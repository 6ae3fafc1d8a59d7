package wirelimit

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Room is what the unfinished answers of one store share. An answer that needs more than
// a little waits until there is room for it.
type Room struct {
	size int64
	left *semaphore.Weighted
}

// NewRoom returns an empty room of so many bytes.
func NewRoom(size int64) *Room { return &Room{size, semaphore.NewWeighted(size)} }

// share is what one answer holds of a room.
type share struct {
	room *Room
	held int64
}

// grow makes the share large enough for an answer of size bytes. It waits for room as
// long as ctx allows. An answer that would not fit into an empty room is ErrTooLarge.
func (s *share) grow(ctx context.Context, size int64) error {
	switch more := size - free - s.held; {
	case more > s.room.size:
		return ErrTooLarge
	case more > 0:
		if err := s.room.left.Acquire(ctx, more); err != nil {
			return err
		}
		s.held += more
	}
	return nil
}

// release gives the share back.
func (s *share) release() {
	if s.held > 0 {
		s.room.left.Release(s.held)
		s.held = 0
	}
}
