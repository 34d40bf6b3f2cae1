package main

import (
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/internal/config"
)

// logFlush is how long a line may wait to be written. Batching saves a system
// call a request; errors are written at once.
const logFlush = 100 * time.Millisecond

// logger is the process's log, with a level that a reload can change.
type logger struct {
	*zap.Logger
	level zap.AtomicLevel
	out   *zapcore.BufferedWriteSyncer
}

// newLogger writes to out, as JSON or for a console.
func newLogger(out io.Writer, c config.Log) *logger {
	l := &logger{level: zap.NewAtomicLevel(), out: &zapcore.BufferedWriteSyncer{WS: zapcore.AddSync(out), FlushInterval: logFlush}}
	l.setLevel(c.Level)
	l.Logger = zap.New(zapcore.NewCore(logEncoder(c.Format), l.out, l.level))
	return l
}

func logEncoder(format string) zapcore.Encoder {
	e := zap.NewProductionEncoderConfig()
	e.TimeKey, e.EncodeTime = "time", zapcore.RFC3339NanoTimeEncoder
	e.EncodeDuration = zapcore.SecondsDurationEncoder
	if format == "console" {
		e.EncodeLevel = zapcore.CapitalLevelEncoder
		e.EncodeTime = zapcore.ISO8601TimeEncoder
		return zapcore.NewConsoleEncoder(e)
	}
	return zapcore.NewJSONEncoder(e)
}

// setLevel takes one of the config's words, which are zap's.
func (l *logger) setLevel(word string) {
	if level, err := zapcore.ParseLevel(word); err == nil {
		l.level.SetLevel(level)
	}
}

// close writes what is still buffered.
func (l *logger) close() { _ = l.out.Stop() }
