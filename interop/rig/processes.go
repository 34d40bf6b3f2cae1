package rig

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/process"
)

// Start starts a program that the rig stops at the end of the run.
func (r *Rig) Start(name string, cmd *exec.Cmd) (*process.Process, error) {
	p, err := process.Start(name, r.Path(fmt.Sprintf("%s%d.log", name, len(r.processes))), cmd)
	if err != nil {
		return nil, err
	}
	r.processes = append(r.processes, p)
	return p, nil
}

// StartSelf starts this program again as a child process, with these arguments.
func (r *Rig) StartSelf(name string, args ...string) (*process.Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return r.Start(name, exec.Command(self, args...))
}

// Port reserves a port on loopback until the run ends.
func (r *Rig) Port() (*testkit.Port, error) {
	p, err := testkit.ReservePort()
	if err == nil {
		r.ports = append(r.ports, p)
	}
	return p, err
}

// stop stops the processes, the last one first, and releases the ports.
func (r *Rig) stop() {
	for _, p := range slices.Backward(r.processes) {
		p.Stop()
	}
	for _, p := range r.ports {
		p.Release()
	}
}

// lastLines returns the last lines of the processes' output, for an error message: three
// of each that still runs, twenty of each that has failed.
func (r *Rig) lastLines() string {
	var b strings.Builder
	for _, p := range r.processes {
		if p.ExitCode() == 0 {
			continue
		}
		count := 3
		if p.ExitCode() > 0 {
			count = 20
		}
		lines := strings.Split(strings.TrimSpace(p.Output()), "\n")
		fmt.Fprintf(&b, "\n--- %s", p.Name)
		for _, line := range lines[max(0, len(lines)-count):] {
			fmt.Fprintf(&b, "\n%.300s", line)
		}
	}
	return b.String()
}
