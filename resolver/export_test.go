package resolver

// Refreshing returns of how many GUIDs it is remembered when they were last read for
// refresh.
func (c *Cached) Refreshing() int {
	c.refreshes.mu.Lock()
	defer c.refreshes.mu.Unlock()
	return len(c.refreshes.routes)
}

// SizeOf returns how much memory an object is taken for.
func SizeOf(o Object) int { return sizeOf(o) }
