package claim

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

var (
	// Awaited: a status is reported of a version that went to the payer and is not answered; of anything else the payer has spoken itself. Source: our own choice.
	Awaited = refuse.Rule{ID: "claims.awaited", Version: 1, Owner: "follow_up"}
	// FindingFits: a claim that is on file has the payer's number, which replacements name; one that is not has none. Source: REF*F8 of the 837P. Checked 2026-11-24.
	FindingFits = refuse.Rule{ID: "claims.finding_fits", Version: 1, Owner: "follow_up"}
	// OnFile: the payer has the claim that was sent to it. Fails when it says that it has none, and holds the claim. Source: the payer, asked by a person.
	OnFile = refuse.Rule{ID: "claims.on_file", Version: 1, Owner: "billing"}
)

// ReportStatus records what the payer says of a version that it has not answered. One that it has not got is held, for a person to send it again; one that it has can be replaced or
// voided under its number.
func ReportStatus(s State, c *pb.ReportClaimStatusRequest) ([]es.Event, error) {
	if s.Created == nil {
		return nil, missing(c.ClaimId)
	}
	onFile := c.Finding == pb.ClaimFinding_CLAIM_FINDING_ON_FILE
	if onFile && s.OnFile && s.PayerNumber == c.PayerClaimControlNumber {
		return nil, nil
	}
	var no refuse.List
	no.If(!s.InFlight, Awaited, "", "no version of the claim waits for an answer of the payer")
	no.If(s.InFlight && s.Files[s.Sent] == "", Awaited, "", "version %d waits for the next file: the payer can't have it yet", s.Sent)
	no.If(onFile && c.PayerClaimControlNumber == "", FindingFits, "payer_claim_control_number", "on file under which number? Replacements and voids name it")
	no.If(!onFile && c.PayerClaimControlNumber != "", FindingFits, "payer_claim_control_number", "what is not on file has no number: leave it out, or say that it is on file")
	if no.Any() {
		return no.Or()
	}
	reported := &pb.ClaimStatusReported{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, ClaimVersion: s.Sent, Finding: c.Finding,
		PayerClaimControlNumber: c.PayerClaimControlNumber, Reason: c.Reason,
	}
	if onFile || s.Held != nil { // held for something else: that is decided first
		return []es.Event{reported}, nil
	}
	var why refuse.List
	why.If(true, OnFile, "", "the payer has no version %d on file: release the claim to send it again, or correct or void it", s.Sent)
	return []es.Event{reported, hold(s, why.Reasons())}, nil
}

// foundAfterAll lets go of a claim that is held because the payer said that it had none, when it speaks of it.
func foundAfterAll(s State) []es.Event {
	if !s.Lost || !slices.ContainsFunc(s.Held.GetReasons(), func(r *problemv1.Reason) bool { return r.RuleId == OnFile.ID }) {
		return nil
	}
	return []es.Event{&pb.ClaimReleased{ClaimId: s.Created.ClaimId, Reason: "the payer has it after all"}}
}
