package claim

import (
	"errors"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/claims/content"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

// Cover is a coverage as it is now. What has no Added was told of before it was added, or is of before this mirror was kept.
type Cover struct {
	Added *intakev1.CoverageAdded
	Ended *intakev1.CoverageTerminated // nil: as it was added
}

func (h Cover) thru() string {
	if h.Ended != nil {
		return h.Ended.ThruDate
	}
	return h.Added.ThruDate
}

func (h Cover) in(day string) bool {
	return h.Added != nil && date.Within(day, h.Added.FromDate, h.thru())
}

// CoveragesMirror has all coverages of a patient with their ends, by patient_id.
var CoveragesMirror = es.Mirror[map[string]Cover]{
	Name: "claims.coverages",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *intakev1.CoverageAdded:
			return []string{e.PatientId}
		case *intakev1.CoverageTerminated:
			return []string{e.PatientId}
		}
		return nil
	},
	Evolve: func(all map[string]Cover, event es.Event) map[string]Cover {
		if all == nil {
			all = map[string]Cover{}
		}
		switch e := event.(type) {
		case *intakev1.CoverageAdded:
			all[e.CoverageId] = Cover{Added: e, Ended: all[e.CoverageId].Ended}
		case *intakev1.CoverageTerminated:
			all[e.CoverageId] = Cover{Added: all[e.CoverageId].Added, Ended: e}
		}
		return all
	},
}

// ChangedMirror has what was told of claims whose coverages changed, by patient_id.
var ChangedMirror = all("claims.coverage_changed", func(e *pb.CoverageChangeDetected) string { return e.PatientId })

// changed says how the coverages of the day of service are not those for which a claim of ours is made; nil: they are. What another billing system claimed is its history:
// its files tell no ends, and may give two coverages one place.
func changed(look es.Look, f content.Facts) *pb.CoverageChangeDetected {
	c := f.Coded
	if c.Imported || f.Coverage == nil {
		return nil
	}
	all, _ := es.Find(look, CoveragesMirror, c.PatientId)
	own := all[f.Payer.CoverageId]
	if own.Added == nil {
		own.Added = f.Coverage
	}
	found := &pb.CoverageChangeDetected{
		ClaimId: f.ClaimID, PatientId: c.PatientId, EncounterId: c.EncounterId, PayerId: f.Payer.PayerId, CoverageId: f.Payer.CoverageId, ServiceDate: c.ServiceDate, ThruDate: own.thru(),
	}
	if !own.in(c.ServiceDate) {
		found.Change = pb.CoverageChange_COVERAGE_CHANGE_RETRO_TERMINATION
		return found
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		other := all[id]
		counted := id == f.Payer.CoverageId || slices.ContainsFunc(c.ResponsiblePayers, func(p *intakev1.ResponsiblePayer) bool { return p.CoverageId == id })
		if !counted && other.in(c.ServiceDate) && other.Added.PayerSequence <= f.Payer.PayerSequence {
			found.Change = pb.CoverageChange_COVERAGE_CHANGE_EARLIER_PAYER
			found.OtherCoverageId, found.OtherPayerId = id, other.Added.PayerId
			return found
		}
	}
	return nil
}

// recovered looks at the claims of those visits of a patient whose coverages may have changed. A claim whose facts are not all there is not made yet: it will be, with what is
// known of its coverages then, so a change of coverage waits for nothing.
func recovered(look es.Look, patientID, today string, touched func(*codingv1.CodingCompleted) bool) ([]es.Command, error) {
	visits, _ := es.Find(look, VisitsMirror, patientID)
	var out []es.Command
	for _, coded := range visits {
		if coded.Imported || !touched(coded) {
			continue
		}
		for _, payer := range coded.ResponsiblePayers {
			again, err := recheck(look, coded, payer, today)
			var wait *es.WaitError
			if errors.As(err, &wait) {
				continue
			}
			if err != nil {
				return nil, err
			}
			out = append(out, again)
		}
	}
	return out, nil
}

