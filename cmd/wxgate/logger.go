package main

import (
	"io"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"wxgate/internal/config"
)

// logger is the process's log. A reload can change its level.
type logger struct {
	*zap.Logger
	first *zap.Logger // writes a line before those that out holds back, and releases them
	level zap.AtomicLevel
	out   *logQueue
}

// firstLineWriter writes by logQueue.writeFirst.
type firstLineWriter struct{ *logQueue }

func (w firstLineWriter) Write(line []byte) (int, error) { return w.writeFirst(line) }

// newLogger returns a logger that writes to out, in the configured format.
func newLogger(out io.Writer, c config.Log) *logger {
	l := &logger{level: zap.NewAtomicLevel(), out: newLogQueue(out)}
	l.setLevel(c.Level)
	l.Logger = zap.New(zapcore.NewCore(logEncoder(c.Format), l.out, l.level))
	l.first = zap.New(zapcore.NewCore(logEncoder(c.Format), firstLineWriter{l.out}, l.level))
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

// setLevel sets the level of the config's log.level, whose values are zap's names.
func (l *logger) setLevel(name string) {
	if level, err := zapcore.ParseLevel(name); err == nil {
		l.level.SetLevel(level)
	}
}

// close writes the queued lines, for logCloseTimeout at most.
func (l *logger) close() { l.out.close() }
