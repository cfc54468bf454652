package workitem

import (
	"fmt"
	"maps"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/services/collections/patientbalance"
)

// Billed is what a patient's visits were charged to, and who covers the patient.
type Billed struct {
	Visits    map[string]*postingv1.ChargePosted // by account_id; those that are not voided
	Coverages map[string]*intakev1.CoverageAdded
	Ends      map[string][]string // thru_dates as they were told, by coverage_id
}

// BilledMirror has it by patient_id. Visits of imported files are left out: those files say themselves who pays, and their coverages have no ends.
var BilledMirror = es.Mirror[Billed]{
	Name: "collections.billed",
	Keys: func(r es.Recorded) []string {
		if id := billedOf(r.Event); id != "" {
			return []string{id}
		}
		return nil
	},
	Evolve: evolveBilled,
}

func billedOf(event es.Event) string {
	switch e := event.(type) {
	case *postingv1.ChargePosted:
		if !e.Imported {
			return e.PatientId
		}
	case *postingv1.ChargeVoided:
		return e.PatientId
	case *intakev1.CoverageAdded:
		return e.PatientId
	case *intakev1.CoverageTerminated:
		return e.PatientId
	}
	return ""
}

func evolveBilled(b Billed, event es.Event) Billed {
	if b.Visits == nil {
		b = Billed{map[string]*postingv1.ChargePosted{}, map[string]*intakev1.CoverageAdded{}, map[string][]string{}}
	}
	switch e := event.(type) {
	case *postingv1.ChargePosted:
		b.Visits[e.AccountId] = e
	case *postingv1.ChargeVoided:
		delete(b.Visits, e.AccountId)
	case *intakev1.CoverageAdded:
		b.Coverages[e.CoverageId] = e
	case *intakev1.CoverageTerminated:
		b.Ends[e.CoverageId] = append(b.Ends[e.CoverageId], e.ThruDate)
	}
	return b
}

// LateMirror has the items of an account about coverages that were found late, by account_id.
var LateMirror = es.Mirror[[]*pb.WorkItemOpened]{
	Name: "collections.late_coverage",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.WorkItemOpened); ok && e.Kind == "late_coverage" {
			return []string{e.AccountId}
		}
		return nil
	},
	Evolve: func(items []*pb.WorkItemOpened, event es.Event) []*pb.WorkItemOpened {
		e := event.(*pb.WorkItemOpened)
		if slices.ContainsFunc(items, func(i *pb.WorkItemOpened) bool { return i.WorkItemId == e.WorkItemId }) {
			return items // opened again
		}
		return append(items, e)
	},
}

// lateNow says of the items of an account what its patient owes now: what the payers before left. It does so too when one was opened, since what moved meanwhile did not see it.
func lateNow(event es.Event, look es.Look) []es.Command {
	patient, account := patientbalance.Moves(event)
	if e, ok := event.(*pb.WorkItemOpened); ok && e.Kind == "late_coverage" {
		patient, account = e.PatientId, e.AccountId
	}
	if account == "" {
		return nil
	}
	items, _ := es.Find(look, LateMirror, account)
	if len(items) == 0 { // as nearly always
		return nil
	}
	b, _ := es.Find(look, BilledMirror, patient)
	var out []es.Command
	for _, id := range slices.Sorted(maps.Keys(b.Coverages)) {
		subject := lateSubject(account, id)
		if visit := b.Visits[account]; visit != nil && slices.ContainsFunc(items, func(i *pb.WorkItemOpened) bool { return i.Subject == subject }) {
			out = append(out, es.Do(Stream, ID("late_coverage", subject), Restate, lateItem(visit, b.Coverages[id], owed(look, account))))
		}
	}
	return out
}

// owed is what the patient owes on an account.
func owed(look es.Look, account string) int64 {
	story, _ := es.Find(look, patientbalance.StoryMirror, account)
	return max(story.WithPatient, 0)
}

