package main

import "errors"

type serveCommand struct {
	configFlag
}

func (c *serveCommand) Run() error { return errors.New("not built yet") }
