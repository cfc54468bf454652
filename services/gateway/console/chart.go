package console

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// chart is a drawing and the table that says the same. Every mark in it is a link to the rows behind it.
type chart struct {
	ID, Title, Note string
	Bars            *bars
	Line            *line
	Table           *table
	Empty           string
}

// bars are stacked horizontal bars.
type bars struct {
	Width, Height int
	Legend        []legend
	Rows          []bar
}

type legend struct{ Text, Class string }

type bar struct {
	Label, Full, Total, Href string
	Y, TextY, LabelX, TotalX int
	Segments                 []segment
}

type segment struct {
	X, Y, W, H        int
	Class, Href, Name string
}

// Measures of the bars, in the units of the drawing, which are pixels at its natural size.
const (
	barsWidth  = 516
	barLabel   = 182 // for names
	barTotal   = 92  // for totals, at least
	barDigit   = 7   // a character of a total
	barRest    = 24  // beside a total: its margin, and what segments of the least width add to a bar
	barHeight  = 24
	barGap     = 6
	barMinimum = 3 // a segment is never too narrow to be seen
	barsMost   = 10
)

// agingChart draws an aging: one bar a group, one segment an age.
func agingChart(r *request, id, title string, a *reportingv1.Aging, rowsOf func(group, bucket string) string) chart {
	c := chart{ID: id, Title: title, Empty: "Nothing is open on this day.", Table: agingTable(title, a, rowsOf)}
	groups := drawn(a.Groups)
	if left := len(a.Groups) - len(groups); left > 0 {
		c.Note = fmt.Sprintf("The largest %d; the table has %d more.", len(groups), left)
	}
	longest, room := int64(0), barTotal
	for _, g := range groups {
		longest, room = max(longest, positive(g)), max(room, barRest+barDigit*len(money.Format(g.Total.GetAmountMinor())))
	}
	if longest == 0 {
		return c
	}
	b := &bars{Width: barsWidth}
	for i, x := range buckets {
		b.Legend = append(b.Legend, legend{span(x.name) + " days", fmt.Sprintf("age%d", i)})
	}
	full := int64(barsWidth - barLabel - room)
	y := 2
	for _, g := range groups {
		row := bar{
			Label: clip(g.Name, 25), Full: g.Name, Total: money.Format(g.Total.GetAmountMinor()), Href: rowsOf(g.GroupId, ""),
			Y: y, TextY: y + 16, LabelX: barLabel - 8, TotalX: barsWidth,
		}
		x := barLabel
		for i, k := range g.Buckets {
			n := k.Amount.GetAmountMinor()
			if n <= 0 {
				continue
			}
			w := max(barMinimum, int(n*full/longest))
			row.Segments = append(row.Segments, segment{
				X: x, Y: y, W: w - 1, H: barHeight, Class: fmt.Sprintf("age%d", i), Href: rowsOf(g.GroupId, k.Bucket),
				Name: fmt.Sprintf("%s, %s days: %s in %s", g.Name, span(k.Bucket), money.Format(n), plural(k.Accounts, "account")),
			})
			x += w
		}
		b.Rows = append(b.Rows, row)
		y += barHeight + barGap
	}
	b.Height = y
	c.Bars = b
	return c
}

// drawn are the groups that have a bar: the largest, which come first, and patients always.
func drawn(groups []*reportingv1.AgingGroup) []*reportingv1.AgingGroup {
	if len(groups) <= barsMost {
		return groups
	}
	out := slices.Clone(groups[:barsMost])
	for _, g := range groups[barsMost:] {
		if g.GroupId == "patient" {
			out[barsMost-1] = g
		}
	}
	return out
}

func positive(g *reportingv1.AgingGroup) int64 {
	n := int64(0)
	for _, k := range g.Buckets {
		n += max(0, k.Amount.GetAmountMinor())
	}
	return n
}

