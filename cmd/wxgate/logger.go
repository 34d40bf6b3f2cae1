package main

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/internal/config"
)

// logger is the process's log, with a level that a reload can change.
type logger struct {
	*zap.Logger
	first *zap.Logger // writes ahead of what was logged since out.hold
	level zap.AtomicLevel
	out   *logQueue
}

// firstLine is a logger's way to logQueue.writeFirst.
type firstLine struct{ *logQueue }

func (l firstLine) Write(line []byte) (int, error) { return l.writeFirst(line) }

// newLogger writes to out, as JSON or for a console.
func newLogger(out io.Writer, c config.Log) *logger {
	l := &logger{level: zap.NewAtomicLevel(), out: newLogQueue(out)}
	l.setLevel(c.Level)
	l.Logger = zap.New(zapcore.NewCore(logEncoder(c.Format), l.out, l.level))
	l.first = zap.New(zapcore.NewCore(logEncoder(c.Format), firstLine{l.out}, l.level))
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

// close writes what is still queued, if its reader reads.
func (l *logger) close() { l.out.close() }
