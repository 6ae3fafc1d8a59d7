package pluggable

// Phase is a part of a server's life. The set is closed.
type Phase int32

// The phases. The zero value is Starting.
const (
	// Starting is before daprd can see the socket.
	Starting Phase = iota
	// Serving is while the server serves and has not been told to stop.
	Serving
	// Stopping is after that. During ShutdownDelay the server still answers.
	Stopping
)

// String returns the phase in one word.
func (p Phase) String() string {
	switch p {
	case Serving:
		return "serving"
	case Stopping:
		return "stopping"
	default:
		return "starting"
	}
}

// Phase returns the phase that the server is in.
func (s *Server[S]) Phase() Phase { return Phase(s.phase.Load()) }

func (s *Server[S]) enter(p Phase) { s.phase.Store(int32(p)) }
