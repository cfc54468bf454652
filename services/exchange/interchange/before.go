package interchange

import (
	"slices"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
)

// Payers go on answering to what the other billing system sent them, under its numbers. Such an answer is the visit's here; it is recognized by number, charge and day together, since
// senders use a number for many visits.

// ByPriorNumber is how an answer to a claim of the other billing system is recognized.
const ByPriorNumber = "prior_claim_number"

// Prior is a claim that the other billing system sent, of a visit that is here.
type Prior struct {
	EncounterID, PatientID, ServiceDate string
	Charge                              int64
	Decided                             []string // payer ids whose decision its file tells
}

// PriorMirror has the imported claims by their number there.
var PriorMirror = es.Mirror[[]Prior]{
	Name: "exchange.prior_number",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.ClaimImported); ok && e.PriorClaimNumber != "" {
			return []string{e.PriorClaimNumber}
		}
		return nil
	},
	Evolve: func(all []Prior, event es.Event) []Prior {
		e := event.(*pb.ClaimImported)
		p := Prior{EncounterID: e.EncounterId, PatientID: e.PatientId, ServiceDate: e.ServiceDate, Charge: e.ChargeAmount}
		for _, a := range e.PriorAdjudications {
			p.Decided = append(p.Decided, a.PayerId)
		}
		for _, c := range e.Coverages { // a payer before the one that the file went to has decided, also where it told no amounts
			if c.PayerSequence < e.Coverages[0].PayerSequence {
				p.Decided = append(p.Decided, c.PayerId)
			}
		}
		return append(all, p)
	},
}

// VisitMirror has our claims of each visit, by encounter_id.
var VisitMirror = es.Mirror[[]Ours]{
	Name: "exchange.visit",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*claimsv1.ClaimCreated); ok {
			return []string{e.EncounterId}
		}
		return nil
	},
	Evolve: func(all []Ours, event es.Event) []Ours {
		e := event.(*claimsv1.ClaimCreated)
		return append(all, Ours{ClaimID: e.ClaimId, PatientID: e.PatientId, PayerID: e.Content.GetPayerId()})
	},
}

// PatientOf is whose claim a number of the other billing system means; empty: nobody's, or of several people.
func PatientOf(all []Prior) string {
	if len(all) == 0 || slices.ContainsFunc(all, func(p Prior) bool { return p.PatientID != all[0].PatientID }) {
		return ""
	}
	return all[0].PatientID
}

// before is our claim of the visit to whose claim in the other billing system a payer answers; none: of several visits, or the payer's decision came with the visit.
func (r *reader) before(c *t835.Claim, named string, may []string) Ours {
	all, _ := es.Find(r.look, PriorMirror, c.Number)
	day := day(c.Service().From)
	for _, l := range c.Lines {
		if from := l.Service().From; day == "" || from != "" && from < day {
			day = from
		}
	}
	visit := ""
	var decided []string
	for _, p := range all {
		if max(c.Charge, -c.Charge) != p.Charge || day != p.ServiceDate {
			continue
		}
		if visit != "" && p.EncounterID != visit {
			return Ours{}
		}
		visit, decided = p.EncounterID, append(decided, p.Decided...)
	}
	if visit == "" || slices.Contains(decided, named) {
		return Ours{}
	}
	claims, _ := es.Find(r.look, VisitMirror, visit)
	n := slices.IndexFunc(claims, func(o Ours) bool { return o.PayerID == named })
	if n < 0 {
		n = slices.IndexFunc(claims, func(o Ours) bool { return slices.Contains(may, o.PayerID) })
	}
	switch {
	case n >= 0 && !slices.Contains(decided, claims[n].PayerID):
		return claims[n]
	case n < 0 && (named != "" && len(claims) > 0 || len(claims) == 1): // the only claim, or any: who answers is named
		return claims[0]
	}
	return Ours{}
}
