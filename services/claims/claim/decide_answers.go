package claim

import (
	"cmp"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/claims/content"
)

// Going is a claim version that went out in a file.
type Going struct {
	Version int32
	Date    string
	Source  *typev1.Source
}

// Submitted records that a version went out, once. One that was to be taken out of its file went before that was heard.
func Submitted(s State, g Going) ([]es.Event, error) {
	if s.Created == nil || s.Files[g.Version] != "" {
		return nil, nil
	}
	events := []es.Event{&pb.ClaimSubmitted{ClaimId: s.Created.ClaimId, ClaimVersion: g.Version, Source: g.Source, SubmittedDate: g.Date}}
	if s.Recall != nil && s.Recall.ClaimVersion == g.Version {
		events = append(events, wentOut(s.with(events...), s.Recall)...)
	}
	return events, nil
}

// Word is what clearinghouse or payer say of a version before it is decided.
type Word struct {
	Version     int32
	Level       pb.AcknowledgmentLevel
	Accepted    bool
	StatusCodes []string
	PayerNumber string
	Source      *typev1.Source
}

// Answered records an acknowledgment, or a rejection, which holds the claim. Words on versions that were overtaken, and on what the payer has decided since, change nothing.
func Answered(s State, w Word) ([]es.Event, error) {
	number := ""
	if w.Accepted {
		number = w.PayerNumber
	}
	if s.Created == nil || w.Version != s.Sent || s.Answers[answer(w.Version, w.Level, w.Accepted, number, w.StatusCodes)] {
		return nil, nil
	}
	if w.Accepted {
		events := []es.Event{&pb.ClaimAcknowledged{
			ClaimId: s.Created.ClaimId, Level: w.Level, PayerClaimControlNumber: w.PayerNumber, StatusCodes: w.StatusCodes, Source: w.Source, ClaimVersion: w.Version,
		}}
		if w.Level != pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX {
			events = append(events, foundAfterAll(s)...)
		}
		return events, nil
	}
	if !s.InFlight {
		return nil, nil
	}
	rejected := &pb.ClaimRejected{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, Level: w.Level, StatusCodes: w.StatusCodes,
		ChargeAmount: s.Content.ChargeAmount, Source: w.Source, ClaimVersion: w.Version,
	}
	var why refuse.List
	codes := cmp.Or(strings.Join(w.StatusCodes, ", "), "no code")
	change := s.Content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL
	why.If(!change, TakenIn, "", "rejected by %s with %s: correct it, or release it to send it again", levels[w.Level], codes)
	why.If(change, TakenIn, "", "rejected by %s with %s: if it does not know %s, ask it, and report what it says (POST /v1/claims/%s/status-reports); else correct, void or release the claim", levels[w.Level], codes,
		s.Content.PayerClaimControlNumber, s.Created.ClaimId)
	return []es.Event{rejected, hold(s, append(why.Reasons(), kept(s.Held)...))}, nil
}

var levels = map[pb.AcknowledgmentLevel]string{
	pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX:        "the receiver's syntax check",
	pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_CLEARINGHOUSE: "the clearinghouse",
	pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_PAYER:         "the payer",
}

// Decision is a posted claim payment, and who comes next.
type Decision struct {
	Posted *postingv1.ClaimPaymentPosted
	Others []*postingv1.ClaimPaymentPosted // the payer's other decisions on the claim that are in force with it, oldest first
	Next   *Next                           // nil: no later payer is billed
}

// Next is the claim to the next payer.
type Next struct {
	ClaimID, PayerID string
	Sequence         typev1.PayerSequence
}

// Statuses of a claim in a remittance (CLP02).
const (
	statusReversal   = "22"
	statusNotOurs    = "23"
	statusPreview    = "25" // predetermination: no decision
	reversedForClose = "voided: the payer has taken its decision back"
)

// Forwarded says whether the payer sent the claim on to the next payer itself: then we don't.
// Source: CLP02 19, 20, 21 and 23; NM1*TT of the 835.
func Forwarded(r *exchangev1.RemittanceClaim) bool {
	return slices.Contains([]string{"19", "20", "21", statusNotOurs}, r.GetStatusCode()) || r.GetCrossoverPayerName() != ""
}

