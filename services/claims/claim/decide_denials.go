package claim

import (
	"cmp"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/claims/content"
	"github.com/evenkeel/evenkeel/services/claims/denials"
)

// AppealDays after a denial an appeal must have been filed: the shortest window that is common in commercial contracts. Source: our own choice, 2026-11-24; a payer's
// own window is longer or the same.
const AppealDays = 90

// refusal is an amount of one line that one reason took off.
type refusal struct {
	group, carc string
	amount      int64
	code        denials.Code
}

// word is what a decision says of one line, or of the claim as a whole.
type word struct {
	lineID, code, day, decided string
	paid                       int64
	adjustments                []*typev1.Adjustment
	rarc                       []string
}

// words of a decision; what it says of no line of ours it says of the claim as a whole, last.
func words(s State, e *postingv1.ClaimPaymentPosted) []word {
	r := e.RemittanceClaim
	whole := word{day: s.Content.ServiceDate, decided: e.AdjudicationDate, paid: r.PaidAmount, rarc: r.Rarc}
	var out []word
	for _, l := range r.Lines {
		if l.LineId == "" {
			whole.adjustments, whole.rarc = append(whole.adjustments, l.Adjustments...), append(slices.Clip(whole.rarc), l.Rarc...)
			continue
		}
		whole.paid -= l.PaidAmount
		out = append(out, word{
			lineID: l.LineId, code: cmp.Or(l.OriginalServiceCode, l.ServiceCode), day: cmp.Or(l.ServiceDate, s.Content.ServiceDate), decided: e.AdjudicationDate,
			paid: l.PaidAmount, adjustments: l.Adjustments, rarc: l.Rarc,
		})
	}
	whole.adjustments = append(whole.adjustments, r.Adjustments...)
	return append(out, whole)
}

// denied are the denials that a decision makes, changes and ends. The last word on a line counts, and of it no more than is open to the payer after all of its decisions in force. A
// reversal leaves those of the decisions that stay in force, made anew: what they could not refuse while it was paid is open again, and what only the reversed one refused is refused no more.
func denied(s State, d Decision) []es.Event {
	inForce := append(slices.Clone(d.Others), d.Posted)
	from := len(d.Others)
	refused, said := refusedNow(s), map[string]word{}
	if Reversal(d.Posted) {
		inForce, from, refused = d.Others, 0, map[string][]refusal{}
	}
	for n, p := range inForce[from:] {
		if paidAsAWhole(p) {
			clear(refused)
		}
		again := copied(p, inForce[:from+n])
		for _, w := range words(s, p) {
			if !again || len(refused[w.lineID]) == 0 { // a copy is refused for what it repeats
				refused[w.lineID], said[w.lineID] = refusals(w.adjustments), w
			}
		}
	}
	events := changes(s, inForce, refused, said, d.Posted.RemittanceId, max(d.Posted.RemittanceClaim.PaidAmount, 0))
	for _, e := range events {
		if ended, is := e.(*pb.DenialOverturned); is {
			ended.TakenBack = Reversal(d.Posted)
		}
	}
	return events
}

// openAfter is what is open to the payer after its decisions in force, less what it denies.
func openAfter(s State, inForce []*postingv1.ClaimPaymentPosted) int64 {
	rest := leftTo(s.Content)
	for _, p := range inForce {
		for _, w := range words(s, p) {
			rest.decides(w.lineID, w.paid, w.adjustments)
		}
	}
	for _, x := range s.Denials {
		rest.less(x.LineId, x.DeniedAmount)
	}
	return rest.of("")
}

// lessened are the denials in force of which less is open, after earlier payers have decided anew.
func lessened(s State, inForce []*postingv1.ClaimPaymentPosted, remittanceID string) []es.Event {
	return changes(s, inForce, refusedNow(s), nil, remittanceID, 0)
}

// refusedNow is what is denied in force, by line.
func refusedNow(s State) map[string][]refusal {
	refused := map[string][]refusal{}
	for _, x := range s.Denials {
		refused[x.LineId] = append(refused[x.LineId], refusal{group: x.GroupCode, carc: x.Carc, amount: x.DeniedAmount})
	}
	return refused
}

// changes leads from the denials in force to what is refused by line, as far as it is open to the payer after its decisions in force; pool is what is paid now.
func changes(s State, inForce []*postingv1.ClaimPaymentPosted, refused map[string][]refusal, said map[string]word, remittanceID string, pool int64) []es.Event {
	rest := leftTo(s.Content)
	for _, p := range inForce {
		for _, w := range words(s, p) {
			rest.decides(w.lineID, w.paid, w.adjustments)
		}
	}
	var events []es.Event
	for _, line := range inOrder(s, refused) {
		found := rest.refuses(line, refused[line])
		open := slices.DeleteFunc(slices.Clone(s.Denials), func(x *pb.LineDenied) bool { return x.LineId != line })
		w, told := said[line]
		switch {
		case same(found, open): // told before: the clock of the appeal keeps running
		case len(found) == 0:
			paid := pool
			if told && line != "" {
				paid = min(pool, max(w.paid, 0))
			}
			for _, x := range open {
				recovered := min(paid, x.DeniedAmount)
				paid, pool = paid-recovered, pool-recovered
				events = append(events, &pb.DenialOverturned{
					ClaimId: x.ClaimId, LineId: line, RecoveredAmount: recovered, RemittanceId: remittanceID, GroupCode: x.GroupCode, Carc: x.Carc,
					PatientId: s.Created.PatientId, PayerId: s.Content.PayerId,
				})
			}
		case told:
			for _, f := range found {
				events = append(events, &pb.LineDenied{
					ClaimId: s.Created.ClaimId, PatientId: s.Created.PatientId, PayerId: s.Content.PayerId, LineId: line, ServiceCode: w.code, ServiceDate: w.day,
					GroupCode: f.group, Carc: f.carc, Rarc: w.rarc, DeniedAmount: f.amount, Origin: f.code.Origin, DefaultAction: f.code.Action, Label: f.code.Label,
					AppealDueDate: appealDueOf(s, line, f, w.decided), RemittanceId: remittanceID, LocationId: s.Created.LocationId,
				})
			}
		default: // less of it is open than was
			for _, f := range found {
				less := proto.CloneOf(open[slices.IndexFunc(open, func(x *pb.LineDenied) bool { return x.GroupCode == f.group && x.Carc == f.carc })])
				less.DeniedAmount, less.RemittanceId = f.amount, remittanceID
				events = append(events, less)
			}
		}
	}
	return events
}