// clip shortens a name to the width of so many small letters; the whole name is beside it in the table. Capitals are wider by about a third.
func clip(s string, most int) string {
	room, end := 3*most, 0
	for i, c := range s {
		if room -= 3; unicode.IsUpper(c) {
			room--
		}
		if room < 0 {
			return strings.TrimSpace(s[:end]) + "…"
		}
		if room >= 3 { // the mark fits behind this letter
			end = i + utf8.RuneLen(c)
		}
	}
	return s
}

func agingTable(title string, a *reportingv1.Aging, rowsOf func(group, bucket string) string) *table {
	t := &table{Caption: title, Columns: []column{{Name: "Group"}}, Empty: "Nothing is open on this day.", Todo: "Choose another day at the top."}
	for _, b := range buckets {
		t.Columns = append(t.Columns, column{Name: span(b.name), Num: true})
	}
	t.Columns = append(t.Columns, column{Name: "Credit", Num: true}, column{Name: "Total", Num: true}, column{Name: "Accounts", Num: true})
	line := func(g *reportingv1.AgingGroup, group string) []cell {
		cells := []cell{link(g.Name, rowsOf(group, ""))}
		for _, k := range g.Buckets {
			cells = append(cells, amount(k.Amount, rowsOf(group, k.Bucket)))
		}
		return append(cells, amount(money.Of(-g.CreditAmount.GetAmountMinor()), rowsOf(group, "credit")), amount(g.Total, rowsOf(group, "")), count(g.Accounts, ""))
	}
	for _, g := range a.Groups {
		t.Rows = append(t.Rows, row{Cells: line(g, g.GroupId)})
	}
	if a.Total != nil && len(a.Groups) > 0 {
		t.Foot = line(a.Total, "")
		t.Foot[0].Text = "All"
	}
	return t
}

// line is a rate over weeks with the count behind each.
type line struct {
	Width, Height int
	Path          string
	Points        []point
	Ticks         []tick
	Left, Right   int
	WeekLabelY    int
}

type point struct {
	X, Y, HitX, HitW, HitH int
	BarX, BarY, BarW, BarH int
	CountY                 int
	Small                  bool
	Href, Name, Week       string
	Count                  string
	WeekShown              bool
}

type tick struct {
	Y, TextY int
	Text     string
}

// Measures of the line, in pixels at its natural size.
const (
	lineWidth  = 690
	lineHeight = 224
	lineLeft   = 40
	lineTop    = 10
	lineBase   = 150 // where a rate of 0 is
	countMost  = 22  // height of the tallest count
	countBase  = 196
)

