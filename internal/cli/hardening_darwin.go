package cli

// forbidReading does nothing. On macOS, other processes of the same user cannot read a
// process's memory unless they have the debugger entitlement. PT_DENY_ATTACH would block those
// too, but is easily undone.
func forbidReading() error { return nil }