// inOrder are the lines of which something is or was refused: the claim's in its order, then others, then the claim as a whole.
func inOrder(s State, refused map[string][]refusal) []string {
	var out []string
	for _, l := range s.Content.Lines {
		out = append(out, l.LineId)
	}
	lines := maps.Clone(refused)
	for _, x := range s.Denials {
		lines[x.LineId] = nil
	}
	for _, id := range slices.Sorted(maps.Keys(lines)) {
		if id != "" && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return append(out, "")
}

// copied says whether a decision refuses the claim as a copy of what the payer has decided, and nothing else. Source: CARC 18, the public CARC list. Checked 2026-11-24.
func copied(e *postingv1.ClaimPaymentPosted, before []*postingv1.ClaimPaymentPosted) bool {
	r := e.RemittanceClaim
	if len(before) == 0 || Reversal(e) || r.PaidAmount != 0 || content.PatientShare(r) != 0 {
		return false
	}
	found := refusals(r.Adjustments)
	for _, l := range r.Lines {
		found = append(found, refusals(l.Adjustments)...)
	}
	return len(found) > 0 && !slices.ContainsFunc(found, func(f refusal) bool { return f.carc != duplicate })
}

// paidAsAWhole says whether a remittance without lines pays them as part of the claim.
func paidAsAWhole(e *postingv1.ClaimPaymentPosted) bool {
	r := e.RemittanceClaim
	return len(r.Lines) == 0 && r.PaidAmount > 0 && len(refusals(r.Adjustments)) == 0
}

// inForce are a payer's decisions that it has not taken back, oldest first, of all that was posted of a visit before one remittance's claim, or of all where that is not among them.
func inForce(payments []*postingv1.ClaimPaymentPosted, s typev1.PayerSequence, before string) []*postingv1.ClaimPaymentPosted {
	var out []*postingv1.ClaimPaymentPosted
	seen := map[string]bool{}
	for _, p := range payments {
		r := p.RemittanceClaim
		at := remit(p.RemittanceId, r.GetOrdinal())
		if at == before {
			break
		}
		if r == nil || p.PayerSequence != s || seen[at] || r.StatusCode == statusPreview || r.StatusCode == statusNotOurs {
			continue
		}
		if seen[at] = true; Reversal(p) {
			out = withoutReversed(out, p)
		} else {
			out = append(out, p)
		}
	}
	return out
}

// withoutReversed are decisions without the one that a reversal takes back: with its amounts, sign turned, under its number, the latest. The books take back the same.
func withoutReversed(decisions []*postingv1.ClaimPaymentPosted, back *postingv1.ClaimPaymentPosted) []*postingv1.ClaimPaymentPosted {
	b, found := back.RemittanceClaim, -1
	named := func(n int) bool {
		number := decisions[n].RemittanceClaim.PayerClaimControlNumber
		return number != "" && (number == b.PayerClaimControlNumber || number == b.OriginalClaimNumber)
	}
	for n, p := range decisions {
		r := p.RemittanceClaim
		if r.PaidAmount == -b.PaidAmount && r.ChargeAmount == -b.ChargeAmount && content.PatientShare(r) == -content.PatientShare(b) && (found < 0 || named(n) || !named(found)) {
			found = n
		}
	}
	if found < 0 {
		return decisions
	}
	return slices.Delete(slices.Clone(decisions), found, found+1)
}

func appealDue(decided string) string {
	if !date.Valid(decided) {
		return ""
	}
	return date.Add(decided, AppealDays)
}

// appealDueOf is when an appeal of a denial must have been filed. The clock of one that ended with its decision, and is made again by the next one, keeps running.
func appealDueOf(s State, line string, f refusal, decided string) string {
	due := appealDue(decided)
	for _, x := range s.Ended {
		if x.LineId == line && x.GroupCode == f.group && x.Carc == f.carc && x.AppealDueDate != "" && (due == "" || x.AppealDueDate < due) {
			due = x.AppealDueDate
		}
	}
	return due
}

func refusals(adjustments []*typev1.Adjustment) []refusal {
	var out []refusal
	for _, a := range adjustments {
		code, is := denials.Of(denials.Adjustment{Group: a.GroupCode, CARC: a.Carc, Amount: a.Amount})
		if !is {
			continue
		}
		if n := slices.IndexFunc(out, func(r refusal) bool { return r.group == a.GroupCode && r.carc == a.Carc }); n >= 0 {
			out[n].amount += a.Amount
			continue
		}
		out = append(out, refusal{a.GroupCode, a.Carc, a.Amount, code})
	}
	return out
}

func same(found []refusal, open []*pb.LineDenied) bool {
	if len(found) != len(open) {
		return false
	}
	for _, f := range found {
		if !slices.ContainsFunc(open, func(d *pb.LineDenied) bool {
			return d.GroupCode == f.group && d.Carc == f.carc && d.DeniedAmount == f.amount
		}) {
			return false
		}
	}
	return true
}
