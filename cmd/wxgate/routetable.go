package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"wxgate/internal/config"
)

// printRouteTable prints the routes as YAML comments, in the order in which they are
// matched.
func printRouteTable(w io.Writer, routes []config.Route) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\n# PATH\tHOST\tMETHODS\tAUTH\tUPSTREAMS\tNAME")
	for _, r := range config.MatchOrder(routes) {
		fmt.Fprintf(table, "# %s\t%s\t%s\t%s\t%s\t%s\n", r.Path, cmp.Or(r.Host, "*"), config.MethodList(r.Methods), r.Auth, upstreamURLs(r.Upstreams), r.Name)
	}
	return table.Flush()
}

func upstreamURLs(upstreams []config.Upstream) string {
	shown := make([]string, len(upstreams))
	for i, u := range upstreams {
		shown[i] = u.URL.String()
		if u.Weight != 1 {
			shown[i] += fmt.Sprintf(" ×%d", u.Weight)
		}
	}
	return strings.Join(shown, ", ")
}
