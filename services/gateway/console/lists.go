package console

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/date"
)

// rows is a page of tables, with a filter and charts above them.
type rows struct {
	Title, Lead string
	About       cell // what the rows are about, behind the lead
	Filter      *filter
	Charts      []chart
	Above       []*table // summaries
	Tables      []*table
}

// filter is a form whose answers live in the address.
type filter struct {
	Action string
	Keep   []field
	Fields []choice
	Set    bool // something is filtered
	Clear  string
	Wrong  []string // values that mean nothing here: then nothing is looked up
}

type choice struct {
	Name, Label, Value, Type, Hint string
	Options                        []option
	Free                           bool // other values than the options' mean something, too
}

type option struct{ Value, Text string }

func (r *request) filter(fields ...choice) *filter {
	f := &filter{Action: r.URL.Path, Fields: fields, Clear: r.to(r.URL.Path)}
	if r.at != "" {
		f.Keep = append(f.Keep, field{"as_of", r.at})
	}
	for _, k := range []string{"order"} {
		if v := r.q.Get(k); v != "" {
			f.Keep = append(f.Keep, field{k, v})
		}
	}
	for i, c := range fields {
		f.Set = f.Set || c.Value != ""
		if len(r.q[c.Name]) > 1 {
			f.Wrong = append(f.Wrong, fmt.Sprintf("%s: the address has it %d times. Choose one.", c.Label, len(r.q[c.Name])))
		}
		if c.Value != "" && c.Options != nil && !slices.ContainsFunc(c.Options, func(o option) bool { return o.Value == c.Value }) {
			shown := c.Value
			if !c.Free {
				shown += " (unknown)"
				f.Wrong = append(f.Wrong, fmt.Sprintf("%s: “%s” is none of the choices. Choose one of the list.", c.Label, c.Value))
			}
			f.Fields[i].Options = append(slices.Clone(c.Options), option{c.Value, shown})
		}
		if c.Value != "" && c.Type == "date" && !date.Valid(c.Value) {
			f.Wrong = append(f.Wrong, fmt.Sprintf("%s: “%s” is no day. Write it as 2026-03-31.", c.Label, c.Value))
		}
	}
	return f
}

// days says what is wrong with two days that a filter has as the first and the last.
func (f *filter) days(from, thru string) {
	if date.Valid(from) && date.Valid(thru) && from > thru {
		f.Wrong = append(f.Wrong, fmt.Sprintf("%s comes after %s: the first day cannot be later than the last. Change one of them.", spelled(from), spelled(thru)))
	}
}

// unasked answers a list whose filter means nothing: what is wrong stands above the table, and the filter with it.
func (c *console) unasked(r *request, p *page, title string, f *filter) (*page, error) {
	return c.list(r, p, &rows{Title: title, Filter: f, Tables: []*table{{Caption: title, Empty: "Nothing was looked up.", Todo: "Change what is named above."}}}, strings.ToLower(strings.ReplaceAll(title, " ", "-")))
}

// keep holds on to what the address says beside the fields.
func (f *filter) keep(r *request, keys ...string) {
	for _, k := range keys {
		if v := r.q.Get(k); v != "" {
			f.Keep = append(f.Keep, field{k, v})
			f.Set = true
		}
	}
}

// asked is the filter in words, for the first line of a CSV.
func (f *filter) asked(r *request, c *console) string {
	parts := []string{"as of " + c.asOf(r)}
	for _, x := range f.Fields {
		if x.Value != "" {
			parts = append(parts, strings.ToLower(x.Label)+" "+x.text())
		}
	}
	return strings.Join(parts, "; ")
}

func (c choice) text() string {
	for _, o := range c.Options {
		if o.Value == c.Value {
			return o.Text
		}
	}
	return c.Value
}

// Ages of a receivable, in days: the buckets of reporting.
var buckets = []struct {
	name       string
	from, thru int // thru 0: no end
}{{"0-30", 0, 30}, {"31-60", 31, 60}, {"61-90", 61, 90}, {"91-120", 91, 120}, {"121+", 121, 0}}

// days of service of an age bucket on a day: from and thru, either may be open.
func serviceDays(bucket, on string) (from, thru string) {
	for _, b := range buckets {
		if b.name == bucket {
			if b.thru > 0 {
				from = date.Add(on, -b.thru)
			}
			return from, date.Add(on, -b.from)
		}
	}
	return "", ""
}

// ages of filters: dash for the eye.
func ages() []option {
	out := []option{{"", "Any age"}}
	for _, b := range buckets {
		out = append(out, option{b.name, span(b.name) + " days"})
	}
	return out
}

func span(bucket string) string { return strings.ReplaceAll(bucket, "-", "–") }

// most rows a CSV or a sorted list reads.
const most = 20_000

