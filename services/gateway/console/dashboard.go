package console

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

type dashboard struct {
	Tiles []tile
	Aging []chart
	Rate  chart
	Work  *table
	Fresh *reportingv1.Freshness
	Until cell
}

// tile is one figure with what it is made of.
type tile struct {
	Name, Value, Href, Why, Formula, Change, Turn, Window, Target string
}

// Long says that a value needs smaller figures to fit.
func (t tile) Long() bool { return len(t.Value) > len("$999,999.99") }

// Figures on the dashboard, in order.
var tiles = []string{"days_in_ar", "clean_claim_rate", "net_collection_rate", "initial_denial_rate", "ar_total"}

// figureRows is where the rows behind a figure are: those that its numerator counts.
func figureRows(r *request, k *reportingv1.Kpi) string {
	return countedRows(r, k.KpiId, "numerator")
}

// counted figures are made of counts, the others of amounts.
var counted = map[string]bool{"clean_claim_rate": true, "initial_denial_rate": true, "first_pass_acceptance": true}

// less is better for these.
var less = map[string]bool{"days_in_ar": true, "initial_denial_rate": true, "ar_over_90": true}

func (c *console) dashboard(ctx context.Context, r *request) (*page, error) {
	var d dashboard
	var kpis *reportingv1.Kpis
	var payers, locations *reportingv1.Aging
	var denials *reportingv1.Denials
	var work *collectionsv1.ListWorkItemsResponse
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		if kpis, err = c.reporting.GetKpis(gctx, &reportingv1.GetKpisRequest{AsOf: r.at}); err != nil {
			return fmt.Errorf("read the figures: %w", err)
		}
		return nil
	})
	aging := func(by reportingv1.GroupBy, into **reportingv1.Aging) func() error {
		return func() (err error) {
			if *into, err = c.reporting.GetAging(gctx, &reportingv1.GetAgingRequest{AsOf: r.at, GroupBy: by}); err != nil {
				return fmt.Errorf("read the aging: %w", err)
			}
			return nil
		}
	}
	g.Go(aging(reportingv1.GroupBy_GROUP_BY_PAYER, &payers))
	g.Go(aging(reportingv1.GroupBy_GROUP_BY_LOCATION, &locations))
	g.Go(func() (err error) {
		if denials, err = c.reporting.GetDenials(gctx, &reportingv1.GetDenialsRequest{AsOf: r.at, GroupBy: reportingv1.GroupBy_GROUP_BY_WEEK}); err != nil {
			return fmt.Errorf("read denial rates: %w", err)
		}
		return nil
	})
	g.Go(func() (err error) {
		if work, err = c.collections.ListWorkItems(gctx, &collectionsv1.ListWorkItemsRequest{AsOf: r.at, State: collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN, PageSize: 7}); err != nil {
			return fmt.Errorf("list work items: %w", err)
		}
		return nil
	})
	var n *names
	g.Go(func() (err error) { n, err = c.names(gctx); return err })
	if err := g.Wait(); err != nil {
		return nil, err
	}
	by := map[string]*reportingv1.Kpi{}
	for _, k := range kpis.Kpis {
		by[k.KpiId] = k
	}
	for _, t := range tiles {
		if k := by[t]; k != nil {
			d.Tiles = append(d.Tiles, tileOf(r, k))
		}
	}
	d.Aging = []chart{
		agingChart(r, "aging-payer", "A/R aging by payer", payers, func(group, bucket string) string { return r.to("/receivables", "payer", group, "age", bucket) }),
		agingChart(r, "aging-location", "A/R aging by location", locations, func(group, bucket string) string { return r.to("/receivables", "location", group, "age", bucket) }),
	}
	d.Rate = denialChart(r, denials)
	d.Fresh = payers.Freshness
	if d.Fresh.GetHandledUntil() != nil {
		d.Until = instant(d.Fresh.HandledUntil.AsTime())
	}
	d.Work = &table{Caption: "Due next", Columns: []column{{Name: "What"}, {Name: "Due"}, {Name: "At risk", Num: true}}, Empty: "Nothing is waiting for somebody.", Todo: "Well done."}
	for _, w := range work.WorkItems {
		what := named(w.Title)
		if w.PayerId != "" {
			what = named(w.Title + ", " + n.payer(w.PayerId))
		}
		what.Href = "/work-items/" + w.WorkItemId
		what.Class = "wrap wide"
		on := c.asOf(r)
		d.Work.Rows = append(d.Work.Rows, row{Cells: []cell{what, late(near(w.DueDate, on), w, on), risk(w.AtRisk, what.Href)}})
	}
	return &page{Title: "Dashboard", Nav: "dashboard", Body: "dashboard", Data: d, Dated: true}, nil
}

