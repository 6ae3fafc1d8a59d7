// Package harness starts the real programs for the end-to-end tests, the demo and the
// benchmarks: daprd, the component, and the stores' servers. They run as plain processes on
// free ports of loopback, and are stopped by pid.
package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"credential-resolver/test/waiting"
)

// Process is a program that was started.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  *logBuffer
	done chan struct{}
	err  error

	killed atomic.Bool // by Kill
}

// command says how to start a program.
type command struct {
	path string
	args []string
	env  []string // in addition to this process's environment
	dir  string
	log  io.Writer // receives its output too; may be nil
	keep bool      // it keeps running when this process ends
	uid  uint32    // its user; 0 means the user of this process
	pids bool      // it gets its own PID namespace

	group bool // it leads its own process group

	ports *Ports // that it listens on: they are released when it ends; nil if another releases them
}

func start(c command) (*Process, error) {
	p := &Process{name: filepath.Base(c.path), log: &logBuffer{also: c.log}, done: make(chan struct{})}
	p.cmd = exec.Command(c.path, c.args...)
	p.cmd.Env = append(os.Environ(), c.env...)
	p.cmd.Dir = c.dir
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: c.group}
	if c.uid != 0 {
		p.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: c.uid, Gid: c.uid}
	}
	if c.pids {
		OtherPIDs(p.cmd.SysProcAttr)
	}
	if c.keep {
		p.cmd.Stdout, p.cmd.Stderr = c.log, c.log // a file, because a pipe would end with this process
		p.cmd.SysProcAttr.Setsid = true
	} else {
		dieWithParent(p.cmd.SysProcAttr)
	}
	started := make(chan error)
	go func() {
		// The kernel kills the program when the thread that started it ends. So no program
		// outlives a test that is killed.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			defer close(p.done)
		}
		c.ports.Release()
	}()
	return p, <-started
}

// StartAlone starts a program in a PID namespace of its own: all that it starts ends with it.
func StartAlone(path string, args, env []string, dir string) (*Process, error) {
	return start(command{path: path, args: args, env: env, dir: dir, pids: true})
}

// Pid returns the program's process ID.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Log returns the program's output so far.
func (p *Process) Log() string { return p.log.String() }

// Signal sends a signal to the program.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Stop asks the program to end and waits for it. A program that does not end is killed, and
// Stop returns an error.
func (p *Process) Stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
		return p.err
	case <-time.After(waiting.Long):
		_ = p.cmd.Process.Kill()
		<-p.done
		return fmt.Errorf("%s did not end within %v of SIGTERM", p.name, waiting.Long)
	}
}

// Ended returns a channel that is closed when the program has ended.
func (p *Process) Ended() <-chan struct{} { return p.done }

// Err waits for the program's end and returns how it ended: nil is exit status 0.
func (p *Process) Err() error {
	<-p.done
	return p.err
}

// Killed tells whether Kill was called.
func (p *Process) Killed() bool { return p.killed.Load() }

// Kill kills the program.
func (p *Process) Kill() {
	p.killed.Store(true)
	_ = p.cmd.Process.Kill()
	<-p.done
}

// pollInterval is how often a starting program is checked for readiness.
const pollInterval = 20 * time.Millisecond

// await waits until ready returns true, the program ends, or ctx ends.
func (p *Process) await(ctx context.Context, ready func() bool) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for !ready() {
		select {
		case <-ticker.C:
		case <-p.done:
			return fmt.Errorf("%s ended before it was ready: %w\n%s", p.name, errOr(p.err), p.Log())
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time: %w\n%s", p.name, ctx.Err(), p.Log())
		}
	}
	return nil
}

func errOr(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// logBuffer collects a program's output.
type logBuffer struct {
	also io.Writer

	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.also != nil {
		_, _ = b.also.Write(p)
	}
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
