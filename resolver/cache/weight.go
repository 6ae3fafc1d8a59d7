package cache

import "credential-resolver/resolver/credential"

// scale weighs entries so that one bound on their weight bounds their number too: each
// weighs as much, at least, as if there were as many as may be.
type scale struct {
	unit  int64  // bytes
	least int64  // units
	most  uint64 // units, of all together
}

func (o Options) scale() scale {
	s := scale{unit: o.MaxBytes>>30 + 1} // a weight has 32 bits
	units, entries := o.MaxBytes/s.unit, int64(o.MaxEntries)
	s.least = (units + entries - 1) / entries
	s.most = uint64(units) //nolint:gosec // it is not below zero
	if units >= entries {
		s.most = uint64(s.least * entries) //nolint:gosec // likewise
	}
	return s
}

// weigh is the weight of so many bytes.
func (s scale) weigh(size int) uint32 {
	return uint32(min(max(s.least, int64(size)/s.unit), 1<<31)) //nolint:gosec // it is within bounds
}

// weightOf estimates the memory that a credential takes in a cache, with its encoded
// answers, which are kept beside it if they are not large: each may be as large as it
// is, and larger if there is much to escape.
func weightOf(guid string, fields credential.Object) int {
	size := credential.SizeOf(fields)
	return len(guid) + credential.EntryOverhead + size + memoSlots*min(max(size, fields.JSONSize()), maxMemo)
}
