package rig

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table is a table of results in Markdown.
type Table struct {
	columns []string
	rows    [][]string
}

// NewTable returns an empty table with these column titles.
func NewTable(columns ...string) *Table { return &Table{columns: columns} }

// Add adds a row.
func (t *Table) Add(cells ...string) { t.rows = append(t.rows, cells) }

// Lines returns the lines of the table without alignment, as the documents in docs/ have
// them.
func (t *Table) Lines() []string {
	var lines []string
	for _, row := range t.allRows() {
		lines = append(lines, "| "+strings.Join(row, " | ")+" |")
	}
	return lines
}

// Print writes the title and the table, aligned, to standard output.
func (t *Table) Print(title string) {
	fmt.Printf("\n%s\n\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 1, ' ', 0)
	for _, row := range t.allRows() {
		fmt.Fprintf(w, "| %s\t|\n", strings.Join(row, "\t| "))
	}
	w.Flush()
}

// allRows returns the titles, the separator and the rows.
func (t *Table) allRows() [][]string {
	separator := slices.Repeat([]string{"---"}, len(t.columns))
	return append([][]string{t.columns, separator}, t.rows...)
}
