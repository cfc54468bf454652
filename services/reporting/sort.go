package reporting

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// SortExists: a list is sorted by one of its columns. Source: our own choice.
var SortExists = refuse.Rule{ID: "reporting.sort_exists", Version: 1, Owner: "integrations"}

// column is what a list can be sorted by.
type column struct {
	expression string // never null
	kind       string // text, date or bigint
}

// order is how a list is sorted and where its page begins.
type order struct {
	sort, direction, compare string
	column
	ties []string // expressions, text, which make the order whole
	page.At
	first bool
}

// sorted reads sort ("amount", "-amount": largest first), page_size and page_token of a list. ties are text expressions that no two rows share; they go the same way.
func sorted(sort, usual string, columns map[string]column, ties []string, size int32, token string) (order, error) {
	if sort == "" {
		sort = usual
	}
	o := order{sort: sort, direction: "ASC", compare: ">", ties: ties, first: token == ""}
	name, down := strings.CutPrefix(sort, "-")
	if down {
		o.direction, o.compare = "DESC", "<"
	}
	var ok bool
	o.column, ok = columns[name]
	at, err := page.Parse(size, token, append([]string{sort, ""}, make([]string, len(ties))...)...)
	o.At = at
	var no refuse.List
	no.Add(refuse.Reasons(err)...)
	no.If(!ok, SortExists, "sort", "this list can't be sorted by %q: name one of %s, with - before it for the largest first", name, strings.Join(slices.Sorted(maps.Keys(columns)), ", "))
	if ok && err == nil {
		no.If(at.Key[0] != sort, page.Token, "page_token", "this token is of a list that was sorted by %q: start again without one", at.Key[0])
		no.If(!o.first && !o.readable(at.Key[1]), page.Token, "page_token", "this is no token of this list: start again without one")
	}
	return o, no.Err()
}

func (o order) readable(value string) bool {
	switch o.kind {
	case "date":
		return date.Valid(value)
	case "bigint":
		_, err := strconv.ParseInt(value, 10, 64)
		return err == nil
	}
	return true
}

// after is the condition of the rows behind the last one, with parameters from number n on, and their values.
func (o order) after(n int) (string, []any) {
	values := []any{o.first}
	wanted := []string{fmt.Sprintf("$%d::text::%s", n+1, o.kind)}
	for i := range o.ties {
		wanted = append(wanted, fmt.Sprintf("$%d::text", n+2+i))
	}
	for _, v := range o.Key[1:] {
		if o.first {
			values = append(values, nil)
			continue
		}
		values = append(values, v)
	}
	return fmt.Sprintf("($%d OR (%s, %s) %s (%s))", n, o.expression, strings.Join(o.ties, ", "), o.compare, strings.Join(wanted, ", ")), values
}

// by is the order, and how many rows are read: one more than a page has.
func (o order) by() string {
	out := " ORDER BY " + o.expression + " " + o.direction
	for _, t := range o.ties {
		out += ", " + t + " " + o.direction
	}
	return out + fmt.Sprintf(" LIMIT %d", o.Limit+1)
}

// key is what the last row of a page is remembered by, as text.
func (o order) key() string {
	return "ARRAY[(" + o.expression + ")::text, " + strings.Join(o.ties, ", ") + "]"
}

// keyed is a row with what it is remembered by.
type keyed[T any] struct {
	row T
	key []string
}

// cut is the page, and the token of the next.
func cut[T any](rows []keyed[T], o order) ([]T, string) {
	rows, token := page.Cut(rows, o.At, func(k keyed[T]) []string { return append([]string{o.sort}, k.key...) })
	out := make([]T, len(rows))
	for i, k := range rows {
		out[i] = k.row
	}
	return out, token
}
