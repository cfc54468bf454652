// Package claim is the stream of one claim: one payer, one place in the order of payers, all versions of it.
package claim

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// State is what the decisions need to know, and nothing else.
type State struct {
	Created  *pb.ClaimCreated
	Content  *pb.ClaimContent // of the current version
	Version  int32            // current, from 1
	Scrubbed *pb.ClaimScrubbed
	Held     *pb.ClaimHeld // nil: not held

	Sent     int32                  // the last version that went to the exchange; 0: none
	InFlight bool                   // the payer has that version and has neither rejected nor decided it
	Recall   *pb.SubmissionRecalled // of that version, whose answer by the exchange is waited for; nil: none
	Answers  map[string]bool
	OnFile   bool             // the payer has that version, as a person learnt from it
	Lost     bool             // the payer has no such version, as a person learnt from it
	Anew     bool             // the payer has none that a replacement or void could name, as a person learnt from it
	Accepted bool             // clearinghouse or payer took in the version that was sent last
	Rejected bool             // it was rejected
	Files    map[int32]string // by version: the day on which it went out

	Numbers     []string                   // the payer's claim numbers of its decisions that it has not taken back, oldest first
	Last        string                     // remittance of the last decision
	PayerNumber string                     // its claim number that a replacement or void names: of the last of these decisions, before one as it took the claim in
	Given       map[string]int32           // by its claim number: the version that it took in under it, until it decides under it
	Disowned    map[string]bool            // its claim numbers that it did not know, when a replacement or void named them
	Acked       string                     // its claim number of the version that was sent last, as it took that in
	Remits      map[string]bool            // claim payments that were taken in
	Noes        map[string]bool            // those of them that only refuse a void
	EverDecided bool                       // the payer has decided some version
	Decided     bool                       // and not taken it back
	Paid        int64                      // cents, what it took back taken off
	Coverage    *pb.CoverageChangeDetected // how the coverages of the day are other than the claim's; nil: they are not
	Denials     []*pb.LineDenied
	Ended       []*pb.LineDenied // denials that ended with a decision that was taken back, until the payer decides anew
	Disputed    int64            // cents that the payer owes by our reckoning and not by its own

	NextClaimID string // of the next payer, once prepared
	Closed      bool
	Withdrawn   bool // by us: nothing more is sent
	VoidRefused bool // the payer has answered the void that was sent last, and taken nothing back
	Warned      bool // of the filing limit

	CrossedOver bool // the payer got it from the payer before this one

	ChargeVoided bool // the first payer's claim was taken back before this one
	Overdue      map[string]bool
}

// duplicate is the reason of a denial that says that the payer has the claim already. Source: the public CARC list. Checked 2026-11-24.
const duplicate = "18"

// Stream is the claim's stream.
var Stream = es.Stream[State]{Kind: "claim", Evolve: Evolve}

// withdrawnReason begins the reason of a claim that was closed before the payer took it in.
const withdrawnReason = "withdrawn before the payer took it in"

