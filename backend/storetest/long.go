package storetest

import (
	"time"
)

// Long is more than any test waits: what ends sooner ended for its own reason.
const Long = 20 * time.Second

// Tick is how often a test looks whether something has come.
const Tick = 50 * time.Millisecond
