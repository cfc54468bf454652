package claim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

// openDenials are what is denied in force, by line and reason.
func openDenials(s State) string {
	var out []string
	for _, d := range s.Denials {
		out = append(out, fmt.Sprintf("%s:%s:%d", d.LineId, d.Carc, d.DeniedAmount))
	}
	return strings.Join(out, " ")
}

// What a payer has paid, given on and taken off it can't deny, in whatever order it speaks.
func TestAPayerDeniesNoMoreThanIsOpenToIt(t *testing.T) {
	line := func(id string, sign, charge, paid int64, adjustments ...*typev1.Adjustment) *exchangev1.RemittanceLine {
		for _, a := range adjustments {
			a.Amount *= sign
		}
		return decidedLine(id, "90837", sign*charge, sign*paid, adjustments...)
	}
	pays := func(remittance, number string) *postingv1.ClaimPaymentPosted {
		return numbered(remittance, "1", number, line("L1", 1, 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", 1, 1000, 800, cas("CO", "45", 200)))
	}
	partly := func(remittance, number string) *postingv1.ClaimPaymentPosted {
		return numbered(remittance, "1", number, line("L1", 1, 15000, 9000, cas("CO", "45", 3000), cas("CO", "151", 3000)), line("L2", 1, 1000, 800, cas("CO", "45", 200)))
	}
	denies := func(remittance, number, carc string) *postingv1.ClaimPaymentPosted {
		return numbered(remittance, "4", number, line("L1", 1, 15000, 0, cas("CO", carc, 15000)), line("L2", 1, 1000, 0, cas("CO", carc, 1000)))
	}
	back := func(remittance, number string) *postingv1.ClaimPaymentPosted {
		p := numbered(remittance, "22", number, line("L1", -1, 15000, 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)), line("L2", -1, 1000, 800, cas("CO", "45", 200)))
		p.RemittanceClaim.ChargeAmount = -16000
		return p
	}
	stands := func(p *postingv1.ClaimPaymentPosted) *postingv1.ClaimPaymentPosted {
		p.DecisionStands = true
		return p
	}
	whole := numbered("r2", "4", "105")
	whole.RemittanceClaim.Adjustments = []*typev1.Adjustment{cas("CO", "18", 16000)}
	const all = "L1:%[1]s:15000 L2:%[1]s:1000"
	for _, c := range []struct {
		name   string
		in     events
		want   string
		closed bool
		number string // that a replacement names
	}{
		{"paid, then denied as a duplicate: nothing is owed, nothing is to be done", events{pays("r1", "081"), denies("r2", "105", "18")}, "", true, "081"},
		{"the same, told of the claim as a whole", events{pays("r1", "081"), whole}, "", true, "081"},
		{"paid, then denied for another reason", events{pays("r1", "081"), denies("r2", "105", "29")}, "", true, "105"},
		{"denied, paid, and denied again as a duplicate", events{denies("r1", "081", "197"), pays("r2", "105"), denies("r3", "121", "18")}, "", true, "105"},
		{"paid, taken back, then denied: all of it", events{pays("r1", "081"), back("r2", "081"), denies("r3", "105", "18")}, fmt.Sprintf(all, "18"), false, "105"},
		{"paid, denied as a duplicate, then taken back: all of it is open, and denied", events{pays("r1", "081"), denies("r2", "105", "18"), stands(back("r3", "081"))}, fmt.Sprintf(all, "18"), false, "081"},
		{"a line paid in part and then denied in full: its rest", events{partly("r1", "081"), denies("r2", "105", "29")}, "L1:29:3000", false, "105"},
		{"a duplicate's denial leaves the reason of the rest", events{partly("r1", "081"), denies("r2", "105", "18")}, "L1:151:3000", false, "081"},
		{"denied, then denied as a duplicate of that", events{denies("r1", "081", "197"), denies("r2", "105", "18")}, fmt.Sprintf(all, "197"), false, "081"},
		{"a duplicate of what nobody here knows", events{denies("r1", "081", "18")}, fmt.Sprintf(all, "18"), false, "081"},
		{"lines denied, then the claim as a whole", events{denies("r1", "081", "197"), func() *postingv1.ClaimPaymentPosted {
			p := numbered("r2", "4", "105")
			p.RemittanceClaim.Adjustments = []*typev1.Adjustment{cas("CO", "29", 16000)}
			return p
		}()}, fmt.Sprintf(all, "197"), false, "105"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := gone(t)
			w.tell(t, c.in...)
			s := w.states[clm1]
			if got := openDenials(s); got != c.want || s.Closed != c.closed || s.PayerNumber != c.number {
				t.Errorf("denied %q, want %q; closed %v, number %s\n%v", got, c.want, s.Closed, s.PayerNumber, w.names(clm1))
			}
		})
	}
	t.Run("a replacement that adds units is denied as a duplicate: what it added is open", func(t *testing.T) {
		w := gone(t)
		w.tell(t, pays("r1", "081"))
		out, err := Correct(w.states[clm1], &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", UnitsThousandths: 2000}}}, edits.Facts{})
		if err != nil {
			t.Fatal(err)
		}
		w.record(t, clm1, out)
		w.drain(t)
		w.tell(t, numbered("r2", "4", "105", line("L1", 1, 30000, 0, cas("CO", "18", 30000)), line("L2", 1, 1000, 0, cas("CO", "18", 1000))))
		if got := openDenials(w.states[clm1]); got != "L1:18:15000" {
			t.Error(got)
		}
	})
	t.Run("the next payer is told of the payment, not of the copy", func(t *testing.T) {
		w := gone(t)
		w.tell(t, pays("r1", "081"), denies("r2", "105", "18"))
		if p := w.states[clm2].Content.PriorPayers; len(p) != 1 || p[0].PaidAmount != 9800 {
			t.Fatal(p)
		}
		var posted []*postingv1.ClaimPaymentPosted
		for _, e := range w.known[PaymentMirror.Name]["enc_1"] {
			posted = append(posted, e.(*postingv1.ClaimPaymentPosted))
		}
		if p := decidedBy(coded(nil), posted, primary); p.GetPaidAmount() != 9800 {
			t.Error(p)
		}
	})
}

// A decision that is taken back takes its denials with it: what it refused is open with the rest, until the payer decides anew. Denials of a decision that stays in force stay.
func TestDenialsEndWithTheirDecision(t *testing.T) {
	line := func(sign, paid int64, more ...*typev1.Adjustment) *exchangev1.RemittanceLine {
		l := decidedLine("L1", "90837", sign*15000, sign*paid, append([]*typev1.Adjustment{cas("CO", "45", 5500), cas("PR", "3", 2000)}, more...)...)
		for _, a := range l.Adjustments {
			a.Amount *= sign
		}
		return l
	}
	decided := func(remittance, status, number string, sign int64, lines ...*exchangev1.RemittanceLine) *postingv1.ClaimPaymentPosted {
		p := numbered(remittance, status, number, lines...)
		p.RemittanceClaim.ChargeAmount = sign * 16000
		return p
	}
	in := decided("r1", "1", "081", 1, line(1, 5000, cas("CO", "50", 2500)), decidedLine("L2", "90785", 1000, 1000))
	back := decided("r2", "22", "081", -1, line(-1, 5000, cas("CO", "50", 2500)), decidedLine("L2", "90785", -1000, -1000))
	w := gone(t)
	w.tell(t, in, back)
	names := w.names(clm1)
	if got := strings.Join(names[len(names)-2:], " "); got != "ClaimAdjudicated DenialOverturned" || openDenials(w.states[clm1]) != "" {
		t.Fatal(names)
	}
	if a, d := last[*pb.ClaimAdjudicated](w, clm1), last[*pb.DenialOverturned](w, clm1); a.OpenAmount != 16000 || !d.TakenBack || d.RecoveredAmount != 0 {
		t.Fatal(a, d)
	}
	again := decided("r3", "1", "105", 1, line(1, 5000, cas("CO", "50", 2500)), decidedLine("L2", "90785", 1000, 1000))
	again.AdjudicationDate = "2026-05-02"
	w.tell(t, again)
	if d := last[*pb.LineDenied](w, clm1); openDenials(w.states[clm1]) != "L1:50:2500" || d.RemittanceId != "r3" || d.AppealDueDate != "2026-06-18" {
		t.Fatalf("denied again, the clock of the appeal keeps running: %v", d)
	}

	w = gone(t)
	more := decided("r2", "1", "105", 1, decidedLine("L1", "90837", 15000, 2500, cas("CO", "45", 12500)))
	moreBack := decided("r3", "22", "105", -1, decidedLine("L1", "90837", -15000, -2500, cas("CO", "45", -12500)))
	w.tell(t, in, more)
	if openDenials(w.states[clm1]) != "" {
		t.Fatal("it was paid")
	}
	w.tell(t, moreBack)
	if a := last[*pb.ClaimAdjudicated](w, clm1); openDenials(w.states[clm1]) != "L1:50:2500" || a.OpenAmount != 0 {
		t.Errorf("the first decision is in force: %v, %v", openDenials(w.states[clm1]), a)
	}
}

// Whatever two payers decide, deny, repeat and take back: what is denied in force never exceeds what is open to the payer, by line and in all.
func TestDeniedNeverExceedsWhatIsOpen(t *testing.T) {
	charge := map[string]int64{"L1": 15000, "L2": 1000}
	rapid.Check(t, func(rt *rapid.T) {
		w := gone(t)
		live := map[string][]*postingv1.ClaimPaymentPosted{}
		for i := range rapid.IntRange(1, 10).Draw(rt, "decisions") {
			id := clm1
			if w.states[clm2].Created != nil && rapid.Bool().Draw(rt, "second") {
				id = clm2
			}
			if n := len(live[id]); n > 0 && rapid.IntRange(0, 3).Draw(rt, "take back") == 0 {
				at := rapid.IntRange(0, n-1).Draw(rt, "which")
				p := proto.CloneOf(live[id][at])
				p.RemittanceId, p.Reversal, p.RemittanceClaim.StatusCode, p.DecisionStands = fmt.Sprint("rem_", i), true, "22", at < n-1
				turn(p.RemittanceClaim)
				live[id] = slices.Delete(live[id], at, at+1)
				w.tell(t, p)
			} else {
				p := posting(fmt.Sprint("rem_", i), "1")
				carc := rapid.SampledFrom([]string{"18", "29", "197"}).Draw(rt, "carc")
				p.RemittanceClaim.PayerClaimControlNumber = fmt.Sprint("ICN", i)
				if p.ClaimId, p.RemittanceClaim.ClaimId = id, id; id == clm2 {
					p.PayerId, p.PayerSequence = "pay_2", second
				}
				if rapid.IntRange(0, 4).Draw(rt, "as a whole") == 0 {
					paid := rapid.SampledFrom([]int64{0, 0, 4000, 16000}).Draw(rt, "paid of the claim")
					p.RemittanceClaim.PaidAmount, p.RemittanceClaim.Adjustments = paid, []*typev1.Adjustment{cas("CO", carc, 16000-paid)}
				} else {
					for _, line := range []string{"L1", "L2"} {
						if rapid.IntRange(0, 3).Draw(rt, "left out") == 0 {
							continue
						}
						part := charge[line] / 10
						paid, off, share := part*rapid.Int64Range(0, 5).Draw(rt, "paid"), part*rapid.Int64Range(0, 2).Draw(rt, "off"), part*rapid.Int64Range(0, 3).Draw(rt, "share")
						if rapid.Bool().Draw(rt, "denied in full") {
							paid, off, share = 0, 0, 0
						}
						l := decidedLine(line, "90837", charge[line], paid, cas("CO", "45", off), cas("PR", "2", share), cas("CO", carc, charge[line]-paid-off-share))
						p.RemittanceClaim.Lines, p.RemittanceClaim.PaidAmount = append(p.RemittanceClaim.Lines, l), p.RemittanceClaim.PaidAmount+paid
					}
				}
				live[id] = append(live[id], p)
				w.tell(t, p)
			}
			for id, s := range w.states {
				open := maps.Clone(charge)
				for _, p := range s.Content.GetPriorPayers() { // what the first payer gave on is open to the second
					for _, l := range p.Lines {
						open[l.LineId] = l.Adjustments[1].Amount
					}
				}
				var whole, sum int64
				for _, p := range live[id] {
					whole += p.RemittanceClaim.PaidAmount
					for _, l := range p.RemittanceClaim.Lines {
						open[l.LineId] -= l.PaidAmount + l.Adjustments[0].Amount + l.Adjustments[1].Amount
						whole -= l.PaidAmount // what is left is paid for the claim as a whole
					}
				}
				denied := map[string]int64{}
				for _, d := range s.Denials {
					denied[d.LineId], sum = denied[d.LineId]+d.DeniedAmount, sum+d.DeniedAmount
				}
				left := max(open["L1"], 0) + max(open["L2"], 0) - whole
				if denied["L1"] > max(open["L1"], 0) || denied["L2"] > max(open["L2"], 0) || sum > max(left, 0) {
					rt.Fatalf("%s: %v denied, %v open by line, %d in all: %v", id, denied, open, left, w.names(id))
				}
			}
		}
	})
}

// turn makes a decision one that is taken back.
func turn(r *exchangev1.RemittanceClaim) {
	r.PaidAmount, r.ChargeAmount = -r.PaidAmount, -r.ChargeAmount
	all := slices.Clone(r.Adjustments)
	for _, l := range r.Lines {
		l.PaidAmount, l.ChargeAmount = -l.PaidAmount, -l.ChargeAmount
		all = append(all, l.Adjustments...)
	}
	for _, a := range all {
		a.Amount = -a.Amount
	}
}
