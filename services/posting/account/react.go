package account

import (
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React books coded visits, the claims of balanced remittances, and patient money that was assigned.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *codingv1.CodingCompleted:
		return coded(e, look)
	case *pb.RemittanceBalanced:
		return post(r, e, look)
	case *pb.PatientPaymentAssigned:
		return []es.Command{es.Do(Stream, e.AccountId, Take, e)}, nil
	}
	return nil, nil
}

func coded(e *codingv1.CodingCompleted, look es.Look) ([]es.Command, error) {
	visit := Coded{Visit: e}
	license, known := es.Find(look, LicenseMirror, e.RenderingClinicianId)
	if !known && !e.Imported && e.RenderingClinicianId != "" { // an imported claim may name somebody we never register: rates for every license still count
		return nil, es.Wait(LicenseMirror, e.RenderingClinicianId)
	}
	visit.License = license
	if len(e.ResponsiblePayers) > 0 {
		visit.Contracts, _ = es.Find(look, ContractMirror, e.ResponsiblePayers[0].PayerId) // without a contract nothing is expected
	}
	return []es.Command{es.Do(Stream, e.EncounterId, Charge, visit)}, nil
}

// post waits until every claim is known and its charge is booked: then all of them are posted together.
func post(r es.Recorded, e *pb.RemittanceBalanced, look es.Look) ([]es.Command, error) {
	var out []es.Command
	for _, c := range e.Claims {
		claim, known := es.Find(look, ClaimMirror, c.ClaimId)
		if !known {
			return nil, es.Wait(ClaimMirror, c.ClaimId)
		}
		if _, charged := es.Find(look, ChargeMirror, claim.AccountID); !charged {
			return nil, es.Wait(ChargeMirror, claim.AccountID)
		}
		day := e.EffectiveDate
		if day == "" {
			day = r.OccurredOn
		}
		out = append(out, es.Do(Stream, claim.AccountID, Post, Advice{
			AccountID: claim.AccountID, RemittanceID: e.RemittanceId, RemitterID: e.PayerId, AdjudicationDate: day,
			ClaimID: c.ClaimId, Payer: claim.Payer, Claim: c,
		}))
	}
	return out, nil
}

// LicenseMirror has the license of each clinician, by clinician_id.
var LicenseMirror = es.Mirror[typev1.LicenseType]{
	Name: "posting.license",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.ClinicianRegistered); ok {
			return []string{e.ClinicianId}
		}
		return nil
	},
	Evolve: func(_ typev1.LicenseType, event es.Event) typev1.LicenseType {
		return event.(*registryv1.ClinicianRegistered).LicenseType
	},
}

// ContractMirror has the contracts with each payer, by payer_id, in the order in which they were told.
var ContractMirror = es.Mirror[[]*registryv1.ContractPublished]{
	Name: "posting.contract",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.ContractPublished); ok {
			return []string{e.PayerId}
		}
		return nil
	},
	Evolve: func(all []*registryv1.ContractPublished, event es.Event) []*registryv1.ContractPublished {
		return append(all, event.(*registryv1.ContractPublished))
	},
}

// ClaimOf is where a claim belongs.
type ClaimOf struct {
	AccountID string
	Payer     Payer
}

// ClaimMirror has each claim's account and payer, by claim_id.
var ClaimMirror = es.Mirror[ClaimOf]{
	Name: "posting.claim",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*claimsv1.ClaimCreated); ok {
			return []string{e.ClaimId}
		}
		return nil
	},
	Evolve: func(_ ClaimOf, event es.Event) ClaimOf {
		e := event.(*claimsv1.ClaimCreated)
		return ClaimOf{e.AccountId, Payer{e.Content.GetPayerId(), e.Content.GetPayerSequence()}}
	},
}

// ChargeMirror knows which accounts are charged and whose they are, by account_id.
var ChargeMirror = es.Mirror[string]{
	Name: "posting.charge",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.ChargePosted); ok {
			return []string{e.AccountId}
		}
		return nil
	},
	Evolve: func(_ string, event es.Event) string { return event.(*pb.ChargePosted).PatientId },
}
