package storetest

import (
	"time"
)

// Long is longer than any test should wait. What ends sooner did not end because of this
// limit.
const Long = 20 * time.Second

// Tick is how often a test checks whether something has happened.
const Tick = 50 * time.Millisecond
