package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"wxgate/internal/testkit"
)

func TestLinesAreWrittenInOrderAndWhole(t *testing.T) {
	t.Parallel()
	var out testkit.Buffer
	q := newLogQueue(&out)
	var want strings.Builder
	for n := range 20_000 {
		line := fmt.Sprintf("line %d\n", n)
		want.WriteString(line)
		_, _ = q.Write([]byte(line))
	}
	q.close()
	if out.String() != want.String() || testutil.ToFloat64(q.dropped) != 0 {
		t.Errorf("%d bytes of %d, %v dropped", len(out.String()), want.Len(), testutil.ToFloat64(q.dropped))
	}
	_, _ = q.Write([]byte("late\n"))
	if testutil.ToFloat64(q.dropped) != 1 {
		t.Error("a line after close is not counted")
	}
}

func TestTheFirstLineIsWrittenBeforeThoseHeldBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first func(*logQueue)
		want  string
	}{
		"a first line":     {func(q *logQueue) { _, _ = q.writeFirst([]byte("first\n")) }, "first\na\nb\nc\n"},
		"none":             {func(q *logQueue) { q.release() }, "a\nb\nc\n"},
		"first, then none": {func(q *logQueue) { _, _ = q.writeFirst([]byte("first\n")); q.release() }, "first\na\nb\nc\n"},
	} {
		var out testkit.Buffer
		q := newLogQueue(&out)
		q.holdBack()
		_, _ = q.Write([]byte("a\n"))
		_, _ = q.Write([]byte("b\n"))
		c.first(q)
		_, _ = q.Write([]byte("c\n"))
		q.close()
		if out.String() != c.want {
			t.Errorf("%s: %q", name, out.String())
		}
	}
	var out testkit.Buffer
	q := newLogQueue(&out)
	q.holdBack()
	_, _ = q.Write([]byte("why it did not start\n"))
	q.close()
	if out.String() != "why it did not start\n" {
		t.Errorf("a start that fails: %q", out.String())
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestLinesThatCannotBeWrittenAreCounted(t *testing.T) {
	t.Parallel()
	q := newLogQueue(failing{})
	_, _ = q.Write([]byte("a\n"))
	_, _ = q.Write([]byte("b\n"))
	q.close()
	if got := testutil.ToFloat64(q.dropped); got != 2 {
		t.Errorf("%v lines counted", got)
	}
}

func TestABlockedReaderDoesNotBlockWriters(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe() // blocks until it is read
	q := newLogQueue(writer)
	line := append(bytes.Repeat([]byte("x"), 1023), '\n')
	start := time.Now()
	for range 3 * logQueueBytes / len(line) { // one queue is being written, one is full
		_, _ = q.Write(line)
	}
	if dropped := testutil.ToFloat64(q.dropped); dropped < float64(logQueueBytes/len(line))/2 || time.Since(start) > 5*time.Second {
		t.Errorf("%v dropped after %v", dropped, time.Since(start))
	}
	start = time.Now()
	q.close()
	if took := time.Since(start); took > 2*logCloseTimeout {
		t.Errorf("close took %v", took)
	}
	reader.Close()
	<-q.done
}

func TestTheGatewayServesWithoutAReaderOfItsLog(t *testing.T) {
	t.Parallel()
	for name, loseReader := range map[string]func(*os.File){
		"stops reading": func(*os.File) {},
		"exits":         func(reader *os.File) { reader.Close() },
	} {
		env := newTestEnv(t)
		public, private := testkit.MustReservePort(t), testkit.MustReservePort(t)
		defer public.Release()
		defer private.Release()
		i := env.newInstance(settings{
			"listen": fmt.Sprintf("%q", public.Addr()),
			"admin":  fmt.Sprintf("{listen: %q}", private.Addr()),
			"log":    "{level: debug}",
		})
		i.public, i.private = "http://"+public.Addr(), "http://"+private.Addr()
		reader, writer, err := os.Pipe()
		testkit.Must(t, err)
		defer reader.Close()
		cmd := gatewayCommand("serve", "--config", i.file)
		cmd.Stdout = writer
		testkit.Must(t, cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		writer.Close()
		testkit.Eventually(t, "ready", func() bool { return i.ready() == http.StatusOK })
		token := i.login("alice")
		loseReader(reader)
		for range 600 { // a pipe holds 64 KiB
			if a := i.call("GET", "/api/x", token, ""); a.Status != http.StatusOK {
				t.Fatalf("%s: %v", name, a)
			}
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		testkit.Must(t, cmd.Process.Signal(syscall.SIGTERM))
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(15 * time.Second):
			t.Errorf("%s: SIGTERM doesn't end it", name)
		}
	}
}