// denialChart draws denial rates by week. Weeks of few claims are grey: their rate says little.
func denialChart(r *request, d *reportingv1.Denials) chart {
	c := chart{
		ID: "denial-rate", Title: "Denial rate by week of decision", Note: "Line: share of decided claims with a denied line. Bars: claims decided in the week; hollow points have fewer than 20 and say little.",
		Empty: "No payer decided a claim in these weeks.", Table: denialTable(r, "Denial rate by week", "Week of", d),
	}
	top, tallest := int64(100_000), int64(1) // at least 10%
	any := false
	for _, g := range d.Groups {
		tallest = max(tallest, g.ClaimsAdjudicated)
		if g.ClaimsAdjudicated > 0 {
			any = true
			top = max(top, int64(g.RateMillionths))
		}
	}
	if !any {
		return c
	}
	top = (top + 99_999) / 100_000 * 100_000
	l := &line{Width: lineWidth, Height: lineHeight, Left: lineLeft, Right: lineWidth, WeekLabelY: lineHeight - 8}
	y := func(rate int64) int {
		return lineBase - int(rate*(lineBase-lineTop)/top)
	}
	for i := range int64(3) {
		v := top * i / 2
		l.Ticks = append(l.Ticks, tick{Y: y(v), TextY: y(v) + 4, Text: fmt.Sprintf("%d%%", v/10_000)})
	}
	step := (lineWidth - lineLeft) / max(1, len(d.Groups))
	var path strings.Builder
	for i, g := range d.Groups {
		x := lineLeft + i*step + step/2
		h := int(g.ClaimsAdjudicated * countMost / tallest)
		p := point{
			X: x, Y: y(int64(g.RateMillionths)), HitX: lineLeft + i*step, HitW: step, HitH: countBase,
			BarX: x - step/4, BarW: step / 2, BarH: h, BarY: countBase - h, CountY: countBase - h - 4, Small: g.Small, Count: grouped(g.ClaimsAdjudicated),
			Week: monthDay(g.GroupId), WeekShown: i%2 == 0 || len(d.Groups) <= 9,
		}
		p.Href, p.Name = weekRows(r, d, g), fmt.Sprintf("Week of %s: %s of %s denied, %s", spelled(g.GroupId), grouped(g.ClaimsDenied), plural(g.ClaimsAdjudicated, "claim"), rate(int64(g.RateMillionths)))
		if g.ClaimsAdjudicated == 0 {
			p.Name = fmt.Sprintf("Week of %s: no claim decided", spelled(g.GroupId))
		} else {
			if path.Len() == 0 {
				path.WriteString("M")
			} else {
				path.WriteString("L")
			}
			fmt.Fprintf(&path, "%d %d", p.X, p.Y)
		}
		l.Points = append(l.Points, p)
	}
	l.Path = path.String()
	c.Line = l
	return c
}

// weekRows are the lines that a week of the rates counts; the first and the last week may be cut by the time that the rates are of.
func weekRows(r *request, d *reportingv1.Denials, g *reportingv1.DenialGroup) string {
	if !date.Valid(g.GroupId) {
		return r.to("/denials")
	}
	return r.rated(max(g.GroupId, d.FromDate), min(date.Add(g.GroupId, 6), d.ThruDate))
}

// rated is where the lines are that the rates of some days count. pairs are as with to.
func (r *request) rated(from, thru string, pairs ...string) string {
	return r.to("/denials", append([]string{"from", from, "thru", thru, "counted", "denials", "payer", r.q.Get("payer"), "location", r.q.Get("location")}, pairs...)...)
}

// denialTable is the rates with the counts behind them.
func denialTable(r *request, title, first string, d *reportingv1.Denials) *table {
	t := &table{
		Caption: title, Note: "first decisions of first payers, " + spelled(d.FromDate) + " to " + spelled(d.ThruDate),
		Columns: []column{{Name: first}, {Name: "Decided", Num: true}, {Name: "Denied", Num: true}, {Name: "Rate", Num: true}, {Name: "Charged", Num: true}, {Name: "Denied amount", Num: true}},
		Empty:   "No payer decided a claim in this time.", Todo: "Choose a longer time.",
	}
	line := func(g *reportingv1.DenialGroup, name, href string) []cell {
		rate := percent(int64(g.RateMillionths), g.ClaimsAdjudicated > 0)
		if g.Small {
			rate.Class += " small"
			rate.Title = "Fewer than 20 claims: the rate says little"
		}
		return []cell{link(name, href), count(g.ClaimsAdjudicated, ""), count(g.ClaimsDenied, href), rate, amount(g.ChargedAmount, ""), amount(g.DeniedAmount, href)}
	}
	for _, g := range d.Groups {
		name, href := g.Name, ""
		switch {
		case first == "Payer":
			href = r.rated(d.FromDate, d.ThruDate, "payer", g.GroupId)
		case first == byReason:
			href = r.rated(d.FromDate, d.ThruDate, "carc", g.GroupId)
		default:
			name, href = spelled(g.GroupId), weekRows(r, d, g)
		}
		t.Rows = append(t.Rows, row{Cells: line(g, name, href)})
	}
	if d.Total != nil && len(d.Groups) > 0 {
		t.Foot = line(d.Total, "All", r.rated(d.FromDate, d.ThruDate))
	}
	return t
}
