package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// original is a Python process with the original library.
type original struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Reader
}

type originalRequest struct {
	Call     string   `json:"call"`
	GUID     string   `json:"guid"`
	Store    string   `json:"store"`
	Way      string   `json:"way"`
	Count    int      `json:"count"`
	Programs []string `json:"programs"`
}

type originalAnswer struct {
	Value   string  // JSON
	Seconds float64 // of a call that measures
	Error   string
}

// startOriginal starts a version in a deployment with this name and additional environment.
// Logging is off, so that the measurement does not include it.
func (p *testbed) startOriginal(ctx context.Context, deployment string, env ...string) (*original, error) {
	python, err := p.version.python()
	if err != nil {
		return nil, err
	}
	o := &original{cmd: exec.CommandContext(ctx, python, "-B", "-c", p.version.program+"\n"+commonProgram)}
	o.cmd.Dir = p.folder // for its own files
	o.cmd.Stderr = os.Stderr
	o.cmd.Env = append(os.Environ(),
		fmt.Sprintf("DAPR_HTTP_PORT=%d", p.daprd.HTTPPort), fmt.Sprintf("DAPR_GRPC_PORT=%d", p.daprd.GRPCPort),
		"ATLAN_DEPLOYMENT_NAME="+deployment, "ATLAN_TEMPORARY_PATH="+filepath.Join(p.folder, "tmp"),
		"ATLAN_ENABLE_OBSERVABILITY_DAPR_SINK=false", "LOG_LEVEL=CRITICAL",
		"DEPLOYMENT_NAME="+deployment)
	o.cmd.Env = append(o.cmd.Env, env...)
	if o.in, err = o.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := o.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	o.lines = bufio.NewReader(out)
	return o, o.cmd.Start()
}

func (o *original) ask(r originalRequest) (originalAnswer, error) {
	var answer originalAnswer
	if err := json.NewEncoder(o.in).Encode(r); err != nil {
		return answer, err
	}
	line, err := o.lines.ReadBytes('\n')
	if err != nil {
		return answer, fmt.Errorf("the original library has ended: %w", errors.Join(err, o.cmd.Wait()))
	}
	return answer, json.Unmarshal(line, &answer)
}

// stop ends the process.
func (o *original) stop() {
	_ = o.in.Close()
	_ = o.cmd.Wait()
}