// Reversal says whether a posted payment takes an earlier one back.
func Reversal(e *postingv1.ClaimPaymentPosted) bool {
	return e.Reversal || e.RemittanceClaim.GetStatusCode() == statusReversal
}

// Crossing is a claim that the payer before has sent on itself, and where that was told.
type Crossing struct {
	Created            *pb.ClaimCreated
	RemittanceID, Date string
}

// CrossOver makes the claim that its payer got from the payer before, so that the answer to it has its place; nothing is sent. What waits to be sent is taken back, what has gone out
// or is decided stays as it is.
func CrossOver(s State, c Crossing) ([]es.Event, error) {
	if s.Created != nil && (s.Closed || s.EverDecided || s.CrossedOver || s.InFlight && s.Files[s.Sent] != "") {
		return nil, nil
	}
	var events []es.Event
	switch {
	case s.Created == nil:
		events = append(events, c.Created)
		s = State{}.with(c.Created)
	case s.InFlight:
		events = append(events, recalled(s))
	}
	return append(events, &pb.CrossoverDetected{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, ClaimVersion: s.Version, RemittanceId: c.RemittanceID, CrossoverDate: c.Date,
	}), nil
}

// Adjudicate records what the payer decided: denials, denials it gave up, the next payer's claim, and whether anything is left to do with this payer.
func Adjudicate(s State, d Decision) ([]es.Event, error) {
	e, r := d.Posted, d.Posted.RemittanceClaim
	if s.Created == nil || r == nil || s.Remits[remit(e.RemittanceId, r.Ordinal)] {
		return nil, nil
	}
	d.Others = slices.DeleteFunc(slices.Clone(d.Others), func(p *postingv1.ClaimPaymentPosted) bool {
		return s.Noes[remit(p.RemittanceId, p.RemittanceClaim.GetOrdinal())]
	})
	id, reversal := s.Created.ClaimId, Reversal(e)
	var events []es.Event
	if r.MatchedBy == byPriorNumber && !reversal && r.StatusCode != statusPreview {
		events = answeredBefore(s)
	}
	told := &pb.ClaimAdjudicated{
		ClaimId: id, RemittanceId: e.RemittanceId, StatusCode: r.StatusCode, ChargeAmount: r.ChargeAmount, PaidAmount: r.PaidAmount,
		PatientResponsibilityAmount: content.PatientShare(r), PayerClaimControlNumber: r.PayerClaimControlNumber, AdjudicationDate: e.AdjudicationDate,
		Reversal: reversal, Source: r.Source, ClaimOrdinal: r.Ordinal, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, DisputedAmount: e.DisputedAmount,
		DecisionStands: e.DecisionStands, Duplicate: copied(e, d.Others), AwaitedVersion: awaited(s, e), VoidRefused: refusesVoid(s, e),
	}
	events = append(events, told)
	if reversal {
		switch {
		case e.DecisionStands && !s.Withdrawn: // what it refuses is open again
			again := denied(s, d)
			if events = append(events, again...); s.Closed && len(s.with(again...).Denials) > 0 {
				events = append(events, &pb.ClaimReopened{ClaimId: id, Reason: "the payer has taken its payment back, and denies"})
			}
		case e.DecisionStands:
		case (s.Withdrawn || s.VoidRefused) && s.Content.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_VOID:
			// What an earlier replacement took the place of is taken back beside it, and answers no void.
			// One that was refused is done all the same when the payer takes back what it names.
			other := r.PayerClaimControlNumber != "" && r.PayerClaimControlNumber != s.Content.PayerClaimControlNumber && len(s.with(events...).Numbers) > 0
			if (!s.Closed || s.VoidRefused) && !other {
				events = append(events, withdrawn(s, reversedForClose))
			}
		default:
			if !s.Withdrawn { // what it had denied is open with the rest
				events = append(events, denied(s, d)...)
			}
			told.OpenAmount = openAfter(s.with(events...), d.Others)
			if s.Closed {
				events = append(events, &pb.ClaimReopened{ClaimId: id, Reason: "the payer has taken its decision back"})
			}
		}
		return events, nil
	}
	if r.StatusCode == statusPreview {
		return events, nil
	}
	events = append(events, foundAfterAll(s)...)
	refused := refusesVoid(s, e)
	if !refused && (!s.Withdrawn || !s.Closed) { // of a claim that was taken back nobody asks for anything
		events = append(events, denied(s, d)...)
	}
	if refused || answersVoid(s, e) {
		events = append(events, voidRefused(s, e))
	}
	if d.Next != nil && s.NextClaimID == "" {
		events = append(events, &pb.SecondaryClaimPrepared{
			ClaimId: id, NextClaimId: d.Next.ClaimID, PatientId: s.Created.PatientId, PayerId: d.Next.PayerID, PayerSequence: d.Next.Sequence,
		})
	}
	s = s.with(events...)
	switch {
	case len(s.Denials) == 0 && s.Disputed == 0 && !s.Closed && s.Held == nil && !s.InFlight:
		events = append(events, &pb.ClaimClosed{ClaimId: id, Reason: nothingLeft(s, d)})
	case len(s.Denials) > 0 && s.Closed && !s.Withdrawn:
		events = append(events, &pb.ClaimReopened{ClaimId: id, Reason: "the payer denies what it had decided"})
	case s.Disputed > 0 && s.Closed && !s.Withdrawn:
		events = append(events, &pb.ClaimReopened{ClaimId: id, Reason: "what the payer decided is in dispute"})
	}
	return events, nil
}

