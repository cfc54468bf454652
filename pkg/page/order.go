package page

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Sort: a list is sorted by one of its columns. Source: our own choice.
var Sort = refuse.Rule{ID: "request.sort", Version: 1, Owner: "integrations"}

// Column is what a list can be sorted by: an SQL expression that is never null.
type Column struct{ expression, kind string }

// Text is a column of text, Day of dates, Number of whole numbers.
func Text(expression string) Column   { return Column{expression, "text"} }
func Day(expression string) Column    { return Column{expression, "date"} }
func Number(expression string) Column { return Column{expression, "bigint"} }

// Order is how a list is sorted and where its page begins.
type Order struct {
	sort, direction, compare string
	column                   Column
	ties                     []string // expressions, text, which make the order whole
	at                       At
	first                    bool
}

// Sorted reads sort ("amount", "-amount": largest first), page_size and page_token of a list. ties are text expressions that no two rows share; they go the same way.
func Sorted(sort, usual string, columns map[string]Column, ties []string, size int32, token string) (Order, error) {
	if sort == "" {
		sort = usual
	}
	o := Order{sort: sort, direction: "ASC", compare: ">", ties: ties, first: token == ""}
	name, down := strings.CutPrefix(sort, "-")
	if down {
		o.direction, o.compare = "DESC", "<"
	}
	var ok bool
	o.column, ok = columns[name]
	at, err := Parse(size, token, append([]string{sort, ""}, make([]string, len(ties))...)...)
	o.at = at
	var no refuse.List
	no.Add(refuse.Reasons(err)...)
	no.If(!ok, Sort, "sort", "this list can't be sorted by %q: name one of %s, with - before it for the largest first", name, strings.Join(slices.Sorted(maps.Keys(columns)), ", "))
	if ok && err == nil {
		no.If(at.Key[0] != sort, Token, "page_token", "this token is of a list that was sorted by %q: start again without one", at.Key[0])
		no.If(!o.first && !o.readable(at.Key[1]), Token, "page_token", "this is no token of this list: start again without one")
	}
	return o, no.Err()
}

func (o Order) readable(value string) bool {
	switch o.column.kind {
	case "date":
		return date.Valid(value)
	case "bigint":
		_, err := strconv.ParseInt(value, 10, 64)
		return err == nil
	}
	return true
}

// After is the condition of the rows behind the last one, with parameters from number n on, and their values.
func (o Order) After(n int) (string, []any) {
	values := []any{o.first}
	wanted := []string{fmt.Sprintf("$%d::text::%s", n+1, o.column.kind)}
	for i := range o.ties {
		wanted = append(wanted, fmt.Sprintf("$%d::text", n+2+i))
	}
	for _, v := range o.at.Key[1:] {
		if o.first {
			values = append(values, nil)
			continue
		}
		values = append(values, v)
	}
	return fmt.Sprintf("($%d OR (%s, %s) %s (%s))", n, o.column.expression, strings.Join(o.ties, ", "), o.compare, strings.Join(wanted, ", ")), values
}

// By is the order, and how many rows are read: one more than a page has.
func (o Order) By() string {
	out := " ORDER BY " + o.column.expression + " " + o.direction
	for _, t := range o.ties {
		out += ", " + t + " " + o.direction
	}
	return out + fmt.Sprintf(" LIMIT %d", o.at.Limit+1)
}

// Key is what the last row of a page is remembered by: an SQL array of texts, for Keyed.
func (o Order) Key() string {
	return "ARRAY[(" + o.column.expression + ")::text, " + strings.Join(o.ties, ", ") + "]"
}

// Keyed is a row with what it is remembered by.
type Keyed[T any] struct {
	Row T
	Key []string
}

// CutSorted is the page, and the token of the next; empty if there is none.
func CutSorted[T any](rows []Keyed[T], o Order) ([]T, string) {
	rows, token := Cut(rows, o.at, func(k Keyed[T]) []string { return append([]string{o.sort}, k.Key...) })
	out := make([]T, len(rows))
	for i, k := range rows {
		out[i] = k.Row
	}
	return out, token
}