func recheck(look es.Look, coded *codingv1.CodingCompleted, payer *intakev1.ResponsiblePayer, today string) (es.Command, error) {
	facts, scrub, err := Gather(look, coded, payer, today)
	if err != nil {
		return es.Command{}, err
	}
	return es.Do(Stream, facts.ClaimID, Recheck, Again{ClaimID: facts.ClaimID, Fresh: content.Build(facts), Scrub: scrub}), nil
}

// ended looks at the visits after the end, and at all that a coverage's end or order had to do with before.
func ended(look es.Look, e *intakev1.CoverageTerminated, today string) ([]es.Command, error) {
	before, _ := es.Find(look, ChangedMirror, e.PatientId)
	return recovered(look, e.PatientId, today, func(c *codingv1.CodingCompleted) bool {
		return c.ServiceDate > e.ThruDate || slices.ContainsFunc(before, func(d *pb.CoverageChangeDetected) bool { return d.EncounterId == c.EncounterId })
	})
}

func covers(look es.Look, e *intakev1.CoverageAdded, today string) ([]es.Command, error) {
	return recovered(look, e.PatientId, today, func(c *codingv1.CodingCompleted) bool {
		return date.Within(c.ServiceDate, e.FromDate, e.ThruDate)
	})
}

// crossedCoverage looks at a claim's coverages again: a change may have come while the claim was made, or was looked at, so that neither saw the other.
func crossedCoverage(look es.Look, encounterID, claimID string, made bool, today string) ([]es.Command, error) {
	coded, there := es.Find(look, CodedMirror, encounterID)
	if !there || coded.Imported {
		return nil, nil
	}
	for _, payer := range coded.ResponsiblePayers {
		if idOf(encounterID, payer) != claimID {
			continue
		}
		facts := content.Facts{ClaimID: claimID, Coded: coded, Payer: payer}
		facts.Coverage, _ = es.Find(look, CoverageMirror, payer.CoverageId)
		if made && changed(look, facts) == nil {
			return nil, nil // as nearly always
		}
		again, err := recheck(look, coded, payer, today)
		if err != nil {
			return nil, err
		}
		return []es.Command{again}, nil
	}
	return nil, nil
}

// detected is a change of coverage as it is told of a claim.
func detected(s State, found *pb.CoverageChangeDetected) *pb.CoverageChangeDetected {
	e := proto.Clone(found).(*pb.CoverageChangeDetected)
	e.Sent, e.PaidAmount, e.AtRiskAmount = len(s.Files) > 0 || s.Sent > 0 && !waits(s), max(s.Paid, 0), s.Content.ChargeAmount
	if s.Decided {
		e.AtRiskAmount = e.PaidAmount
	}
	return e
}

func sameChange(a, b *pb.CoverageChangeDetected) bool {
	return a.GetChange() == b.GetChange() && a.GetOtherCoverageId() == b.GetOtherCoverageId() && a.GetThruDate() == b.GetThruDate()
}

// Recheck tells, once, that the coverages of the day of service are not those of the claim any more, or are again. A claim that is held is scrubbed again, so that it stays held
// for it, or goes; what waits for its file is taken out of it to be held; what the payer has stays with it, and a person decides.
func Recheck(s State, a Again) ([]es.Event, error) {
	found := a.Scrub.Coverage
	if s.Created == nil || s.Withdrawn || found == nil && s.Coverage == nil || found != nil && s.Coverage != nil && sameChange(found, s.Coverage) {
		return nil, nil
	}
	var events []es.Event
	if found == nil {
		events = append(events, &pb.CoverageChangeCleared{ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId})
	} else {
		events = append(events, detected(s, found))
	}
	ours := func(r *problemv1.Reason) bool {
		return r.RuleId == edits.CoverageInForce || r.RuleId == edits.PayerOrder
	}
	if found != nil && s.Held == nil && s.Recall == nil && waits(s) {
		return append(events, toHold(s)), nil
	}
	if s.Held == nil || found == nil && !slices.ContainsFunc(s.Held.Reasons, ours) {
		return events, nil
	}
	return append(events, again(s.with(events...), a)...), nil
}
