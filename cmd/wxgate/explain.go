package main

import "errors"

type explainCommand struct {
	configFlag
	Method string `arg:"" help:"The request's method."`
	URL    string `arg:"" name:"url" help:"The request's URL, or its path."`
	Token  string `placeholder:"TOKEN" help:"The token that comes with it."`
}

func (c *explainCommand) Run() error { return errors.New("not built yet") }