// answersVoid says whether a decision is the answer to a void that the payer has.
func answersVoid(s State, e *postingv1.ClaimPaymentPosted) bool {
	void := s.InFlight && s.Withdrawn && s.Content.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_VOID
	return void && !Reversal(e) && e.RemittanceClaim.StatusCode != statusPreview && awaited(s, e) == 0
}

// refusesVoid says whether it decides nothing besides: what the payer has decided before stands. Where that is nothing, its no is its decision of the claim.
func refusesVoid(s State, e *postingv1.ClaimPaymentPosted) bool {
	r := e.RemittanceClaim
	return answersVoid(s, e) && len(s.Numbers) > 0 && r.PaidAmount == 0 && content.PatientShare(r) == 0
}

func voidRefused(s State, e *postingv1.ClaimPaymentPosted) *pb.ClaimVoidRefused {
	refused := &pb.ClaimVoidRefused{
		ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, ClaimVersion: s.Sent, RemittanceId: e.RemittanceId,
		PaidAmount: s.Paid + e.RemittanceClaim.PaidAmount, PayerClaimControlNumber: s.Content.PayerClaimControlNumber,
	}
	for _, w := range words(s, e) {
		for _, f := range refusals(w.adjustments) {
			if code := f.group + "-" + f.carc; !slices.Contains(refused.AdjustmentCodes, code) {
				refused.AdjustmentCodes = append(refused.AdjustmentCodes, code)
			}
		}
	}
	return refused
}

// awaited is the version that the payer still has to answer after a posted claim payment: where it takes back, or decides nothing, or decides what it took in under the number of an
// earlier version. 0: none.
func awaited(s State, e *postingv1.ClaimPaymentPosted) int32 {
	r := e.RemittanceClaim
	earlier := s.Given[r.PayerClaimControlNumber]
	late := earlier > 0 && earlier < s.Sent && r.PayerClaimControlNumber != s.Acked
	if s.InFlight && (Reversal(e) || r.StatusCode == statusPreview || late) {
		return s.Sent
	}
	return 0
}

// Lessen follows what is given up of a dispute with the payer, and closes the claim when nothing is left to ask for.
func Lessen(s State, c *pb.ClaimDisputeLessened) ([]es.Event, error) {
	if s.Created == nil || s.Disputed <= c.DisputedAmount {
		return nil, nil
	}
	events := []es.Event{c}
	if c.DisputedAmount == 0 && s.Decided && len(s.Denials) == 0 && !s.InFlight && !s.Closed && s.Held == nil {
		events = append(events, &pb.ClaimClosed{ClaimId: c.ClaimId, Reason: "decided; what was in dispute is given up"})
	}
	return events, nil
}

func nothingLeft(s State, d Decision) string {
	r := d.Posted.RemittanceClaim
	switch {
	case s.VoidRefused:
		return "the payer refused the void: what it decided stands"
	case Forwarded(r):
		return "decided, and sent on by the payer"
	case s.NextClaimID != "":
		return "decided; the rest goes to the next payer"
	case content.PatientShare(r) > 0:
		return "decided; the rest is the patient's"
	case r.PaidAmount > 0:
		return "paid"
	default:
		return "decided; nothing is left"
	}
}