// numberChoice is the box for a claim's number, which leads to the claim.
func numberChoice(r *request) choice {
	return choice{Name: "number", Label: "Claim number", Value: strings.TrimSpace(r.q.Get("number")), Type: "search", Hint: "number or clm_… id"}
}

// leads goes on to another page, also from a filter that changes a part of this one.
func (r *request) leads(href string) {
	if r.Header.Get("HX-Request") != "" {
		r.w.Header().Set("HX-Redirect", href)
		return
	}
	http.Redirect(r.w, r.Request, href, http.StatusSeeOther)
}

// sized is how many rows a page shows.
const sized = 50

// walk reads the rows a page needs: one page of the list, or all of them (at most most) for a CSV, or for an order that the service has not and the page makes itself. cut says that
// there were more.
func walk[T any](r *request, ordered bool, read func(size int32, token string) ([]T, string, error)) (all []T, next string, cut bool, err error) {
	if !wantsCSV(r) && (ordered || r.q.Get("order") == "") {
		all, next, err = read(sized, r.q.Get("page"))
		return all, next, false, err
	}
	for token := ""; ; {
		rows, next, err := read(500, token)
		if err != nil {
			return nil, "", false, err
		}
		all = append(all, rows...)
		if token = next; token == "" {
			return all, "", false, nil
		}
		if len(all) >= most {
			return all, "", true, nil
		}
	}
}

// order is the column that the rows were asked to be sorted by, and whether the largest come first.
func (r *request) order() (column string, down bool) {
	order := r.q.Get("order")
	return strings.TrimPrefix(order, "-"), strings.HasPrefix(order, "-")
}

// orderName is how an address names a column.
func orderName(column string) string {
	return strings.ToLower(strings.ReplaceAll(column, " ", "_"))
}

// sortBy is the order that was asked for as a service takes it: fields are its names by column.
func (r *request) sortBy(fields map[string]string) string {
	column, down := r.order()
	for name, field := range fields {
		if orderName(name) == column && down {
			return "-" + field
		} else if orderName(name) == column {
			return field
		}
	}
	return ""
}

// heads makes columns lead to the rows in their order: upward, downward, and as they were.
func (r *request) heads(t *table, sortable func(column string) bool) (sorted int) {
	column, down := r.order()
	sorted = -1
	for i := range t.Columns {
		c := &t.Columns[i]
		if !sortable(c.Name) {
			continue
		}
		name := orderName(c.Name)
		c.Order = r.here("order", name)
		if name != column {
			continue
		}
		sorted, c.Dir, c.Order = i, "ascending", r.here("order", "-"+name)
		if down {
			c.Dir, c.Order = "descending", r.here("order", "")
		}
	}
	return sorted
}

// ordered ends a table whose rows the service has sorted.
func (r *request) ordered(t *table, next string, cut bool, fields map[string]string) {
	r.heads(t, func(column string) bool { return fields[column] != "" })
	r.finish(t, next, cut)
}

// sorted ends a table whose service has one order alone: other orders are made here, of all rows.
func (r *request) sorted(t *table, next string, cut bool, sortable ...string) {
	_, down := r.order()
	if i := r.heads(t, func(column string) bool { return slices.Contains(sortable, column) }); i >= 0 {
		slices.SortStableFunc(t.Rows, func(a, b row) int {
			x, y := a.Cells[i], b.Cells[i]
			d := cmp.Or(cmp.Compare(x.sort, y.sort), strings.Compare(x.Text, y.Text))
			if down {
				return -d
			}
			return d
		})
		if len(t.Rows) > 500 && !wantsCSV(r) {
			t.Rows = t.Rows[:500]
			t.Note += " · the first 500 in this order are shown; the CSV has all"
		}
	}
	r.finish(t, next, cut)
}

// finish puts into a table what all lists share: the pages before and after, the CSV, and what was left out.
func (r *request) finish(t *table, next string, cut bool) {
	if cut {
		t.Note += fmt.Sprintf(" · only the first %s are here: narrow the filter", grouped(most))
	}
	if next != "" {
		t.Next = r.here("page", next)
	}
	if r.q.Get("page") != "" {
		t.First = r.here()
	}
	if len(t.Rows) > 0 {
		t.CSV = r.here("format", "csv")
	}
}

// list answers with the page, or with its table as a CSV.
func (c *console) list(r *request, p *page, d *rows, name string) (*page, error) {
	if wantsCSV(r) {
		asked := "as of " + c.asOf(r)
		if d.Filter != nil {
			asked = d.Filter.asked(r, c)
		}
		if r.late {
			asked += "; without what you did a moment ago: load it again"
		}
		if strings.Contains(d.Tables[0].Note, "only the first") {
			asked += fmt.Sprintf("; only the first %d rows", most)
		}
		return nil, writeCSV(r, "evenkeel-"+name+"-"+c.asOf(r), asked, d.Tables[0])
	}
	p.Body, p.Data = "rows", d
	if p.Title == "" {
		p.Title = d.Title
	}
	return p, nil
}