// Evolve folds one event into the state.
func Evolve(s State, event es.Event) State {
	switch e := event.(type) {
	case *pb.ClaimCreated:
		s = State{
			Created: e, Content: e.Content, Version: 1,
			Answers: map[string]bool{}, Files: map[int32]string{}, Remits: map[string]bool{}, Overdue: map[string]bool{}, Given: map[string]int32{}, Noes: map[string]bool{}, Disowned: map[string]bool{},
		}
	case *pb.ClaimScrubbed:
		s.Scrubbed = e
	case *pb.ClaimHeld:
		s.Held = e
	case *pb.ClaimReleased:
		s.Held = nil
	case *pb.CorrectedClaimPrepared:
		s.Content, s.Version, s.Held = e.Content, e.ClaimVersion, nil
		s.Withdrawn = s.Withdrawn || e.Content.GetFrequencyCode() == pb.FrequencyCode_FREQUENCY_CODE_VOID
		s.ChargeVoided = e.ChargeVoided
	case *pb.SubmissionRequested:
		s.Sent, s.InFlight, s.Accepted, s.Rejected, s.Held, s.Acked = e.ClaimVersion, true, false, false, nil, ""
		s.OnFile, s.Lost, s.Anew, s.VoidRefused, s.Recall = false, false, false, false, nil
	case *pb.SubmissionRecalled:
		if e.AwaitsAnswer {
			s.Recall = e
		} else {
			s.InFlight, s.Recall = false, nil
		}
	case *pb.SubmissionWithdrawn:
		s.InFlight, s.Recall = false, nil
	case *pb.CrossoverDetected:
		s.CrossedOver, s.Sent, s.InFlight, s.Accepted, s.Rejected, s.Held = true, e.ClaimVersion, true, true, false, nil
		s.OnFile, s.Lost, s.Recall = false, false, nil
		s.Files[e.ClaimVersion] = e.CrossoverDate
	case *pb.ClaimSubmitted:
		s.Files[e.ClaimVersion] = e.SubmittedDate
		if s.Recall.GetClaimVersion() == e.ClaimVersion {
			s.Recall = nil
		}
	case *pb.ClaimAcknowledged:
		s.Answers[answer(e.ClaimVersion, e.Level, true, e.PayerClaimControlNumber, e.StatusCodes)] = true
		if e.Level != pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX {
			s.Accepted, s.InFlight, s.Lost = true, s.InFlight || s.Lost, false
		}
		if e.PayerClaimControlNumber != "" {
			s.Acked, s.Given[e.PayerClaimControlNumber] = e.PayerClaimControlNumber, e.ClaimVersion
			delete(s.Disowned, e.PayerClaimControlNumber)
			// What a replacement replaces stays the payer's until that is decided.
			if original := s.Content.GetFrequencyCode() == pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL; original && len(s.Numbers) == 0 && s.InFlight || s.PayerNumber == "" {
				s.PayerNumber = s.Acked
			}
		}
	case *pb.ClaimRejected:
		s.Answers[answer(e.ClaimVersion, e.Level, false, "", e.StatusCodes)] = true
		s.Rejected, s.InFlight, s.Accepted, s.Recall = true, false, false, nil
		if named := s.Content.GetPayerClaimControlNumber(); named != "" {
			s.Disowned[named] = true
		}
		if s.Content.GetFrequencyCode() == pb.FrequencyCode_FREQUENCY_CODE_VOID { // it takes nothing back
			s.Withdrawn = false
		}
	case *pb.ClaimAdjudicated:
		s.Remits[remit(e.RemittanceId, e.ClaimOrdinal)] = true
		if e.StatusCode == statusPreview {
			return s
		}
		s.Disputed = e.DisputedAmount
		s.Paid += e.PaidAmount
		if e.Reversal {
			s.Decided = s.Decided && e.DecisionStands
			s.Numbers = takenBack(s.Numbers, e.PayerClaimControlNumber)
			if n := len(s.Numbers); n > 0 {
				s.PayerNumber = s.Numbers[n-1]
			}
			return s
		}
		acked := ""
		if e.AwaitedVersion == 0 {
			s.InFlight, s.Rejected, s.OnFile, s.Lost, s.Anew, acked = false, false, false, false, false, s.Acked
		}
		delete(s.Given, e.PayerClaimControlNumber)
		if e.VoidRefused {
			s.Noes[remit(e.RemittanceId, e.ClaimOrdinal)] = true
		}
		if e.Duplicate || e.VoidRefused { // it decides nothing: what was decided before is in force
			return s
		}
		s.EverDecided, s.Decided, s.Ended = true, true, nil
		s.PayerNumber = cmp.Or(e.PayerClaimControlNumber, acked, s.PayerNumber)
		s.Numbers, s.Last = append(s.Numbers, s.PayerNumber), e.RemittanceId
	case *pb.ClaimVoidRefused:
		s.Withdrawn, s.VoidRefused = false, true
	case *pb.ClaimDisputeLessened:
		s.Disputed = e.DisputedAmount
	case *pb.LineDenied:
		if n := len(s.Numbers); e.Carc == duplicate && e.RemittanceId == s.Last && n > 1 { // told by itself before ClaimAdjudicated said that it is a copy
			s.Numbers, s.Last = slices.Clone(s.Numbers[:n-1]), ""
			s.PayerNumber = s.Numbers[n-2]
		}
		// A later word on a line replaces the earlier one.
		s.Denials = slices.DeleteFunc(s.Denials, func(d *pb.LineDenied) bool { return d.LineId == e.LineId && d.RemittanceId != e.RemittanceId })
		s.Denials = append(s.Denials, e)
	case *pb.DenialOverturned:
		s.Denials = slices.DeleteFunc(s.Denials, func(d *pb.LineDenied) bool {
			is := d.LineId == e.LineId && d.GroupCode == e.GroupCode && d.Carc == e.Carc
			if is && e.TakenBack {
				s.Ended = append(s.Ended, d)
			}
			return is
		})
	case *pb.SecondaryClaimPrepared:
		s.NextClaimID = e.NextClaimId
	case *pb.ClaimClosed:
		s.Closed, s.Held = true, nil
		switch {
		case e.Withdrawn:
			s.Withdrawn, s.Denials = true, nil // they end with it
		case strings.HasPrefix(e.Reason, withdrawnReason), e.Reason == reversedForClose: // of before Withdrawn said it
			s.Withdrawn = true
		default: // decided: a void that the payer has answered with a no, which was not told by itself before ClaimVoidRefused was
			s.Withdrawn = false
		}
	case *pb.ClaimReopened:
		s.Closed = false
	case *pb.CoverageChangeDetected:
		s.Coverage = e
	case *pb.CoverageChangeCleared:
		s.Coverage = nil
	case *pb.TimelyFilingWarningRaised:
		s.Warned = true
	case *pb.ClaimOverdue:
		s.Overdue[overdue(e.WaitingFor, s.Sent)] = true
	case *pb.ClaimStatusReported:
		nothing := hasNothing(s)
		if e.Finding == pb.ClaimFinding_CLAIM_FINDING_ON_FILE {
			s.OnFile, s.Acked, s.PayerNumber = true, e.PayerClaimControlNumber, e.PayerClaimControlNumber
			delete(s.Overdue, overdue(waitRemittance, e.ClaimVersion)) // it is waited for anew
			return s
		}
		if nothing { // there is nothing that a replacement or void could name
			s.Anew, s.Withdrawn, s.PayerNumber, s.Acked = true, false, "", ""
		}
		s.InFlight, s.Accepted, s.OnFile, s.Lost = false, false, false, true
	}
	return s
}

