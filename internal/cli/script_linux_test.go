package cli_test

import "testing"

// Scripts that read /proc.
func TestScriptsOfLinux(t *testing.T) { runScripts(t, "testdata/script_linux") }
