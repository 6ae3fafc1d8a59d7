package cli

// garbageRoom is how much garbage may gather before it is collected, at the least,
// in bytes.
const garbageRoom = 16 << 20

// roomForGarbage returns what gives the garbage collector room, for as long as it is
// kept. Go collects when the heap has grown by GOGC hundredths (100); ours is so small
// that this is every few hundred requests, and a seventh of what they cost. Memory that
// nobody touches counts as heap and takes none of the machine's; a heap that has become
// large is collected as ever. GOGC and GOMEMLIMIT mean what they always do.
func roomForGarbage() []byte { return make([]byte, garbageRoom) }
