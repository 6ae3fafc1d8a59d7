package storetest

import (
	"time"

	"credential-resolver/test/waiting"
)

// Long is longer than any test waits. A wait that ends sooner ended for its own reason.
const Long = waiting.Long

// Tick is how often a test checks whether something has happened.
const Tick = 50 * time.Millisecond
