package rig

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// stopWait is how long a process may take to end by itself.
const stopWait = 5 * time.Second

// Process is a program that runs beside this one. It has a process group of its
// own, so that its children end with it.
type Process struct {
	Name string
	PID  int

	cmd    *exec.Cmd
	log    string // what it prints
	exited chan struct{}
}

// Start starts a program, its output kept in a file of the run.
func (r *Rig) Start(name string, cmd *exec.Cmd) (*Process, error) {
	log, err := os.Create(r.Path(fmt.Sprintf("%s%d.log", name, len(r.processes))))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{Name: name, PID: cmd.Process.Pid, cmd: cmd, log: log.Name(), exited: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.exited) }()
	r.processes = append(r.processes, p)
	return p, nil
}

// Self starts this program again, in the part that the arguments name.
func (r *Rig) Self(name string, args ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return r.Start(name, exec.Command(self, args...))
}

// end ends what was started, the last first.
func (r *Rig) end() {
	for _, p := range slices.Backward(r.processes) {
		p.stop()
	}
}

func (p *Process) stop() {
	_ = syscall.Kill(-p.PID, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopWait):
	}
	_ = syscall.Kill(-p.PID, syscall.SIGKILL) // and what it left behind
}

// lastWords are the last lines of every process's output, for an error.
func (r *Rig) lastWords() string {
	var b strings.Builder
	for _, p := range r.processes {
		if text := p.output(); text != "" {
			lines := strings.Split(strings.TrimSpace(text), "\n")
			fmt.Fprintf(&b, "\n--- %s\n%s", p.Name, strings.Join(lines[max(0, len(lines)-10):], "\n"))
		}
	}
	return b.String()
}

func (p *Process) output() string {
	text, _ := os.ReadFile(p.log)
	return string(text)
}

// Printed waits for the process to print what the expression matches, and gives
// its first group.
func (p *Process) Printed(ctx context.Context, expression string) (string, error) {
	re := regexp.MustCompile(expression)
	var found []string
	err := p.await(ctx, func() bool {
		found = re.FindStringSubmatch(p.output())
		return found != nil
	})
	if err != nil {
		return "", err
	}
	return found[1], nil
}

// Listening waits until the process takes connections. The network is tcp or
// unix.
func (p *Process) Listening(ctx context.Context, network, address string) error {
	return p.await(ctx, func() bool {
		conn, err := net.DialTimeout(network, address, time.Second)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

func (p *Process) await(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Second)
	defer cancel()
	for !ready() {
		select {
		case <-p.exited:
			return fmt.Errorf("%s has ended", p.Name)
		case <-ctx.Done():
			return fmt.Errorf("%s doesn't get ready", p.Name)
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// Port is a free port on loopback.
func Port() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

// Memory is a field of /proc/PID/status in bytes, such as VmRSS or VmHWM.
func (p *Process) Memory(field string) (int64, error) {
	status, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(status, []byte("\n"+field+":"))
	words := bytes.Fields(rest)
	if !ok || len(words) == 0 {
		return 0, fmt.Errorf("no %s of %s", field, p.Name)
	}
	kib, err := strconv.ParseInt(string(words[0]), 10, 64)
	return kib << 10, err
}

// ForgetPeak sets VmHWM back to what is resident now.
func (p *Process) ForgetPeak() error { return os.WriteFile(p.proc("clear_refs"), []byte("5"), 0) }

// tick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux.
const tick = 10 * time.Millisecond

// CPU is the processor time that the process and its children now alive have used.
func (p *Process) CPU() (time.Duration, error) {
	total, err := cpuOf(p.PID)
	if err != nil {
		return 0, err
	}
	children, err := os.ReadFile(p.proc(filepath.Join("task", strconv.Itoa(p.PID), "children")))
	if err != nil {
		return 0, err
	}
	for _, word := range strings.Fields(string(children)) {
		pid, err := strconv.Atoi(word)
		if err != nil {
			return 0, err
		}
		used, err := cpuOf(pid)
		if err != nil {
			return 0, err
		}
		total += used
	}
	return total, nil
}

// cpuOf is utime and stime, fields 14 and 15; the second field, the name, may
// hold spaces and ends with the last bracket.
func cpuOf(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	var user, system int64
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 13 {
		return 0, io.ErrUnexpectedEOF
	}
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		return 0, err
	}
	return time.Duration(user+system) * tick, nil
}

func (p *Process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.PID), file)
}
