package storetest

import (
	"time"
)

// Long is longer than any test waits. A wait that ends sooner ended for its own reason.
const Long = 20 * time.Second

// Tick is how often a test checks whether something has happened.
const Tick = 50 * time.Millisecond
