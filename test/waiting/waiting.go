// Package waiting says how long tests wait. It imports nothing but the standard library.
package waiting

import "time"

// Long is how long a test waits for what must happen. It is far longer than anything takes on an
// idle machine, because a machine may be busy with other work. Only a test that fails waits so
// long.
const Long = 2 * time.Minute
