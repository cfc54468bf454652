package console

import (
	"context"
	"fmt"
	"slices"
	"strings"

	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
)

// rows is a page of tables, with a filter and charts above them.
type rows struct {
	Title, Lead string
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
}

type choice struct {
	Name, Label, Value, Type string
	Options                  []option
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
	for _, c := range fields {
		f.Set = f.Set || c.Value != ""
	}
	return f
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

// names of payers and locations, for filters and labels.
type names struct {
	payers, locations map[string]string
	payerList         []option
	locationList      []option
}

func (c *console) names(ctx context.Context) (*names, error) {
	n := &names{payers: map[string]string{"patient": "Patients"}, locations: map[string]string{}}
	for token := ""; ; {
		a, err := c.registry.ListPayers(ctx, &registryv1.ListPayersRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list payers: %w", err)
		}
		for _, p := range a.Payers {
			n.payers[p.PayerId] = p.Name
			n.payerList = append(n.payerList, option{p.PayerId, p.Name})
		}
		if token = a.NextPageToken; token == "" {
			break
		}
	}
	for token := ""; ; {
		a, err := c.registry.ListLocations(ctx, &registryv1.ListLocationsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list locations: %w", err)
		}
		for _, l := range a.Locations {
			n.locations[l.LocationId] = l.Name
			n.locationList = append(n.locationList, option{l.LocationId, l.Name})
		}
		if token = a.NextPageToken; token == "" {
			break
		}
	}
	by := func(a, b option) int { return strings.Compare(a.Text, b.Text) }
	slices.SortFunc(n.payerList, by)
	slices.SortFunc(n.locationList, by)
	return n, nil
}

func (n *names) payer(id string) string {
	if s := n.payers[id]; s != "" {
		return s
	}
	return short(id)
}

func (n *names) location(id string) string {
	if s := n.locations[id]; s != "" {
		return s
	}
	return short(id)
}

func (n *names) payerChoice(r *request, patients bool) choice {
	o := []option{{"", "All payers"}}
	if patients {
		o = append(o, option{"patient", "Patients"})
	}
	return choice{Name: "payer", Label: "Payer", Value: r.q.Get("payer"), Options: append(o, n.payerList...)}
}

func (n *names) locationChoice(r *request) choice {
	return choice{Name: "location", Label: "Location", Value: r.q.Get("location"), Options: append([]option{{"", "All locations"}}, n.locationList...)}
}

// sized is how many rows a page shows.
const sized = 50

// walk reads the rows a page needs: one page of the list, or all of them (at most most) for a CSV or an order of one's own. cut says that there were more.
func walk[T any](r *request, read func(size int32, token string) ([]T, string, error)) (all []T, next string, cut bool, err error) {
	if !wantsCSV(r) && r.q.Get("order") == "" {
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

// finish puts into a table what all lists share: the order that was asked for, the next page, the CSV.
func (r *request) finish(t *table, next string, cut bool, sortable ...string) {
	order := r.q.Get("order")
	key, down := strings.TrimPrefix(order, "-"), strings.HasPrefix(order, "-")
	for i := range t.Columns {
		name := strings.ToLower(strings.ReplaceAll(t.Columns[i].Name, " ", "_"))
		if !slices.Contains(sortable, t.Columns[i].Name) {
			continue
		}
		t.Columns[i].Order = r.here("order", name)
		if name == key {
			t.Columns[i].Dir = "ascending"
			t.Columns[i].Order = r.here("order", "-"+name)
			if down {
				t.Columns[i].Dir = "descending"
				t.Columns[i].Order = r.here("order", "")
			}
			slices.SortStableFunc(t.Rows, func(a, b row) int {
				x, y := a.Cells[i], b.Cells[i]
				d := 0
				switch {
				case x.sort != y.sort && x.sort < y.sort:
					d = -1
				case x.sort != y.sort:
					d = 1
				default:
					d = strings.Compare(x.Text, y.Text)
				}
				if down {
					return -d
				}
				return d
			})
		}
	}
	if cut {
		t.Note += fmt.Sprintf(" · only the first %s are here: narrow the filter", grouped(most))
	}
	if order != "" && !wantsCSV(r) && len(t.Rows) > 500 {
		t.Rows = t.Rows[:500]
		t.Note += " · the first 500 in this order are shown; the CSV has all"
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
