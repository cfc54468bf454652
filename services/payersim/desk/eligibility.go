package desk

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
	"github.com/evenkeel/evenkeel/services/payersim/plans"
)

// Members whose id begins like this are not found. Source: our own choice, so that a test can ask for the rejection.
const nobody = "NOBODY"

// questions answers the 270s of a group: one 271 for all of them.
func (b *book) questions(g *x12.Group) error {
	var answers []*t27x.Set
	for _, set := range g.Sets {
		asked, _ := t27x.Parse(set)
		if asked == nil {
			continue
		}
		answers = append(answers, b.answer(asked, len(answers)+1))
	}
	if len(answers) == 0 {
		return nil
	}
	data, _, err := t27x.Write(b.envelope(), answers...)
	if err != nil {
		return fmt.Errorf("answer the question: %w", err)
	}
	b.issue(x12.K271, data)
	return nil
}

func (b *book) answer(asked *t27x.Set, n int) *t27x.Set {
	out := &t27x.Set{Kind: x12.K271, Control: fmt.Sprintf("%04d", n), Purpose: "11", Reference: asked.Reference, Date: b.today, Time: b.clock()}
	for _, s := range asked.Sources {
		payer, served := b.file.Plans.Find(b.file.ReceiverID, s.Party.ID)
		to := t27x.InformationSource{Party: s.Party}
		if !served {
			to.Rejections = []t27x.Rejection{{Valid: "N", Reason: "41", FollowUp: "C"}}
		} else if !payer.Plain {
			to.Party.Name = payer.Name
		}
		for _, r := range s.Receivers {
			rec := t27x.InformationReceiver{Party: r.Party}
			for _, sub := range r.Subscribers {
				id := sub.Person.ID
				a := t27x.Subscriber{Member: b.member(sub.Member, id, payer, served)}
				for _, d := range sub.Dependents {
					a.Dependents = append(a.Dependents, b.member(d, id, payer, served))
				}
				rec.Subscribers = append(rec.Subscribers, a)
			}
			to.Receivers = append(to.Receivers, rec)
		}
		out.Sources = append(out.Sources, to)
	}
	return out
}

// member answers for one person; one that nothing was asked about is echoed.
func (b *book) member(m t27x.Member, memberID string, payer plans.Payer, served bool) t27x.Member {
	out := t27x.Member{Person: m.Person, Self: m.Self, Relation: m.Relation}
	for _, t := range m.Traces {
		if t.Type == "1" {
			out.Traces = append(out.Traces, t27x.Trace{Type: "2", Number: t.Number, Originator: t.Originator, More: t.More})
		}
	}
	switch {
	case len(m.Inquiries) == 0 || !served:
		return out
	case memberID == "" || strings.HasPrefix(strings.ToUpper(memberID), nobody):
		out.Rejections = []t27x.Rejection{{Valid: "Y", Reason: "75", FollowUp: "C"}}
		return out
	}
	day := b.today
	for _, q := range [][]x12.Dated{m.Dates, m.Inquiries[0].Dates} {
		for _, d := range q {
			if d.Qualifier == "291" || d.Qualifier == "472" {
				day = d.From
			}
		}
	}
	out.Dates = []x12.Dated{{Qualifier: "346", Dates: x12.Dates{From: day[:4] + "-01-01", Thru: day[:4] + "-01-01"}}}
	out.Benefits = b.benefits(m.Inquiries[0], memberID, day, payer)
	return out
}

// Periods of EB06.
const (
	calendarYear = "23"
	visit        = "27"
	remaining    = "29"
)

func (b *book) benefits(q t27x.Inquiry, memberID, day string, payer plans.Payer) []t27x.Benefit {
	kind := []string{"MH"}
	if len(q.ServiceTypes) > 0 && !slices.Contains(q.ServiceTypes, "30") {
		kind = q.ServiceTypes[:1]
	}
	all := []t27x.Benefit{{Info: "1", Level: "IND", ServiceTypes: []string{"30"}, Plan: cmp.Or(payer.Name, "PLAN")}}
	if c := payer.CarveOut; c != nil {
		return append(all, t27x.Benefit{
			Info: "U", Level: "IND", ServiceTypes: kind,
			Entities: []x12.Party{{Role: "PR", Kind: x12.Organization, Name: c.Name, IDQualifier: "PI", ID: c.EDIPayerID}},
		})
	}
	needed := "N"
	if len(payer.AuthorizationCodes) > 0 {
		needed = "Y"
	}
	all = append(all, t27x.Benefit{Info: "1", Level: "IND", ServiceTypes: kind, Authorization: needed, InNetwork: "Y"})
	money := func(info, period string, cents int64) {
		all = append(all, t27x.Benefit{Info: info, Level: "IND", ServiceTypes: kind, Period: period, Cents: &cents, InNetwork: "Y"})
	}
	money("B", visit, payer.CopayCents)
	share := int64(payer.Coinsurance)
	all = append(all, t27x.Benefit{Info: "A", Level: "IND", ServiceTypes: kind, Period: visit, Fraction: &share, InNetwork: "Y"})
	if payer.DeductibleCents > 0 {
		money("C", calendarYear, payer.DeductibleCents)
	}
	used := b.Used[es.Derive("mem", payer.EDIPayerID, memberID, day[:4])]
	money("C", remaining, payer.DeductibleCents-used)
	return all
}