// takenBack are the numbers without that of the decision which a reversal names: the last one of it, else the oldest.
func takenBack(numbers []string, reversed string) []string {
	if len(numbers) == 0 {
		return nil
	}
	at := 0
	for i, n := range numbers {
		if n == reversed {
			at = i
		}
	}
	return slices.Delete(numbers, at, at+1)
}

// with is the state after events that a decision is about to record; the state it was given stays as it is.
func (s State) with(events ...es.Event) State {
	s.Answers, s.Files, s.Remits, s.Overdue, s.Denials = maps.Clone(s.Answers), maps.Clone(s.Files), maps.Clone(s.Remits), maps.Clone(s.Overdue), slices.Clone(s.Denials)
	s.Ended = slices.Clone(s.Ended)
	s.Numbers, s.Given, s.Noes, s.Disowned = slices.Clone(s.Numbers), maps.Clone(s.Given), maps.Clone(s.Noes), maps.Clone(s.Disowned)
	for _, e := range events {
		s = Evolve(s, e)
	}
	return s
}

func answer(version int32, level pb.AcknowledgmentLevel, accepted bool, payerNumber string, statusCodes []string) string {
	return fmt.Sprint(version, level, accepted, payerNumber, statusCodes)
}

func remit(id string, ordinal int32) string { return fmt.Sprint(id, "/", ordinal) }

func overdue(waitingFor string, version int32) string { return fmt.Sprint(waitingFor, version) }
