package wirelimit

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// Room is the memory that the unfinished answers of one store share. An answer that exceeds
// its free allowance waits until there is room.
type Room struct {
	size int64
	left *semaphore.Weighted
}

// NewRoom returns an empty room of size bytes.
func NewRoom(size int64) *Room { return &Room{size, semaphore.NewWeighted(size)} }

// share is the part of a room that one answer uses.
type share struct {
	room *Room
	held int64
}

// grow makes the share large enough for an answer of size bytes. An answer without a share
// waits for room until ctx ends. An answer that already has a share does not wait: if it needs
// more than is left, the error is ErrTooLarge, because it would block other answers. The error
// is also ErrTooLarge if the answer would not fit into an empty room.
func (s *share) grow(ctx context.Context, size int64) error {
	if size -= free; size <= s.held {
		return nil
	}
	wanted := min((size+grain-1)/grain*grain, s.room.size)
	more := wanted - s.held
	switch {
	case size > s.room.size:
		return ErrTooLarge
	case s.held == 0:
		if err := s.room.left.Acquire(ctx, more); err != nil {
			return err
		}
	case !s.room.left.TryAcquire(more):
		return ErrTooLarge
	}
	s.held = wanted
	return nil
}

// release gives the share back.
func (s *share) release() {
	if s.held > 0 {
		s.room.left.Release(s.held)
		s.held = 0
	}
}