func tileOf(r *request, k *reportingv1.Kpi) tile {
	t := tile{Name: k.Name, Formula: k.Formula, Window: spelledIn(k.Window), Target: k.Target, Href: figureRows(r, k), Why: r.to("/kpis/" + k.KpiId), Value: "–"}
	if !k.Known {
		t.Change = "Not known yet: the " + k.DenominatorName + " is 0."
		return t
	}
	t.Value = figure(k.Unit, k.ValueMillionths)
	if !k.PreviousKnown {
		t.Change = "No period before to compare with"
		return t
	}
	// What is told is the difference of the figures as they are printed, so that who subtracts them finds it.
	before := printed(k.Unit, k.PreviousValueMillionths)
	diff := printed(k.Unit, k.ValueMillionths) - before
	if diff == 0 {
		t.Change = "Unchanged from the period before"
		return t
	}
	word, size := "up", diff
	if diff < 0 {
		word, size = "down", -diff
	}
	by := figure(k.Unit, size)
	switch k.Unit {
	case "percent":
		by = tenths(size*100) + " points"
	case "money":
		if part := size * 1_000_000 / max(before, 1); before > 0 && printed("percent", part) > 0 {
			by += " (" + rate(part) + ")"
		}
	}
	t.Change = fmt.Sprintf("%s %s from %s", word, by, figure(k.Unit, before))
	switch {
	case k.Unit == "money":
	case (diff < 0) == less[k.KpiId]:
		t.Turn = "better"
	default:
		t.Turn = "worse"
	}
	return t
}

// printed is a value rounded as figure prints it, half away from zero.
func printed(unit string, v int64) int64 {
	step := map[string]int64{"percent": 1000, "days": 100_000}[unit] // a tenth of a point, of a day; money is exact
	switch {
	case step == 0:
		return v
	case v < 0:
		return -((-v + step/2) / step * step)
	}
	return (v + step/2) / step * step
}

// figure prints a value in its unit.
func figure(unit string, v int64) string {
	switch unit {
	case "percent":
		return rate(v)
	case "days":
		return tenths(v) + " days"
	}
	return money.Format(v)
}

// kpi explains one figure.
type kpiPage struct {
	Tile  tile
	Parts []fact
	Rows  string
	Other []tile
}

type fact struct {
	Name  string
	Value cell
}

func (c *console) kpi(ctx context.Context, r *request) (*page, error) {
	all, err := c.reporting.GetKpis(ctx, &reportingv1.GetKpisRequest{AsOf: r.at})
	if err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	var d *kpiPage
	var others []tile
	for _, k := range all.Kpis {
		t := tileOf(r, k)
		if k.KpiId != r.PathValue("id") {
			others = append(others, t)
			continue
		}
		part := func(n int64, name string) cell {
			if counted[k.KpiId] {
				return count(n, countedRows(r, k.KpiId, name))
			}
			return cents(n, countedRows(r, k.KpiId, name))
		}
		d = &kpiPage{Tile: t, Rows: figureRows(r, k), Parts: []fact{
			{"Formula", text(k.Formula)}, {"Version of the formula", count(int64(k.Version), "")}, {"Time", text(t.Window)},
		}}
		if k.Base != "" {
			d.Parts = append(d.Parts, fact{"Base", text(spelledIn(k.Base))})
		}
		if k.NumeratorName != "" {
			d.Parts = append(d.Parts, fact{upper(k.NumeratorName), part(k.Numerator, "numerator")})
		}
		if k.DenominatorName != "" {
			d.Parts = append(d.Parts, fact{upper(k.DenominatorName), part(k.Denominator, "denominator")})
		}
		if rest := countedRows(r, k.KpiId, "remainder"); rest != "" {
			d.Parts = append(d.Parts, fact{"The others", part(k.Denominator-k.Numerator, "remainder")})
		}
		d.Parts = append(d.Parts, fact{"Value", cell{Text: t.Value, Class: "num"}}, fact{"Compared with the same length of time before", text(t.Change)})
		if k.Target != "" {
			d.Parts = append(d.Parts, fact{"Target", text(k.Target)})
		}
	}
	if d == nil {
		return nil, notThere("There is no figure of this name. The dashboard lists those there are.")
	}
	d.Other = others
	return &page{Title: d.Tile.Name, Nav: "dashboard", Crumbs: []crumb{{"Dashboard", r.to("/")}}, Body: "kpi", Data: d, Dated: true}, nil
}
