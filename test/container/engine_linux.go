package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
)

// Engine runs containers.
type Engine struct {
	// Dir is a folder for what containers mount. It is removed with the engine, like Memory,
	// which is in memory. Every user may search both.
	Dir, Memory string

	watchdog *exec.Cmd
	alive    io.Closer // the watchdog waits for its end

	mu      sync.Mutex
	started int
	removed bool
}

// NewEngine returns an engine without containers. Remove it at the end.
func NewEngine() (*Engine, error) {
	e := &Engine{}
	var err error
	if e.Dir, err = os.MkdirTemp("", "containers-"); err != nil {
		return e, err
	}
	if e.Memory, err = os.MkdirTemp("/dev/shm", "containers-"); err != nil {
		return e, err
	}
	return e, errors.Join(os.Chmod(e.Dir, 0o755), os.Chmod(e.Memory, 0o755),
		os.Mkdir(e.state(), 0o700), os.Mkdir(e.bundles(), 0o755), e.startWatchdog())
}

func (e *Engine) state() string   { return filepath.Join(e.Dir, "runc") }
func (e *Engine) bundles() string { return filepath.Join(e.Dir, "bundles") }

// startWatchdog starts a process that kills all containers and removes all files when this
// process ends, in whatever way.
func (e *Engine) startWatchdog() (err error) {
	e.watchdog = exec.Command("sh", "-c", `
		read -r _
		for container in $(runc --root "$1" list -q); do runc --root "$1" delete --force "$container"; done
		rm -rf "$2" "$3"`, "sh", e.state(), e.Dir, e.Memory)
	e.watchdog.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if e.alive, err = e.watchdog.StdinPipe(); err != nil {
		return err
	}
	return e.watchdog.Start()
}

// Remove kills all containers and removes all files. No container can be started afterwards.
func (e *Engine) Remove() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.removed = true
	if e.alive != nil {
		_ = e.alive.Close()
		_ = e.watchdog.Wait()
	}
}

// Start starts a container. Its output goes to log, which may be nil.
func (e *Engine) Start(spec Spec, log io.Writer) (*Container, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.removed {
		return nil, errors.New("the engine is removed")
	}
	e.started++
	c := &Container{engine: e, id: fmt.Sprintf("%s-%d", filepath.Base(e.Dir), e.started), ended: make(chan struct{})}
	bundle := filepath.Join(e.bundles(), c.id)
	if err := spec.write(bundle); err != nil {
		return nil, err
	}
	cmd := c.runc(context.Background(), "run", "--bundle", bundle, c.id)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("runc: %w", err)
	}
	go func() {
		c.err = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}
