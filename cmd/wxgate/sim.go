package main

import "errors"

type simCommand struct {
	Listen string `default:"127.0.0.1:8081" placeholder:"ADDRESS" help:"Where the simulator listens (default: 127.0.0.1:8081)."`
}

func (c *simCommand) Run() error { return errors.New("not built yet") }
