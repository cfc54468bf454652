package claim

import (
	"maps"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

var (
	// Awaited: a status is reported of a version that went to the payer and is not answered, or of a claim whose replacement or void it has rejected, or whose void it has refused; of anything else
	// the payer has spoken itself. Source: our own choice.
	Awaited = refuse.Rule{ID: "claims.awaited", Version: 3, Owner: "follow_up"}
	// PayerHasIt: what the payer took in under a number of its own it has until its decision is overdue, or until it rejects a replacement or void of that number, whatever else a person was
	// told; and what it has decided it has. Source: 277CA A2 with REF*1K; payers load what
	// they took in within their days to decide, and who sends it again before is denied as a duplicate (CARC 18). Checked 2026-11-24.
	PayerHasIt = refuse.Rule{ID: "claims.payer_has_it", Version: 2, Owner: "follow_up"}
	// FindingFits: a claim that is on file has the payer's number, which replacements name; one that is not has none. Source: REF*F8 of the 837P. Checked 2026-11-24.
	FindingFits = refuse.Rule{ID: "claims.finding_fits", Version: 1, Owner: "follow_up"}
	// OnFile: the payer has the claim that was sent to it. Fails when it says that it has none, and holds the claim. Source: the payer, asked by a person.
	OnFile = refuse.Rule{ID: "claims.on_file", Version: 1, Owner: "billing"}
)

// ReportStatus records what the payer says of a version that it has not answered, or of the claim that a rejected replacement or void, or a refused void, names. One that it has not got is held, for a person
// to send it again; one that it has can be replaced or voided under its number.
func ReportStatus(s State, c *pb.ReportClaimStatusRequest) ([]es.Event, error) {
	if s.Created == nil {
		return nil, missing(c.ClaimId)
	}
	onFile := c.Finding == pb.ClaimFinding_CLAIM_FINDING_ON_FILE
	if onFile && s.OnFile && s.PayerNumber == c.PayerClaimControlNumber {
		return nil, nil
	}
	unknown := changeRejected(s) || s.VoidRefused
	var no refuse.List
	no.If(!s.InFlight && !unknown, Awaited, "", "no version of the claim waits for an answer of the payer, and it has rejected no replacement or void of it, nor refused one")
	no.If(s.InFlight && s.Files[s.Sent] == "", Awaited, "", "version %d waits for the next file: the payer can't have it yet", s.Sent)
	no.If(onFile && c.PayerClaimControlNumber == "", FindingFits, "payer_claim_control_number", "on file under which number? Replacements and voids name it")
	no.If(!onFile && c.PayerClaimControlNumber != "", FindingFits, "payer_claim_control_number", "what is not on file has no number: leave it out, or say that it is on file")
	no.If(!onFile && unknown && len(s.Numbers) > 0, PayerHasIt, "finding", "the payer has decided the claim as %s, and has not taken that back: ask under which number it has it now, and report that", s.PayerNumber)
	given := ownNumber(s)
	no.If(!onFile && s.InFlight && given != "" && s.Given[given] == s.Sent && !s.Overdue[overdue(waitRemittance, s.Sent)], PayerHasIt, "finding",
		"the payer took version %d in as %s, and has %d days to decide: ask it for that number, and report that it is on file; when its decision is overdue, report that it is not", s.Sent, given, remittanceDays)
	no.If(!onFile && unknown && len(s.Numbers) == 0 && given != "", PayerHasIt, "finding",
		"the payer took version %d in as %s, and has not said that it does not know that number: report that it is on file as %s, and correct or void the claim under it", s.Given[given], given, given)
	if no.Any() {
		return no.Or()
	}
	reported := &pb.ClaimStatusReported{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, ClaimVersion: s.Sent, Finding: c.Finding,
		PayerClaimControlNumber: c.PayerClaimControlNumber, Reason: c.Reason,
	}
	if onFile {
		return []es.Event{reported}, nil
	}
	var why refuse.List
	nothing := hasNothing(s)
	why.If(!nothing, OnFile, "", "the payer has no version %d on file: release the claim to send it again, or correct or void it", s.Sent)
	why.If(nothing, OnFile, "", "the payer has nothing of the claim on file: release it to send it as an original, or correct or void it")
	return []es.Event{reported, hold(s, append(why.Reasons(), kept(s.Held, OnFile)...))}, nil
}

// ownNumber is the number that the payer gave the last version that it took in, and that it has not rejected a replacement or void for; what a person was told beside it takes nothing of that
// back. Empty: none.
func ownNumber(s State) string {
	found := ""
	for _, n := range slices.Sorted(maps.Keys(s.Given)) {
		if !s.Disowned[n] && (found == "" || s.Given[n] > s.Given[found]) {
			found = n
		}
	}
	return found
}

// changeRejected says whether the payer has rejected a replacement or void, and so may not have what it names.
func changeRejected(s State) bool {
	return s.Rejected && !s.InFlight && s.Content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL
}

// hasNothing says whether "not on file" is said of the whole claim: of what a rejected replacement or void names, or of a void of what the payer has never decided, or took all back of.
func hasNothing(s State) bool {
	return changeRejected(s) || s.InFlight && s.Content.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_VOID && len(s.Numbers) == 0
}

// foundAfterAll lets go of a claim that is held because the payer said that it had none, when it speaks of it. What else holds it holds it still.
func foundAfterAll(s State) []es.Event {
	if !s.Lost || !slices.ContainsFunc(s.Held.GetReasons(), func(r *problemv1.Reason) bool { return r.RuleId == OnFile.ID }) {
		return nil
	}
	others := slices.DeleteFunc(slices.Clone(s.Held.Reasons), func(r *problemv1.Reason) bool { return r.RuleId == OnFile.ID })
	if len(others) > 0 {
		return []es.Event{hold(s, others)}
	}
	return []es.Event{&pb.ClaimReleased{ClaimId: s.Created.ClaimId, Reason: "the payer has it after all"}}
}
