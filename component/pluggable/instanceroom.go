package pluggable

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// begin returns the instance of a key for an Init, and adds it if it is new. The instance is
// not dropped before end is called. The error is a gRPC status.
func (s *instances[T]) begin(key instanceKey) (*instance[T], error) {
	in, evicted, err := s.find(key)
	if evicted != nil {
		evicted.drop()
		s.disremember(evicted.key)
		s.sweepAnswers()
	}
	return in, err
}

// find returns the instance of a key, and adds it if it is new. At maxInstances it evicts an
// instance whose peer has not come back, if there is one.
func (s *instances[T]) find(key instanceKey) (in, evicted *instance[T], err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	in = s.byKey[key]
	if in == nil {
		if evicted, err = s.room(key.peer); err != nil {
			return nil, nil, err
		}
		if evicted != nil {
			delete(s.byKey, evicted.key)
		}
		in = newInstance[T](key)
		s.byKey[key] = in
	}
	in.inits++
	return in, evicted, nil
}

// room checks whether a peer may have one more instance. It returns the instance to evict for
// it, or nil if there is room. Its error has the gRPC code ResourceExhausted. The caller
// holds the lock.
func (s *instances[T]) room(peer process) (absent *instance[T], err error) {
	ofPeer := 0
	for key, in := range s.byKey {
		if key.peer == peer {
			ofPeer++
		}
		if absent == nil && in.inits == 0 && in.absent() {
			absent = in
		}
	}
	switch {
	case ofPeer >= maxPeerInstances:
		return nil, status.Errorf(codes.ResourceExhausted, "this daprd already has %d Components of this type, which is the limit", ofPeer)
	case len(s.byKey) < maxInstances:
		return nil, nil
	case absent == nil:
		return nil, status.Errorf(codes.ResourceExhausted, "this component already has %d instances, which is the limit", len(s.byKey))
	}
	return absent, nil
}
