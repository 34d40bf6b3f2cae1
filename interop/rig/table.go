package rig

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table is a table of results, printed whole when it is done.
type Table struct {
	columns []string
	rows    [][]string
}

// NewTable makes a table with these columns.
func NewTable(columns ...string) *Table { return &Table{columns: columns} }

// Add adds a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Lines are the table in Markdown's form, unaligned.
func (t *Table) Lines() []string {
	lines := []string{line(t.columns), line(slices.Repeat([]string{"---"}, len(t.columns)))}
	for _, row := range t.rows {
		lines = append(lines, line(row))
	}
	return lines
}

func line(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

// Print writes the table to the program's output, in Markdown's form.
func (t *Table) Print(title string) {
	fmt.Printf("\n%s\n\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	line := func(cells []string) { fmt.Fprintf(w, "| %s\t|\n", strings.Join(cells, "\t| ")) }
	line(t.columns)
	dashes := make([]string, len(t.columns))
	for i := range dashes {
		dashes[i] = "---"
	}
	line(dashes)
	for _, row := range t.rows {
		line(row)
	}
	w.Flush()
}
