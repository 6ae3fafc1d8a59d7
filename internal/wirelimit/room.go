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

// grow makes the share large enough for an answer of size bytes. An answer that begins to
// need a share waits for it as long as ctx allows; one that has a share, and needs more than
// is left, is ErrTooLarge: it would keep others waiting. So is an answer that would not fit
// into an empty room.
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
