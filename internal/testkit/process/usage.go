package process

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Memory returns a field of /proc/PID/status in bytes, such as VmRSS or VmHWM.
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
	kib, err := strconv.ParseInt(string(words[0]), 10, 64) // proc(5): kB, which are KiB
	return kib << 10, err
}

// ResetPeak sets VmHWM to the current VmRSS.
func (p *Process) ResetPeak() error { return os.WriteFile(p.proc("clear_refs"), []byte("5"), 0) }

// clockTick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux.
const clockTick = 10 * time.Millisecond

// CPU returns the processor time used by the process and by its children that are
// still running.
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

// cpuOf returns utime plus stime, fields 14 and 15 of /proc/PID/stat. Field 2, the
// name, may contain spaces and brackets and ends with the last bracket.
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
	return time.Duration(user+system) * clockTick, nil
}

func (p *Process) proc(file string) string {
	return filepath.Join("/proc", strconv.Itoa(p.PID), file)
}
