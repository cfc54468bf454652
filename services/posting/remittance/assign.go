package remittance

import (
	"slices"

	"google.golang.org/protobuf/proto"

	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/posting/account"
)

var (
	// HeldPaymentExists: what is assigned is held of that remittance. Source: arithmetic.
	HeldPaymentExists = refuse.Rule{ID: "posting.held_payment_exists", Version: 1, Owner: "posting", NotFound: true}
	// HeldPaymentAssignedOnce: a payment is for one claim. Source: arithmetic.
	HeldPaymentAssignedOnce = refuse.Rule{ID: "posting.held_payment_assigned_once", Version: 1, Owner: "posting"}
	// OneNameOfTheClaim: a claim is named by its id or by its number. Source: our own choice; two names could be two claims.
	OneNameOfTheClaim = refuse.Rule{ID: "posting.one_name_of_the_claim", Version: 1, Owner: "posting"}
	// ClaimExists: a claim that is named is one of ours. Source: our own choice.
	ClaimExists = refuse.Rule{ID: "posting.claim_exists", Version: 1, Owner: "posting", NotFound: true}
	// AssignedToItsPayer: a payer pays the claims that it was sent; where the remittance names no payer of ours, somebody who knows says whose it is. Source: as AnsweredByItsPayer.
	AssignedToItsPayer = refuse.Rule{ID: "posting.assigned_to_its_payer", Version: 1, Owner: "posting"}
	// LikeTheClaim: a payment tells the day of service and the charge of the claim that it is for, or somebody says why not. Source: 835 CLP03, DTM*232 and DTM*472 repeat what was
	// billed; ours is the choice that a person may know better.
	LikeTheClaim = refuse.Rule{ID: "posting.like_the_claim", Version: 1, Owner: "posting"}
	// TakesBackAPayment: a reversal answers to a payment that is posted; where none is, its money is held as before. Source: 835 CLP02 22.
	TakesBackAPayment = refuse.Rule{ID: "posting.takes_back_a_payment", Version: 1, Owner: "posting"}
)

// byHand is how a claim was found that a person named: see RemittanceClaim.matched_by.
const byHand = "assigned"

// Assignment is what is known of both sides of a held payment.
type Assignment struct {
	Read      *exchangev1.RemittanceRead // nil: never read
	ClaimID   string
	Claim     account.ClaimOf
	Known     bool                            // the claim is
	Contracts []*registryv1.ContractPublished // with its payer
}

// Assign gives a held claim payment to the claim that it is for: Dr unapplied.insurance / Cr cash.clearing, and on the account what the payment does there, which debits cash.clearing
// again. Both are recorded together, so money in is on the ledger or held at every instant.
func Assign(s State, on account.State, c *pb.AssignHeldPaymentRequest, to Assignment) (events, posted []es.Event, err error) {
	held, done := s.Held[c.ClaimOrdinal], s.Assigned[c.ClaimOrdinal]
	named := c.ClaimId != "" || c.PatientControlNumber != ""
	payer := to.Read.GetPayerId()
	var no refuse.List
	no.If(held == nil || to.Read == nil, HeldPaymentExists, "claim_ordinal", "nothing is held of claim %d of remittance %s", c.ClaimOrdinal, c.RemittanceId)
	no.If(done != nil, HeldPaymentAssignedOnce, "claim_ordinal", "claim %d of remittance %s was assigned to claim %s on %s", c.ClaimOrdinal, c.RemittanceId, done.GetToClaimId(), done.GetAssignedDate())
	no.If(!named || c.ClaimId != "" && c.PatientControlNumber != "", OneNameOfTheClaim, "claim_id", "send claim_id or patient_control_number, one of the two")
	no.If(named && !to.Known, ClaimExists, "claim_id", "there is no claim of that id or number")
	no.If(to.Known && on.Charge == nil, account.Exists, "claim_id", "the charge of claim %s is not booked yet: try again", to.ClaimID)
	no.If(to.Known && payer != "" && payer != to.Claim.Payer.ID, AssignedToItsPayer, "claim_id", "payer %s pays, and claim %s went to payer %s: name the claim to the payer that pays", payer, to.ClaimID, to.Claim.Payer.ID)
	if no.Any() {
		return nil, nil, no.Err()
	}
	i := slices.IndexFunc(to.Read.Claims, func(x *exchangev1.RemittanceClaim) bool { return x.Ordinal == c.ClaimOrdinal })
	claim := proto.CloneOf(to.Read.Claims[i])
	claim.ClaimId, claim.MatchedBy = to.ClaimID, byHand
	day, charge := claim.ServiceDate, max(claim.ChargeAmount, -claim.ChargeAmount)
	no.If(c.DifferenceReason == "" && day != "" && day != on.Charge.ServiceDate, LikeTheClaim, "difference_reason", "the payer tells of a service on %s, the claim of one on %s: say why it is that claim", day, on.Charge.ServiceDate)
	no.If(c.DifferenceReason == "" && charge != on.Charge.ChargeAmount, LikeTheClaim, "difference_reason", "the payer tells of a charge of %s, the claim of %s: say why it is that claim", money.Format(charge), money.Format(on.Charge.ChargeAmount))
	posted, err = account.Post(on, account.Advice{
		AccountID: to.Claim.AccountID, RemittanceID: c.RemittanceId, RemitterID: payer, AdjudicationDate: adjudicated(to.Read, c.Today), ClaimID: to.ClaimID, Payer: to.Claim.Payer,
		Claim: claim, Contracts: to.Contracts,
	})
	if err != nil {
		return nil, nil, err
	}
	no.If(slices.ContainsFunc(posted, func(e es.Event) bool { _, ok := e.(*pb.ClaimPaymentUnmatched); return ok }), TakesBackAPayment, "claim_id",
		"it takes a payment back, and no payment of claim %s with these amounts is posted", to.ClaimID)
	events, err = no.Or(&pb.UnappliedAssigned{
		RemittanceId: c.RemittanceId, PayerId: held.PayerId, ClaimOrdinal: c.ClaimOrdinal, ToClaimId: to.ClaimID, Amount: held.Amount, Reason: c.Reason,
		DifferenceReason: c.DifferenceReason, AssignedDate: c.Today, Legs: money.Mirror(held.Legs), Source: held.Source,
	})
	if err != nil {
		return nil, nil, err
	}
	return events, posted, nil
}

// adjudicated is the payment's date, as a claim's of the same remittance that we knew at once.
func adjudicated(r *exchangev1.RemittanceRead, today string) string {
	if d := day(r); d != "" {
		return d
	}
	return today
}
