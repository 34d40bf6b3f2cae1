package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"

	"wxgate/secret"
)

// printEffective writes the configuration as YAML with every key in place.
// Secrets read as [redacted].
func printEffective(w io.Writer, c *Config) error {
	encoder := yaml.NewEncoder(w,
		yaml.IndentSequence(true),
		yaml.CustomMarshaler[secret.Text](hidden),
		yaml.CustomMarshaler[Key](func(k Key) ([]byte, error) { return hidden(k.Raw) }),
		yaml.CustomMarshaler[Size](func(s Size) ([]byte, error) { return s.MarshalText() }),
	)
	return encoder.Encode(c)
}

// hidden tells a secret that is there from none at all.
func hidden(s secret.Text) ([]byte, error) {
	if s == "" {
		return []byte(`""`), nil
	}
	return []byte(`"` + secret.Redacted + `"`), nil
}

// printRoutes writes the routes as a table, in the order in which they are tried.
func printRoutes(w io.Writer, routes []Route) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\n# PATH\tHOST\tMETHODS\tAUTH\tUPSTREAMS\tNAME")
	for _, r := range inMatchOrder(routes) {
		fmt.Fprintf(table, "# %s\t%s\t%s\t%s\t%s\t%s\n", r.Path, cmp.Or(r.Host, "*"), methodList(r.Methods), r.Auth, targets(r.Upstreams), r.Name)
	}
	return table.Flush()
}

// inMatchOrder sorts routes as they win, which proxy.Table decides: the longest
// path, then an exact host before a wildcard (the longest first) before any. The
// methods then choose among what is left.
func inMatchOrder(routes []Route) []Route {
	sorted := slices.Clone(routes)
	slices.SortStableFunc(sorted, func(a, b Route) int {
		pathA, pathB := strings.TrimSuffix(a.Path, "/"), strings.TrimSuffix(b.Path, "/")
		return cmp.Or(
			cmp.Compare(len(pathB), len(pathA)),
			cmp.Compare(pathA, pathB),
			cmp.Compare(hostRank(a.Host), hostRank(b.Host)),
			cmp.Compare(len(b.Host), len(a.Host)),
			cmp.Compare(a.Host, b.Host),
		)
	})
	return sorted
}

func hostRank(host string) int {
	switch {
	case host == "":
		return 2
	case strings.HasPrefix(host, "*."):
		return 1
	}
	return 0
}

func targets(upstreams []Upstream) string {
	shown := make([]string, len(upstreams))
	for i, u := range upstreams {
		shown[i] = u.URL.String()
		if u.Weight != 1 {
			shown[i] += fmt.Sprintf(" ×%d", u.Weight)
		}
	}
	return strings.Join(shown, ", ")
}
