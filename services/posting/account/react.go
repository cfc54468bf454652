package account

import (
	"cmp"
	"fmt"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// React books coded visits, what corrected and withdrawn claims change of them, the claims of balanced remittances, and patient money that was assigned.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *codingv1.CodingCompleted:
		return coded(e, look)
	case *codingv1.VisitPayersTold:
		if _, charged := es.Find(look, ChargeMirror, e.EncounterId); !charged {
			return nil, es.Wait(ChargeMirror, e.EncounterId)
		}
		return []es.Command{es.Do(Stream, e.EncounterId, Tell, e)}, nil
	case *claimsv1.CorrectedClaimPrepared:
		return corrected(e, look)
	case *claimsv1.ClaimClosed:
		if e.Withdrawn {
			return withdrawn(e, look)
		}
	case *pb.RemittanceBalanced:
		return post(r, e, look)
	case *pb.PatientPaymentAssigned:
		return []es.Command{es.Do(Stream, e.AccountId, Take, e)}, nil
	case *pb.PatientPaymentReversed:
		var out []es.Command
		for _, s := range e.Shares {
			out = append(out, es.Do(Stream, s.AccountId, TakeBack, Bounced{AccountID: s.AccountId, Payment: e}))
		}
		return out, nil
	}
	return nil, nil
}

func coded(e *codingv1.CodingCompleted, look es.Look) ([]es.Command, error) {
	price, err := priced(e, look)
	if err != nil {
		return nil, err
	}
	return []es.Command{es.Do(Stream, e.EncounterId, Charge, Coded{Visit: e, Price: price})}, nil
}

// billed is what a coded visit and its booked charge both say.
type billed interface {
	GetRenderingClinicianId() string
	GetImported() bool
	GetResponsiblePayers() []*intakev1.ResponsiblePayer
}

// priced looks up what the contract's price of a visit depends on. Without a contract nothing is expected.
func priced(v billed, look es.Look) (p Price, err error) {
	license, known := es.Find(look, LicenseMirror, v.GetRenderingClinicianId())
	if !known && !v.GetImported() && v.GetRenderingClinicianId() != "" { // an imported claim may name somebody we never register: rates for every license still count
		return p, es.Wait(LicenseMirror, v.GetRenderingClinicianId())
	}
	p.License = license
	if payers := v.GetResponsiblePayers(); len(payers) > 0 {
		p.Contracts, _ = es.Find(look, ContractMirror, payers[0].PayerId)
	}
	return p, nil
}

func corrected(e *claimsv1.CorrectedClaimPrepared, look es.Look) ([]es.Command, error) {
	claim, charge, err := chargeOf(look, e.ClaimId)
	if err != nil {
		return nil, err
	}
	price, err := priced(charge, look)
	if err != nil {
		return nil, err
	}
	return []es.Command{es.Do(Stream, claim.AccountID, Correct, Correction{Prepared: e, Payer: claim.Payer, Price: price})}, nil
}

func withdrawn(e *claimsv1.ClaimClosed, look es.Look) ([]es.Command, error) {
	claim, _, err := chargeOf(look, e.ClaimId)
	if err != nil {
		return nil, err
	}
	take := Void
	if e.ChargeStands {
		take = MoveOn
	}
	return []es.Command{es.Do(Stream, claim.AccountID, take, Withdrawal{Closed: e, Payer: claim.Payer})}, nil
}

// chargeOf waits until a claim is known and its charge is booked.
func chargeOf(look es.Look, claimID string) (ClaimOf, *pb.ChargePosted, error) {
	claim, known := es.Find(look, ClaimMirror, claimID)
	if !known {
		return claim, nil, es.Wait(ClaimMirror, claimID)
	}
	charge, charged := es.Find(look, ChargeMirror, claim.AccountID)
	if !charged {
		return claim, nil, es.Wait(ChargeMirror, claim.AccountID)
	}
	return claim, charge, nil
}

// post waits until every claim, as it was billed, is known and its charge is booked: then all of them are posted together.
func post(r es.Recorded, e *pb.RemittanceBalanced, look es.Look) ([]es.Command, error) {
	var out []es.Command
	for _, c := range fileOrder(e.Claims) {
		claim, _, err := chargeOf(look, c.ClaimId)
		if err != nil {
			return nil, err
		}
		if c.ClaimVersion > 1 { // the payer answers to corrected lines: they are on the books first
			if _, known := es.Find(look, VersionMirror, version(c.ClaimId, c.ClaimVersion)); !known {
				return nil, es.Wait(VersionMirror, version(c.ClaimId, c.ClaimVersion))
			}
		}
		day := e.EffectiveDate
		if day == "" {
			day = r.OccurredOn
		}
		contracts, _ := es.Find(look, ContractMirror, cmp.Or(c.AnsweringPayerId, claim.Payer.ID)) // without one the patient may be asked for all
		out = append(out, es.Do(Stream, claim.AccountID, Post, Advice{
			AccountID: claim.AccountID, RemittanceID: e.RemittanceId, RemitterID: e.PayerId, AdjudicationDate: day,
			ClaimID: c.ClaimId, Payer: claim.Payer, Claim: c, Contracts: contracts,
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

// NumberMirror has the claim of each number that we gave, by patient_control_number.
var NumberMirror = es.Mirror[string]{
	Name: "posting.claim_number",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*claimsv1.ClaimCreated); ok && e.Content.GetPatientControlNumber() != "" {
			return []string{e.Content.PatientControlNumber}
		}
		return nil
	},
	Evolve: func(_ string, event es.Event) string { return event.(*claimsv1.ClaimCreated).ClaimId },
}

// VersionMirror knows the corrected versions of claims, by claim and version.
var VersionMirror = es.Mirror[bool]{
	Name: "posting.version",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*claimsv1.CorrectedClaimPrepared); ok {
			return []string{version(e.ClaimId, e.ClaimVersion)}
		}
		return nil
	},
	Evolve: func(bool, es.Event) bool { return true },
}

func version(claimID string, n int32) string { return fmt.Sprint(claimID, "/", n) }

// ChargeMirror has the charges as they were booked first, by account_id.
var ChargeMirror = es.Mirror[*pb.ChargePosted]{
	Name: "posting.charge",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.ChargePosted); ok {
			return []string{e.AccountId}
		}
		return nil
	},
	Evolve: func(_ *pb.ChargePosted, event es.Event) *pb.ChargePosted { return event.(*pb.ChargePosted) },
}