// late says that a coverage with the given ends is in force on a visit's day and nobody asks its payer: it came after the visit was billed, behind all that are asked. One that comes before
// them is told of their claims (claims' CoverageChangeDetected).
func late(visit *postingv1.ChargePosted, c *intakev1.CoverageAdded, ends []string) bool {
	if visit == nil || c == nil {
		return false
	}
	thru := c.ThruDate
	if len(ends) > 0 {
		thru = ends[len(ends)-1]
	}
	return date.Within(visit.ServiceDate, c.FromDate, thru) && !slices.ContainsFunc(visit.ResponsiblePayers, func(p *intakev1.ResponsiblePayer) bool {
		return p.CoverageId == c.CoverageId || p.PayerSequence >= c.PayerSequence
	})
}

// lateCoverage opens an item for each visit that a coverage covers too late, and resolves it when the coverage turns out not to, or the charge is taken off. A charge and a coverage may be heard
// in either order: whichever comes second finds the other.
func lateCoverage(r es.Recorded, look es.Look) []es.Command {
	patient := billedOf(r.Event)
	if patient == "" {
		return nil
	}
	b, _ := es.Find(look, BilledMirror, patient) // with this event
	var out []es.Command
	raise := func(visit *postingv1.ChargePosted, c *intakev1.CoverageAdded) {
		item := lateItem(visit, c, owed(look, visit.AccountId))
		item.OpenedDate = r.OccurredOn
		out = append(out, es.Do(Stream, ID(item.Kind, item.Subject), Raise, item))
	}
	settle := func(account, coverage, outcome string) {
		id := ID("late_coverage", lateSubject(account, coverage))
		out = append(out, es.Do(Stream, id, Settle, &pb.WorkItemResolved{WorkItemId: id, Outcome: outcome}))
	}
	switch e := r.Event.(type) {
	case *postingv1.ChargePosted:
		for _, id := range slices.Sorted(maps.Keys(b.Coverages)) {
			if late(e, b.Coverages[id], b.Ends[id]) {
				raise(e, b.Coverages[id])
			}
		}
	case *postingv1.ChargeVoided:
		for _, id := range slices.Sorted(maps.Keys(b.Coverages)) {
			settle(e.AccountId, id, "the charge was taken off")
		}
	case *intakev1.CoverageAdded:
		for _, account := range slices.Sorted(maps.Keys(b.Visits)) {
			if late(b.Visits[account], e, b.Ends[e.CoverageId]) {
				raise(b.Visits[account], e)
			}
		}
	case *intakev1.CoverageTerminated:
		c, ends := b.Coverages[e.CoverageId], b.Ends[e.CoverageId]
		for _, account := range slices.Sorted(maps.Keys(b.Visits)) {
			was, is := late(b.Visits[account], c, ends[:max(len(ends)-1, 0)]), late(b.Visits[account], c, ends)
			if was && !is {
				settle(account, e.CoverageId, "not covered on the day of service")
			} else if is && !was {
				raise(b.Visits[account], c)
			}
		}
	}
	return out
}

func lateSubject(account, coverage string) string { return account + " " + coverage }

// lateItem is the item about a visit and a coverage; owes is what the patient owes of the visit.
func lateItem(visit *postingv1.ChargePosted, c *intakev1.CoverageAdded, owes int64) *pb.WorkItemOpened {
	item := &pb.WorkItemOpened{
		Kind: "late_coverage", Subject: lateSubject(visit.AccountId, c.CoverageId), Title: "Coverage found after billing",
		Detail:    fmt.Sprintf("coverage %s is in force on %s, and the visit was billed to the patient", c.CoverageId, visit.ServiceDate),
		PatientId: visit.PatientId, AccountId: visit.AccountId, EncounterId: visit.EncounterId, PayerId: c.PayerId, AtRiskAmount: visit.ChargeAmount,
	}
	if len(visit.ResponsiblePayers) > 0 { // at risk is what they left; nothing as long as they have not decided
		item.Detail = fmt.Sprintf("coverage %s comes after those that are asked for the visit of %s, and nobody asks its payer", c.CoverageId, visit.ServiceDate)
		if item.AtRiskAmount = owes; owes > 0 {
			item.Detail += "; the patient owes " + money.Format(owes) + " of it"
		}
		item.DefaultAction = "when the payers before have decided, ask this one for what they left to the patient"
	}
	return item
}
