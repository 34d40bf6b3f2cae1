package main

import (
	"fmt"
	"slices"
	"strings"

	"wxgate/interop/http11/probe"
	"wxgate/interop/rig"
)

// suites are the prefixes of the cases' IDs, by row of the table of totals.
var suites = []string{"RFC COMP", "MAL", "NORM", "SMUG"}

// report prints the tables. Each scored case that the gateway, the first server, fails
// counts as a failure of the program.
func report(r *rig.Rig, servers []server, results [][]result) {
	var names []string
	for _, s := range servers {
		names = append(names, s.name)
	}
	cases := probe.Cases()
	totals := rig.NewTable(append([]string{"suite"}, names...)...)
	for _, suite := range suites {
		totals.Add(append([]string{suite}, totalsOf(suite, cases, results, len(servers))...)...)
	}
	totals.Print("Http11Probe's scored cases: passed, warned of, failed")
	warned := rig.NewTable("case", names[0], "right")
	failed := rig.NewTable(append(append([]string{"case"}, names...), "right")...)
	for i, c := range cases {
		gateway := results[i][0]
		if !c.Unscored && gateway.grade == probe.Failed {
			r.Check(false)
		}
		if !c.Unscored && gateway.grade == probe.Warned {
			warned.Add(c.ID, gateway.outcome.String(), c.Pass)
		}
		if slices.ContainsFunc(results[i], func(got result) bool { return got.grade == probe.Failed }) {
			failed.Add(failedRow(c, results[i])...)
		}
	}
	warned.Print("scored cases that the suite warns of at the gateway")
	failed.Print("cases that some server fails (*: not scored)")
}

// failedRow has the outcome of a case at each server.
func failedRow(c probe.Case, results []result) []string {
	id := c.ID
	if c.Unscored {
		id += "*"
	}
	row := []string{id}
	for _, got := range results {
		row = append(row, cell(got))
	}
	return append(row, c.Pass)
}

func cell(got result) string {
	return []string{"FAILED: ", "warned: ", ""}[got.grade] + got.outcome.String()
}

// totalsOf counts the grades of a suite's scored cases, for each server.
func totalsOf(suite string, cases []probe.Case, results [][]result, servers int) []string {
	cells := make([]string, servers)
	for j := range servers {
		var n [3]int
		for i, c := range cases {
			if !c.Unscored && slices.ContainsFunc(strings.Fields(suite), func(prefix string) bool { return strings.HasPrefix(c.ID, prefix) }) {
				n[results[i][j].grade]++
			}
		}
		cells[j] = fmt.Sprintf("%d, %d, %d", n[probe.Passed], n[probe.Warned], n[probe.Failed])
	}
	return cells
}
