package main

import "errors"

type devCommand struct {
	Listen string `default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Where the gateway listens (default: 127.0.0.1:8080)."`
}

func (c *devCommand) Run() error { return errors.New("not built yet") }
