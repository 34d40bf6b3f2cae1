package main

// usage is the sum over some nodes: processor time in seconds, memory in bytes, and the
// number of commands, each since the start.
type usage struct{ cpu, memory, commands float64 }

func usageOf(nodes []*node) (u usage) {
	for _, n := range nodes {
		u.cpu += n.info("cpu", "used_cpu_user") + n.info("cpu", "used_cpu_sys")
		u.memory += n.info("memory", "used_memory")
		u.commands += n.info("stats", "total_commands_processed")
	}
	return u
}
