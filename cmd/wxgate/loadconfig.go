package main

import (
	"os"

	"wxgate/internal/config"
)

// configFlag is the flag of the commands that read a config file.
type configFlag struct {
	Config string `default:"config.yaml" env:"WXGATE_CONFIG" placeholder:"FILE" help:"The config file (default: config.yaml)."`
}

// load loads the config file that the flag names.
func (c configFlag) load() (*config.Config, error) { return loadConfig(c.Config) }

// loadConfig loads and validates a config file. Package wechat validates the keys
// that only it can parse (SM2, platform certificates), so that a file with an invalid
// one is refused as a whole.
func loadConfig(file string) (*config.Config, error) {
	cfg, err := config.Load(file, os.LookupEnv)
	if err != nil {
		return nil, err
	}
	if err := wechatConfig(cfg).Validate(); err != nil {
		return nil, config.Error{{File: file, Key: "apps", What: err.Error()}}
	}
	return cfg, nil
}
