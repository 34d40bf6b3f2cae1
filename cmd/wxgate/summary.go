package main

import (
	"fmt"
	"strings"

	"wxgate/internal/config"
)

// describeStore says where sessions are stored.
func describeStore(c *config.Config) string {
	addrs := strings.Join(addresses(c.Redis.Addrs), ", ")
	switch {
	case addrs == "":
		return "sessions in this process"
	case c.Redis.MasterName != "":
		return fmt.Sprintf("Redis master %s by Sentinel at %s", c.Redis.MasterName, addrs)
	case c.Redis.Cluster:
		return "Redis Cluster at " + addrs
	}
	return "Redis at " + addrs
}

// describeConfig returns the last line of check.
func describeConfig(c *config.Config) string {
	return fmt.Sprintf("config ok: %s, %s, %s", counted(len(c.Apps), "app"), counted(len(c.Routes), "route"), describeStore(c))
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
