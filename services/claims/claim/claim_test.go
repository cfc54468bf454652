package claim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

func expect(t *testing.T, w *world, id, want string) {
	t.Helper()
	if got := strings.Join(w.names(id), " "); got != want {
		t.Fatalf("%s\n got %s\nwant %s", id, got, want)
	}
}

// told is the world after the office and a coded visit; an authorization that it names says no.
func told(t *testing.T, change func(*codingv1.CodingCompleted)) *world {
	t.Helper()
	w := newWorld()
	visit := coded(change)
	w.tell(t, append(office(), visit)...)
	if visit.AuthorizationId != "" {
		w.tell(t, no())
	}
	return w
}

// gone is the world with the claim at the payer.
func gone(t *testing.T) *world {
	t.Helper()
	w := told(t, nil)
	w.tell(t, sentFile(clm1, 1), status(1, true, "ICN1", "A2:20"))
	return w
}

const made = "ClaimCreated ClaimScrubbed SubmissionRequested"

func TestOpen(t *testing.T) {
	w := told(t, nil)
	expect(t, w, clm1, made)
	expect(t, w, clm2, "")
	c := w.states[clm1]
	if c.Created.TimelyFilingDueDate != "2026-05-31" || len(c.Content.PatientControlNumber) != 17 || c.Content.ReceiverId != "R1" || c.Content.Person.MemberId != "Mpay_1" {
		t.Fatal(c.Created)
	}
	w.tell(t, coded(nil))
	expect(t, w, clm1, made) // told again, nothing new

	expect(t, told(t, func(e *codingv1.CodingCompleted) { e.ResponsiblePayers = nil }), clm1, "") // self-pay
	held := told(t, group)
	expect(t, held, clm1, "ClaimCreated ClaimScrubbed ClaimHeld")
	if r := held.states[clm1].Held.Reasons; len(r) != 1 || r[0].RuleId != "claims.authorization_number" {
		t.Fatal(r)
	}
}

// Whatever arrives first: the visit makes one claim, the same one.
func TestReactMakesOneClaim(t *testing.T) {
	whole := told(t, nil)
	rapid.Check(t, func(rt *rapid.T) {
		// The policy stays in front: without it the limit is unknown, which is right then.
		in := append(office(), coded(nil), coded(nil))
		policy := in[4]
		in = rapid.Permutation(append(slices.Clone(in[:4]), in[5:]...)).Draw(rt, "order")
		w := newWorld()
		w.tell(t, policy)
		w.tell(t, in...)
		if len(w.waits) > 0 {
			rt.Fatalf("%d events wait for ever", len(w.waits))
		}
		if got := w.names(clm1); strings.Join(got, " ") != made || !proto.Equal(w.states[clm1].Created, whole.states[clm1].Created) {
			rt.Fatalf("%v %v", got, w.states[clm1].Created)
		}
	})
}

func TestUnitsReleaseWhatWaitedForThem(t *testing.T) {
	w := told(t, group)
	w.tell(t, approval())
	expect(t, w, clm1, "ClaimCreated ClaimScrubbed ClaimHeld") // approved, and no units used for the visit yet
	w.tell(t, yes())
	expect(t, w, clm1, "ClaimCreated ClaimScrubbed ClaimHeld CorrectedClaimPrepared ClaimScrubbed SubmissionRequested")
	if c := last[*pb.SubmissionRequested](w, clm1); c.Content.AuthorizationNumber != "A77" || c.ClaimVersion != 2 || c.Content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL {
		t.Fatal(c)
	}
	w.tell(t, approval(), yes())
	expect(t, w, clm1, "ClaimCreated ClaimScrubbed ClaimHeld CorrectedClaimPrepared ClaimScrubbed SubmissionRequested")

	waits := newWorld() // until the authorization that the visit names has answered
	waits.tell(t, append(append(office(), approval()), coded(group))...)
	expect(t, waits, clm1, "")
	waits.tell(t, yes())
	expect(t, waits, clm1, made)

	exhausted := newWorld()
	exhausted.tell(t, append(append(office(), approval()), coded(group), &authorizationv1.UnitsRefused{
		AuthorizationId: "aut_1", EncounterId: "enc_1", Reasons: []*problemv1.Reason{{RuleId: "authorization.units_within_approval", Message: "1 needed, 0 left of 90853"}},
	})...)
	expect(t, exhausted, clm1, "ClaimCreated ClaimScrubbed ClaimHeld")
	held := exhausted.states[clm1]
	if held.Content.AuthorizationNumber != "" || !strings.Contains(held.Held.Reasons[0].Message, "aut_1 (A77): 1 needed, 0 left of 90853 (authorization.units_within_approval)") {
		t.Fatal(held.Held)
	}
	exhausted.tell(t, &authorizationv1.AuthorizationApproved{AuthorizationId: "aut_2", PatientId: "pat_1", PayerId: "pay_1", AuthNo: "A78"}, &authorizationv1.UnitsConsumed{AuthorizationId: "aut_2", EncounterId: "enc_1", Units: 1})
	if c := last[*pb.SubmissionRequested](exhausted, clm1); c.GetContent().GetAuthorizationNumber() != "A78" {
		t.Fatal("another authorization has given its units, and the claim goes with", c)
	}

	unnamed := told(t, func(e *codingv1.CodingCompleted) { group(e); e.AuthorizationId = "" })
	expect(t, unnamed, clm1, "ClaimCreated ClaimScrubbed ClaimHeld")
	unnamed.tell(t, approval(), yes())
	if c := last[*pb.SubmissionRequested](unnamed, clm1); c.GetContent().GetAuthorizationNumber() != "A77" {
		t.Fatal("an authorization that nobody named has given its units, and the claim goes with", c)
	}

	others := approval()
	others.PayerId = "pay_2"
	never := told(t, group)
	never.tell(t, others, yes())
	if c := last[*pb.SubmissionRequested](never, clm1); c != nil || never.states[clm1].Held == nil {
		t.Fatal("it goes with another payer's number", c)
	}
}

// A visit whose lines need two authorizations has the units of one: the claim is held for the other, whose number a person puts on its line. 2400 then carries it (REF*G1).
func TestTwoAuthorizationsOfOneVisit(t *testing.T) {
	w := newWorld()
	w.tell(t, office()...)
	first := approval()
	first.UnitsByCode = map[string]int32{"90837": 2}
	other := approval()
	other.AuthorizationId, other.AuthNo, other.UnitsByCode = "aut_2", "A78", map[string]int32{"90785": 2}
	w.tell(t, &registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2026-02-01", TimelyFilingDays: 90, AuthorizationCodes: []string{"90785", "90837"}}, first, other,
		&authorizationv1.UnitsConsumed{AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1", ServiceCode: "90837", ServiceDate: day, Units: 1}, coded(nil))
	expect(t, w, clm1, "ClaimCreated ClaimScrubbed ClaimHeld")
	s := w.states[clm1]
	if r := s.Held.Reasons; len(r) != 1 || r[0].Field != "lines[1].authorization_number" || !strings.Contains(r[0].Message, "A77 is for 90837, and the payer wants one for 90785 too") {
		t.Fatal(r)
	}
	facts := edits.Facts{
		Policy: w.known[PayerMirror.Name]["pay_1"][2].(*registryv1.PayerPolicySet), Ours: map[string][]edits.Permission{"A77": {{Approved: first}}, "A78": {{Approved: other}}},
		Authorizations: []edits.Authorization{{ID: "aut_1", Number: "A77", Covers: true, Codes: []string{"90837"}, Code: "90837", Used: 1, Left: 1}},
	}
	out, err := Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-03-05", Lines: []*pb.LineChange{{LineId: "L2", AuthorizationNumber: "A78"}}}, facts)
	if err != nil {
		t.Fatal(err)
	}
	c := out[len(out)-1].(*pb.SubmissionRequested).Content
	if c.AuthorizationNumber != "A77" || c.Lines[0].AuthorizationNumber != "" || c.Lines[1].AuthorizationNumber != "A78" {
		t.Error(c)
	}
	if got := decide(t, s, func(s State) ([]es.Event, error) {
		return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-03-05", Lines: []*pb.LineChange{{LineId: "L1", AuthorizationNumber: "A78"}}}, facts)
	}); got != "claims.authorization_fits" {
		t.Errorf("the first line has its units of another: %s", got)
	}
}

// A number that a person types is taken, unless it is one of ours that does not fit: then the field and the reason are named.
func TestATypedNumberFits(t *testing.T) {
	plain := told(t, nil).states[clm1]
	plain.InFlight = false
	ours := func(change func(*edits.Permission, *edits.Facts)) edits.Facts {
		a := approval()
		a.UnitsByCode = map[string]int32{"90837": 2}
		p, f := edits.Permission{Approved: a, InUse: map[string]int32{}}, edits.Facts{}
		change(&p, &f)
		f.Ours = map[string][]edits.Permission{"A77": {p}}
		return f
	}
	for _, c := range []struct {
		name, number string
		change       func(*edits.Permission, *edits.Facts)
		want         string // part of the reason; empty: taken
	}{
		{"one that we don't know", "X1", func(*edits.Permission, *edits.Facts) {}, ""},
		{"one of ours that fits", "A77", func(*edits.Permission, *edits.Facts) {}, ""},
		{"that has given its last units for the visit", "A77", func(p *edits.Permission, f *edits.Facts) {
			p.InUse["90837"], f.Authorizations = 2, []edits.Authorization{{ID: "aut_1", Number: "A77", Covers: true}}
		}, ""},
		{"exhausted", "A77", func(p *edits.Permission, _ *edits.Facts) { p.InUse["90837"] = 2 }, "aut_1 is exhausted: 1 needed, 0 left of 90837"},
		{"for another code", "A77", func(p *edits.Permission, _ *edits.Facts) { p.Approved.UnitsByCode = map[string]int32{"90834": 9} }, "aut_1 covers 90834, and none of it was given"},
		{"outside its dates", "A77", func(p *edits.Permission, _ *edits.Facts) { p.Approved.ThruDate = "2026-03-01" }, "covers 2026-01-01 to 2026-03-01, the service was on 2026-03-02"},
		{"another payer's", "A77", func(p *edits.Permission, _ *edits.Facts) { p.Approved.PayerId = "pay_2" }, "another payer's"},
		{"another patient's", "A77", func(p *edits.Permission, _ *edits.Facts) { p.Approved.PatientId = "pat_2" }, "another patient's"},
		{"elsewhere", "A77", func(p *edits.Permission, _ *edits.Facts) { p.Approved.LocationIds = []string{"loc_9"} }, "other locations"},
		{"that said no to the visit", "A77", func(_ *edits.Permission, f *edits.Facts) {
			f.Authorizations = []edits.Authorization{{ID: "aut_1", Number: "A77", Reasons: no().Reasons}}
		}, "the payer has not approved it (authorization.within_period)"},
		{"where another has given the units", "A77", func(_ *edits.Permission, f *edits.Facts) {
			f.Authorizations = []edits.Authorization{{ID: "aut_2", Number: "A78", Covers: true}}
		}, "the visit has its units of aut_2 (A78)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := ours(c.change)
			for field, request := range map[string]*pb.CorrectClaimRequest{
				"authorization_number":          {ClaimId: clm1, AuthorizationNumber: c.number, Reason: "r"},
				"lines[0].authorization_number": {ClaimId: clm1, Lines: []*pb.LineChange{{LineId: "L1", AuthorizationNumber: c.number}}, Reason: "r"},
			} {
				_, err := Correct(plain, request, f)
				reasons := refuse.Reasons(err)
				if c.want == "" && len(reasons) > 0 || c.want != "" && (len(reasons) != 1 || reasons[0].RuleId != "claims.authorization_fits" || reasons[0].Field != field || !strings.Contains(reasons[0].Message, c.want)) {
					t.Errorf("%s: %v", field, reasons)
				}
			}
		})
	}
}

func TestOnTheWay(t *testing.T) {
	steps := []struct {
		name string
		in   events
		want string
	}{
		{"sent once", events{sentFile(clm1, 1), sentFile(clm1, 1)}, "ClaimSubmitted"},
		{"the syntax is accepted", events{sentFile(clm1, 1), &exchangev1.SetAcknowledged{ClaimId: clm1, ClaimVersion: 1, Status: "A"}}, "ClaimSubmitted ClaimAcknowledged"},
		{"accepted with errors is accepted", events{&exchangev1.SetAcknowledged{ClaimId: clm1, ClaimVersion: 1, Status: "E"}}, "ClaimAcknowledged"},
		{"the syntax is rejected", events{&exchangev1.SetAcknowledged{ClaimId: clm1, ClaimVersion: 1, Status: "R"}}, "ClaimRejected ClaimHeld"},
		{"the payer accepts, told twice", events{status(1, true, "ICN1", "A2:20"), status(1, true, "ICN1", "A2:20")}, "ClaimAcknowledged"},
		{"the payer rejects, told twice", events{status(1, false, "", "A7:562:85"), status(1, false, "", "A7:562:85")}, "ClaimRejected ClaimHeld"},
		{"the answer is faster than the news of the file", events{status(1, true, "ICN1", "A2:20"), sentFile(clm1, 1)}, "ClaimAcknowledged ClaimSubmitted"},
		{"a word on a version that is not out", events{status(2, false, "", "A7:562")}, ""},
		{"a rejection after the decision changes nothing", events{posting("rem_1", "1", decidedLine("L1", "90837", 16000, 16000)), status(1, false, "", "A7:562")}, "ClaimAdjudicated ClaimClosed"},
		{"of a claim that is not ours", events{&exchangev1.SetAcknowledged{ClaimId: "clm_x", ClaimVersion: 1, Status: "R"}}, ""},
	}
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			w := told(t, nil)
			w.tell(t, s.in...)
			expect(t, w, clm1, strings.TrimSpace(made+" "+s.want))
			expect(t, w, "clm_x", "")
		})
	}
}

func TestAdjudicate(t *testing.T) {
	paid := decidedLine("L1", "90837", 15000, 9000, cas("CO", "45", 6000))
	addOn := decidedLine("L2", "90785", 1000, 800, cas("CO", "45", 200))
	denied := decidedLine("L2", "90785", 1000, 0, cas("CO", "97", 1000))
	appealed := decidedLine("L2", "90785", 1000, 700, cas("CO", "45", 300))
	share := decidedLine("L1", "90837", 15000, 7000, cas("CO", "45", 6000), cas("PR", "3", 2000))
	reversed := decidedLine("L1", "90837", -15000, -9000, cas("CO", "45", -6000))
	crossed := posting("rem_1", "1", share, addOn)
	crossed.RemittanceClaim.CrossoverPayerName = "SECOND PLAN"
	disputed := func(remittance string, amount int64) *postingv1.ClaimPaymentPosted {
		p := posting(remittance, "1", paid, addOn)
		p.DisputedAmount = amount
		return p
	}
	held := posting("rem_1", "1", share, addOn)
	held.DisputedAmount, held.HeldShareAmount = 2000, 2000
	accepted := func(left int64) *postingv1.UnderpaymentAccepted {
		return &postingv1.UnderpaymentAccepted{ClaimId: clm1, DisputedAmount: left}
	}
	whole := posting("rem_1", "4")
	whole.RemittanceClaim.Adjustments = []*typev1.Adjustment{cas("CO", "29", 16000)}
	for _, c := range []struct {
		name       string
		in         events
		want, next string
	}{
		{"paid by contract: nothing is left", events{posting("rem_1", "1", paid, addOn)}, "ClaimAdjudicated ClaimClosed", ""},
		{"posted twice, told once", events{posting("rem_1", "1", paid, addOn), posting("rem_1", "1", paid, addOn)}, "ClaimAdjudicated ClaimClosed", ""},
		{"a denied line stays open", events{posting("rem_1", "1", paid, denied)}, "ClaimAdjudicated LineDenied", ""},
		{"a denial of the claim as a whole", events{whole}, "ClaimAdjudicated LineDenied", ""},
		{"a rest goes to the next payer", events{posting("rem_1", "1", share, addOn)}, "ClaimAdjudicated SecondaryClaimPrepared ClaimClosed", made},
		{"not when the payer sends it on: the next payer's claim is there without being sent", events{posting("rem_1", "19", share, addOn)}, "ClaimAdjudicated ClaimClosed", "ClaimCreated CrossoverDetected"},
		{"nor when it names the payer it sent it to", events{crossed}, "ClaimAdjudicated ClaimClosed", "ClaimCreated CrossoverDetected"},
		{"sent on with nothing left, nobody is waited for", events{posting("rem_1", "19", paid, addOn)}, "ClaimAdjudicated ClaimClosed", ""},
		{"a rest and a denial: the next payer is billed, the denial stays", events{posting("rem_1", "1", share, denied)}, "ClaimAdjudicated LineDenied SecondaryClaimPrepared", made},
		{"a later remittance pays the denied line", events{posting("rem_1", "1", paid, denied), posting("rem_2", "1", paid, appealed)},
			"ClaimAdjudicated LineDenied ClaimAdjudicated DenialOverturned ClaimClosed", ""},
		{"a remittance that repeats the denial keeps its clock", events{posting("rem_1", "1", paid, denied), posting("rem_2", "1", paid, denied)}, "ClaimAdjudicated LineDenied ClaimAdjudicated", ""},
		{"another reason replaces it", events{posting("rem_1", "1", paid, denied), posting("rem_2", "1", paid, decidedLine("L2", "90785", 1000, 0, cas("CO", "16", 1000)))},
			"ClaimAdjudicated LineDenied ClaimAdjudicated LineDenied", ""},
		{"a decision is taken back, the claim is open again", events{posting("rem_1", "1", paid, addOn), posting("rem_2", "22", reversed)}, "ClaimAdjudicated ClaimClosed ClaimAdjudicated ClaimReopened", ""},
		{"and closes with the new decision", events{posting("rem_1", "1", paid, addOn), posting("rem_2", "22", reversed), posting("rem_3", "1", paid, addOn)},
			"ClaimAdjudicated ClaimClosed ClaimAdjudicated ClaimReopened ClaimAdjudicated ClaimClosed", ""},
		{"what is in dispute keeps it open", events{disputed("rem_1", 900)}, "ClaimAdjudicated", ""},
		{"until the payer has paid it", events{disputed("rem_1", 900), disputed("rem_2", 0)}, "ClaimAdjudicated ClaimAdjudicated ClaimClosed", ""},
		{"or all of it is given up", events{disputed("rem_1", 900), accepted(400), accepted(400), accepted(0)}, "ClaimAdjudicated ClaimDisputeLessened ClaimDisputeLessened ClaimClosed", ""},
		{"what is in dispute opens a closed claim", events{disputed("rem_1", 0), disputed("rem_2", 900)}, "ClaimAdjudicated ClaimClosed ClaimAdjudicated ClaimReopened", ""},
		{"with a denial beside it, giving up does not close it", events{func() *postingv1.ClaimPaymentPosted {
			p := posting("rem_1", "1", paid, denied)
			p.DisputedAmount = 900
			return p
		}(), accepted(0)}, "ClaimAdjudicated LineDenied ClaimDisputeLessened", ""},
		{"what the contract forbids to ask of the patient is not asked of the next payer", events{held}, "ClaimAdjudicated", ""},
		{"a preview decides nothing", events{posting("rem_1", "25", paid)}, "ClaimAdjudicated", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := gone(t)
			before := len(w.log[clm1])
			w.tell(t, c.in...)
			if got := strings.Join(w.names(clm1)[before:], " "); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
			expect(t, w, clm2, c.next)
		})
	}
}

// The next payer's answer to what the first sent it closes that payer's claim, whichever of the two answers comes first, and nothing is sent to it.
func TestACrossedOverClaimIsAnswered(t *testing.T) {
	share := decidedLine("L1", "90837", 15000, 7000, cas("CO", "45", 6000), cas("PR", "3", 2000))
	addOn := decidedLine("L2", "90785", 1000, 800, cas("CO", "45", 200))
	first := posting("rem_1", "19", share, addOn)
	notSaid := posting("rem_1", "1", share, addOn)
	answer := func() *postingv1.ClaimPaymentPosted {
		p := posting("rem_2", "2", decidedLine("L1", "90837", 15000, 2000, cas("OA", "23", 13000)), decidedLine("L2", "90785", 1000, 0, cas("OA", "23", 1000)))
		p.ClaimId, p.PayerId, p.PayerSequence = clm2, "pay_2", second
		p.RemittanceClaim.ClaimId, p.RemittanceClaim.AnsweringPayerId = clm2, "pay_2"
		return p
	}
	for _, c := range []struct {
		name string
		in   events
		next string
	}{
		{"the first payer answers first", events{first, answer()}, "ClaimCreated CrossoverDetected ClaimAdjudicated ClaimClosed"},
		{"the next payer does", events{answer(), first}, "ClaimCreated CrossoverDetected ClaimAdjudicated ClaimClosed"},
		{"the next payer does, and the first does not say that it sent it on", events{answer(), notSaid}, "ClaimCreated CrossoverDetected ClaimAdjudicated ClaimClosed"},
		{"it did not say so, and ours waits to be sent", events{notSaid, answer()}, made + " SubmissionRecalled CrossoverDetected ClaimAdjudicated ClaimClosed"},
		{"ours is sent", events{notSaid, sentFile(clm2, 1), answer()}, made + " ClaimSubmitted ClaimAdjudicated ClaimClosed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := gone(t)
			before := w.names(clm1)
			w.tell(t, c.in...)
			expect(t, w, clm2, c.next)
			if s := w.states[clm2]; len(s.Denials) != 0 || s.Paid != 2000 || s.Content.PayerId != "pay_2" {
				t.Errorf("the next payer's claim: %v", s)
			}
			if s := w.states[clm1]; len(s.Denials) != 0 || s.Paid != 7800 || !s.Closed {
				t.Errorf("the first payer's, after %v: %v", before, w.names(clm1))
			}
		})
	}
	w := gone(t)
	w.tell(t, first)
	w.pass(t, remittanceDays+1)
	if late := last[*pb.ClaimOverdue](w, clm2); late == nil || late.WaitingFor != "remittance" {
		t.Errorf("nobody asks after an answer that does not come: %v", w.names(clm2))
	}
}

// A payer that answers to the claim of the other billing system gets no second one; what it has got already it answers too.
func TestAnAnswerToTheOtherSystemsClaim(t *testing.T) {
	paid := func(remittance, by string) *postingv1.ClaimPaymentPosted {
		p := posting(remittance, "1", decidedLine("L1", "90837", 15000, 9000, cas("CO", "45", 6000)), decidedLine("L2", "90785", 1000, 800, cas("CO", "45", 200)))
		p.RemittanceClaim.MatchedBy = by
		return p
	}
	held := func(e *codingv1.CodingCompleted) { group(e); e.AuthorizationId = "" } // the payer wants an authorization, and there is none
	for _, c := range []struct {
		name  string
		visit func(*codingv1.CodingCompleted)
		in    events
		want  string
	}{
		{"ours waits to be sent", nil, events{paid("rem_1", byPriorNumber)}, made + " SubmissionRecalled ClaimAdjudicated ClaimClosed"},
		{"ours is held", held, events{paid("rem_1", byPriorNumber)}, "ClaimCreated ClaimScrubbed ClaimHeld ClaimReleased ClaimAdjudicated ClaimClosed"},
		{"ours is out: both answers are posted", nil, events{sentFile(clm1, 1), paid("rem_1", byPriorNumber), paid("rem_2", "patient_control_number")},
			made + " ClaimSubmitted ClaimAdjudicated ClaimClosed ClaimAdjudicated"},
		{"a preview decides nothing", nil, events{func() es.Event { p := paid("rem_1", byPriorNumber); p.RemittanceClaim.StatusCode = "25"; return p }()}, made + " ClaimAdjudicated"},
	} {
		w := newWorld()
		w.tell(t, append(office(), coded(c.visit))...)
		w.tell(t, c.in...)
		if got := strings.Join(w.names(clm1), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
}

func TestLineDenied(t *testing.T) {
	w := gone(t)
	line := decidedLine("L1", "90837", 15000, 0, cas("CO", "197", 15000))
	line.Rarc = []string{"M62"}
	w.tell(t, posting("rem_1", "4", line, decidedLine("L2", "90785", 1000, 0, cas("PR", "1", 1000))))
	want := &pb.LineDenied{
		ClaimId: clm1, PatientId: "pat_1", PayerId: "pay_1", LineId: "L1", ServiceCode: "90837", ServiceDate: day, GroupCode: "CO", Carc: "197", Rarc: []string{"M62"},
		DeniedAmount: 15000, Origin: pb.DenialOrigin_DENIAL_ORIGIN_AUTHORIZATION, DefaultAction: "Ask for a retroactive authorization, else appeal", Label: "no authorization",
		AppealDueDate: "2026-06-18", RemittanceId: "rem_1", LocationId: "loc_1",
	}
	if got := last[*pb.LineDenied](w, clm1); !proto.Equal(got, want) || len(w.states[clm1].Denials) != 1 {
		t.Fatalf("got %v, want %v", got, want)
	}
}

func TestNextPayer(t *testing.T) {
	w := gone(t)
	share := decidedLine("L1", "90837", 15000, 7000, cas("CO", "45", 6000), cas("PR", "3", 2000))
	addOn := decidedLine("L2", "90785", 1000, 800, cas("CO", "45", 200))
	w.tell(t, posting("rem_1", "1", share, addOn))
	c := w.states[clm2].Content
	if c.PayerId != "pay_2" || c.PayerSequence != second || c.Person.MemberId != "Mpay_2" || len(c.PriorPayers) != 1 || c.PriorCoverageMemberIds[0] != "Mpay_1" {
		t.Fatal(c)
	}
	p := c.PriorPayers[0]
	if p.PaidAmount != 7800 || p.PatientResponsibilityAmount != 2000 || p.EdiPayerId != "P1" || p.AdjudicationDate != "2026-03-20" || len(p.Lines) != 2 || !proto.Equal(p.Lines[0].Adjustments[1], cas("PR", "3", 2000)) {
		t.Fatal(p)
	}
	// The primary decides anew: what is sent is held for a person, with the new amounts.
	back := decidedLine("L1", "90837", -15000, -7000, cas("CO", "45", -6000), cas("PR", "3", -2000))
	more := decidedLine("L1", "90837", 15000, 8000, cas("CO", "45", 6000), cas("PR", "3", 1000))
	w.tell(t, posting("rem_2", "22", back), posting("rem_3", "1", more, addOn))
	expect(t, w, clm2, made+" CorrectedClaimPrepared ClaimHeld")
	if p := w.states[clm2].Content.PriorPayers[0]; p.PaidAmount != 8800 {
		t.Fatal(p)
	}
	if _, err := Release(w.states[clm2], &pb.ReleaseClaimRequest{ClaimId: clm2, Reason: "r"}); refuse.Reasons(err) == nil {
		t.Fatal("a second version went out while the payer had the first")
	}
}

func TestAHeldClaimToTheNextPayerIsMadeAnew(t *testing.T) {
	w := newWorld()
	w.tell(t, append(office(), &registryv1.PayerPolicySet{PayerId: "pay_2", FromDate: "2026-01-01", AuthorizationCodes: []string{"90837"}}, coded(nil))...)
	share := func(pr int64) *postingv1.ClaimPaymentPosted {
		return posting(fmt.Sprint("rem_", pr), "1", decidedLine("L1", "90837", 15000, 15000-pr, cas("PR", "3", pr)), decidedLine("L2", "90785", 1000, 1000))
	}
	w.tell(t, share(2000))
	expect(t, w, clm2, "ClaimCreated ClaimScrubbed ClaimHeld") // it wants an authorization
	w.tell(t, share(3000))
	expect(t, w, clm2, "ClaimCreated ClaimScrubbed ClaimHeld CorrectedClaimPrepared ClaimScrubbed ClaimHeld")
	if c := w.states[clm2].Content; c.PriorPayers[0].PatientResponsibilityAmount != 3000 || c.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL {
		t.Fatal(c)
	}
}

func TestAnImportedSecondaryClaimGoesToTheSecondPayer(t *testing.T) {
	w := newWorld()
	imported := &exchangev1.ClaimImported{
		EncounterId: "enc_1", PatientId: "pat_1", PlaceOfService: "11", Person: &pb.ClaimPerson{
			PatientName: &typev1.PersonName{Last: "Doe"}, PatientBirthDate: "1990-01-01", PatientAddress: street(), DiagnosisCodes: []string{"30002"}, DiagnosisCodeSystem: "9",
		},
		BillingProvider: &pb.Provider{Npi: "1234567893", OrganizationName: "Old name", TaxId: "123456789", Taxonomy: "261QM0801X", Address: street()},
		Coverages: []*exchangev1.ImportedCoverage{
			{CoverageId: "cov_2", PayerId: "pay_2", PayerName: "SECOND", PayerSequence: second, Relationship: 1},
			{CoverageId: "cov_1", PayerId: "pay_1", PayerName: "FIRST", PayerSequence: primary, Relationship: 1},
		},
		Subscribers: []*exchangev1.ImportedSubscriber{
			{MemberId: "M2", Name: &typev1.PersonName{Last: "Doe"}, BirthDate: "1990-01-01", Address: street()}, {MemberId: "M1", Name: &typev1.PersonName{Last: "Doe"}},
		},
	}
	w.tell(t, append(office(), imported, coded(func(e *codingv1.CodingCompleted) {
		e.Imported, e.ServiceDate, e.DiagnosisCodes, e.DiagnosisCodeSystem = true, "2014-05-05", imported.Person.DiagnosisCodes, "9"
		e.PriorAdjudications = []*codingv1.PriorAdjudication{{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 10000, Adjustments: []*typev1.Adjustment{cas("CO", "45", 4000), cas("PR", "2", 2000)}}}
	}))...)
	expect(t, w, clm1, "")
	expect(t, w, clm2, made)
	c := w.states[clm2].Content
	if c.BillingProvider.OrganizationName != "Old name" || c.Person.MemberId != "M2" || c.PriorCoverageMemberIds[0] != "M1" || c.PriorPayers[0].PatientResponsibilityAmount != 2000 || c.PayerName != "SECOND" {
		t.Fatal(c)
	}
}

// decide runs a decision on the claim of a world, in a table-like line.
func decide(t *testing.T, s State, f func(State) ([]es.Event, error)) string {
	t.Helper()
	out, err := f(s)
	var words []string
	for _, r := range refuse.Reasons(err) {
		words = append(words, r.RuleId)
	}
	if err != nil && words == nil {
		t.Fatal(err)
	}
	for _, e := range out {
		words = append(words, string(e.ProtoReflect().Descriptor().Name()))
		if s, ok := e.(*pb.SubmissionRequested); ok {
			words = append(words, fmt.Sprintf("(%d v%d %s)", s.Content.FrequencyCode, s.ClaimVersion, s.Content.PayerClaimControlNumber))
		}
	}
	return strings.Join(words, " ")
}

func states(t *testing.T) map[string]State {
	t.Helper()
	all := map[string]State{"none": {}}
	all["ready"] = told(t, nil).states[clm1]
	all["held"] = told(t, group).states[clm1]
	all["accepted"] = gone(t).states[clm1]
	w := told(t, nil)
	w.tell(t, sentFile(clm1, 1), status(1, false, "", "A7:562"))
	all["rejected"] = w.states[clm1]
	w = gone(t)
	w.tell(t, posting("rem_1", "4", decidedLine("L1", "90837", 15000, 0, cas("CO", "4", 15000))))
	all["denied"] = w.states[clm1]
	w = gone(t)
	w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000)))
	all["paid"] = w.states[clm1]
	w = told(t, nil)
	p := posting("rem_1", "4", decidedLine("L1", "90837", 15000, 0, cas("CO", "4", 15000)))
	p.RemittanceClaim.PayerClaimControlNumber = ""
	w.tell(t, p)
	all["denied without a number"] = w.states[clm1]
	return all
}

func TestCorrect(t *testing.T) {
	modifier := &pb.LineChange{LineId: "L1", Modifiers: []string{"HO"}}
	for _, c := range []struct {
		name, in string
		lines    []*pb.LineChange
		number   string
		want     string
	}{
		{"a denied claim is replaced, with the payer's number", "denied", []*pb.LineChange{modifier}, "", "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (7 v2 ICN1)"},
		{"a closed claim is open again", "paid", []*pb.LineChange{modifier}, "", "ClaimReopened CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (7 v2 ICN1)"},
		{"a rejected claim is an original again", "rejected", []*pb.LineChange{modifier}, "", "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (1 v2 )"},
		{"a held claim is corrected before it goes", "held", nil, "A99", "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (1 v2 )"},
		{"what the payer has is not overtaken", "accepted", []*pb.LineChange{modifier}, "", "claims.not_in_flight"},
		{"nor what waits for the next file", "ready", []*pb.LineChange{modifier}, "", "claims.not_in_flight"},
		{"a replacement needs the payer's number", "denied without a number", []*pb.LineChange{modifier}, "", "claims.replaces_known"},
		{"a line that is not there", "denied", []*pb.LineChange{{LineId: "L9", Modifiers: []string{"HO"}}}, "", "claims.line_known"},
		{"a correction that changes nothing", "denied", []*pb.LineChange{{LineId: "L1"}}, "", "claims.changes_something"},
		{"all is said at once", "accepted", []*pb.LineChange{{LineId: "L8"}, {LineId: "L9"}}, "", "claims.line_known claims.line_known claims.not_in_flight"},
		{"a wrong correction is held", "denied", []*pb.LineChange{{LineId: "L1", DiagnosisPointers: []int32{7}}}, "", "CorrectedClaimPrepared ClaimScrubbed ClaimHeld"},
		{"no claim, no correction", "none", []*pb.LineChange{modifier}, "", "claims.exists"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := states(t)[c.in]
			scrub := edits.Facts{Policy: newPolicy()}
			got := decide(t, s, func(s State) ([]es.Event, error) {
				return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Lines: c.lines, AuthorizationNumber: c.number, Reason: "r", Today: "2026-04-01"}, scrub)
			})
			if got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestCorrectedUnitsChangeTheCharge(t *testing.T) {
	out, err := Correct(states(t)["denied"], &pb.CorrectClaimRequest{
		ClaimId: clm1, Reason: "r", Today: "2026-04-01",
		Lines: []*pb.LineChange{{LineId: "L1", UnitsThousandths: 2000, PlaceOfService: "53"}},
	}, edits.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	c := out[0].(*pb.CorrectedClaimPrepared).Content
	if c.Lines[0].ChargeAmount != 30000 || c.ChargeAmount != 31000 || c.Lines[0].PlaceOfService != "53" || c.PlaceOfService != "53" || c.Lines[1].PlaceOfService != "11" {
		t.Fatal(c)
	}
}

// A second copy that is denied as a duplicate takes nothing's place: a replacement names the payment.
func TestADuplicatesDenialIsNotReplaced(t *testing.T) {
	w := gone(t)
	twice := posting("rem_2", "4", decidedLine("L1", "90837", 15000, 0, cas("CO", "18", 15000)), decidedLine("L2", "90785", 1000, 0, cas("CO", "18", 1000)))
	twice.RemittanceClaim.PayerClaimControlNumber = "ICN2"
	w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000)), twice)
	got := decide(t, w.states[clm1], func(s State) ([]es.Event, error) {
		return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{"HO"}}}}, edits.Facts{})
	})
	if got != "ClaimReopened CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (7 v2 ICN1)" {
		t.Fatal(got)
	}
}

func TestWhatCorrectedUnitsMayNotBe(t *testing.T) {
	correct := func(s State, thousandths int32) string {
		return decide(t, s, func(s State) ([]es.Event, error) {
			return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", UnitsThousandths: thousandths}}}, edits.Facts{})
		})
	}
	denied := states(t)["denied"]
	if got := correct(denied, 1500); got != "claims.whole_units" {
		t.Errorf("a part of a unit: %s", got)
	}
	if got := correct(denied, 3000); got != "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (7 v2 ICN1)" {
		t.Errorf("a price in whole cents: %s", got)
	}
	odd := denied.with()
	odd.Content = proto.Clone(odd.Content).(*pb.ClaimContent)
	odd.Content.Lines[0].UnitsThousandths = 7000
	if got := correct(odd, 2000); got != "claims.whole_cents" {
		t.Errorf("a price that is no whole number of cents: %s", got)
	}
	later := denied.with()
	later.Content = proto.Clone(later.Content).(*pb.ClaimContent)
	later.Content.PriorPayers = []*pb.PriorPayer{{PayerId: "pay_0"}}
	if got := correct(later, 2000); got != "claims.first_payers_units" {
		t.Errorf("an earlier payer has decided: %s", got)
	}
}

func TestRelease(t *testing.T) {
	for in, want := range map[string]string{
		"held":     "ClaimReleased SubmissionRequested (1 v1 )",
		"rejected": "CorrectedClaimPrepared ClaimReleased SubmissionRequested (1 v2 )", // a version goes out once
		"accepted": "claims.held",
		"denied":   "claims.held",
		"none":     "claims.exists",
	} {
		t.Run(in, func(t *testing.T) {
			got := decide(t, states(t)[in], func(s State) ([]es.Event, error) {
				return Release(s, &pb.ReleaseClaimRequest{ClaimId: clm1, Reason: "the payer said so by phone"})
			})
			if got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
		})
	}
}

func TestVoid(t *testing.T) {
	for in, want := range map[string]string{
		"denied":                  "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (8 v2 ICN1)",
		"paid":                    "ClaimReopened CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (8 v2 ICN1)",
		"held":                    "ClaimClosed",
		"rejected":                "ClaimClosed",
		"accepted":                "claims.not_in_flight",
		"ready":                   "SubmissionRecalled",
		"denied without a number": "claims.replaces_known",
		"none":                    "claims.exists",
	} {
		t.Run(in, func(t *testing.T) {
			void := func(s State) ([]es.Event, error) {
				return Void(s, &pb.VoidClaimRequest{ClaimId: clm1, Reason: "billed by mistake", Today: "2026-04-01"}, edits.Facts{})
			}
			s := states(t)[in]
			if got := decide(t, s, void); got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			out, _ := void(s)
			for _, e := range out {
				s = Evolve(s, e)
			}
			if len(out) > 0 && decide(t, s, void) == want {
				t.Fatal("it was voided twice")
			}
		})
	}
	// The payer takes its decision back: the claim ends.
	w := gone(t)
	w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 9000, cas("CO", "45", 6000))))
	out, err := Void(w.states[clm1], &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	w.record(t, clm1, out)
	w.drain(t)
	if w.states[clm1].Closed {
		t.Fatal("closed while the void is on its way")
	}
	w.tell(t, posting("rem_2", "22", decidedLine("L1", "90837", -15000, -9000, cas("CO", "45", -6000))))
	if s := w.states[clm1]; !s.Closed || !s.Withdrawn || s.Decided {
		t.Fatalf("%+v", s)
	}
}

func TestTheClaimsToLaterPayersFollow(t *testing.T) {
	share := func(remittance, status string, sign int64) *postingv1.ClaimPaymentPosted {
		return posting(remittance, status, decidedLine("L1", "90837", sign*15000, sign*13000, cas("PR", "3", sign*2000)), decidedLine("L2", "90785", sign*1000, sign*1000))
	}
	second := func(remittance, status string, sign int64) *postingv1.ClaimPaymentPosted {
		p := posting(remittance, status, decidedLine("L1", "90837", sign*15000, sign*2000))
		p.ClaimId, p.RemittanceClaim.ClaimId, p.PayerId, p.PayerSequence = clm2, clm2, "pay_2", typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
		return p
	}
	void := func(t *testing.T, w *world) {
		t.Helper()
		out, err := Void(w.states[clm1], &pb.VoidClaimRequest{ClaimId: clm1, Reason: "billed by mistake", Today: "2026-04-01"}, edits.Facts{})
		if err != nil {
			t.Fatal(err)
		}
		w.record(t, clm1, out)
		w.drain(t)
		w.tell(t, share("rem_9", "22", -1))
		if s := w.states[clm1]; !s.Closed || last[*pb.ClaimClosed](w, clm1).ChargeStands {
			t.Fatalf("%+v", s)
		}
	}
	t.Run("one that is held ends", func(t *testing.T) {
		w := newWorld()
		w.tell(t, append(office(), &registryv1.PayerPolicySet{PayerId: "pay_2", FromDate: "2026-01-01", AuthorizationCodes: []string{"90837"}}, coded(nil), share("rem_1", "1", 1))...)
		void(t, w)
		expect(t, w, clm2, "ClaimCreated ClaimScrubbed ClaimHeld ClaimClosed")
		if c := last[*pb.ClaimClosed](w, clm2); !c.Withdrawn || c.ChargeStands {
			t.Fatal(c)
		}
	})
	t.Run("one that the payer is at work on is held for a person", func(t *testing.T) {
		w := gone(t)
		w.tell(t, share("rem_1", "1", 1), sentFile(clm2, 1))
		void(t, w)
		expect(t, w, clm2, made+" ClaimSubmitted ClaimHeld")
		if r := w.states[clm2].Held.Reasons[0]; r.RuleId != StillBilled.ID {
			t.Fatal(r)
		}
		w.tell(t, second("rem_2", "2", 1)) // it answers, and a person voids
		out, err := Void(w.states[clm2], &pb.VoidClaimRequest{ClaimId: clm2, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
		if err != nil {
			t.Fatal(err)
		}
		w.record(t, clm2, out)
		w.drain(t)
		w.tell(t, second("rem_10", "22", -1))
		if c := last[*pb.ClaimClosed](w, clm2); !c.GetWithdrawn() || c.ChargeStands {
			t.Fatal("the charge went with the first payer's claim", c)
		}
	})
	waiting := func(t *testing.T) *world {
		w := gone(t)
		w.tell(t, share("rem_1", "1", 1))
		void(t, w)
		expect(t, w, clm2, made+" SubmissionRecalled")
		return w
	}
	t.Run("one that waits for its file ends, when it is taken out of it", func(t *testing.T) {
		w := waiting(t)
		w.tell(t, taken(clm2, 1))
		expect(t, w, clm2, made+" SubmissionRecalled SubmissionWithdrawn ClaimClosed")
		if c := last[*pb.ClaimClosed](w, clm2); !c.Withdrawn || c.ChargeStands {
			t.Fatal(c)
		}
	})
	t.Run("one whose file went in that moment is held for a person", func(t *testing.T) {
		w := waiting(t)
		w.tell(t, sentFile(clm2, 1))
		expect(t, w, clm2, made+" SubmissionRecalled ClaimSubmitted ClaimHeld")
		if r := w.states[clm2].Held.Reasons[0]; r.RuleId != StillBilled.ID {
			t.Fatal(r)
		}
	})
	t.Run("one that was decided is voided at its payer", func(t *testing.T) {
		w := gone(t)
		w.tell(t, share("rem_1", "1", 1), second("rem_2", "2", 1))
		void(t, w)
		if c := w.states[clm2]; !c.InFlight || c.Content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_VOID {
			t.Fatalf("%+v", c)
		}
		w.tell(t, second("rem_10", "22", -1))
		if c := last[*pb.ClaimClosed](w, clm2); !c.Withdrawn || c.ChargeStands {
			t.Fatal(c)
		}
	})
	t.Run("a later payer's claim that is withdrawn by itself leaves the charge", func(t *testing.T) {
		w := newWorld()
		w.tell(t, append(office(), &registryv1.PayerPolicySet{PayerId: "pay_2", FromDate: "2026-01-01", AuthorizationCodes: []string{"90837"}}, coded(nil), share("rem_1", "1", 1))...)
		out, err := Void(w.states[clm2], &pb.VoidClaimRequest{ClaimId: clm2, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
		if err != nil {
			t.Fatal(err)
		}
		if c := out[0].(*pb.ClaimClosed); !c.ChargeStands {
			t.Fatal(c)
		}
	})
}

func TestTheClaimToTheNextPayerTakesCorrectedUnits(t *testing.T) {
	w := gone(t)
	w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 13000, cas("PR", "3", 2000)), decidedLine("L2", "90785", 1000, 1000)))
	out, err := Correct(w.states[clm1], &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", UnitsThousandths: 2000}}}, edits.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	w.record(t, clm1, out)
	w.drain(t)
	w.tell(t, posting("rem_2", "1", decidedLine("L1", "90837", 30000, 26000, cas("PR", "3", 4000)), decidedLine("L2", "90785", 1000, 1000)))
	if c := w.states[clm2].Content; c.ChargeAmount != 31000 || c.Lines[0].UnitsThousandths != 2000 || c.PriorPayers[0].PaidAmount != 27000 {
		t.Fatal(c)
	}
}

func TestRescrub(t *testing.T) {
	s := states(t)
	again := func(fresh *pb.ClaimContent) func(State) ([]es.Event, error) {
		return func(s State) ([]es.Event, error) {
			return Rescrub(s, Again{ClaimID: clm1, Fresh: fresh, Scrub: edits.Facts{
				Policy: newPolicy(), Today: "2026-04-01", Authorizations: []edits.Authorization{{ID: "aut_1", Reasons: no().Reasons}},
			}})
		}
	}
	held := proto.Clone(s["held"].Content).(*pb.ClaimContent)
	withNumber := proto.Clone(held).(*pb.ClaimContent)
	withNumber.AuthorizationNumber = "A77"
	address := proto.Clone(s["rejected"].Content).(*pb.ClaimContent)
	address.Person.MemberId = "M-new"
	for _, c := range []struct {
		name, in string
		fresh    *pb.ClaimContent
		want     string
	}{
		{"nothing has changed", "held", held, ""},
		{"facts that can't be had change nothing", "held", nil, ""},
		{"the number is there now", "held", withNumber, "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (1 v2 )"},
		{"a rejected claim is not sent again as it is", "rejected", s["rejected"].Content, ""},
		{"it is with another member id", "rejected", address, "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (1 v2 )"},
		{"only what is held is scrubbed again", "accepted", nil, "claims.held"},
		{"no claim", "none", nil, "claims.exists"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decide(t, s[c.in], again(c.fresh)); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
	// The payer's policy no longer wants an authorization: the same version goes.
	got := decide(t, s["held"], func(s State) ([]es.Event, error) { return Rescrub(s, Again{ClaimID: clm1, Fresh: held}) })
	if want := "ClaimScrubbed ClaimReleased SubmissionRequested (1 v1 )"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
}

func TestTimers(t *testing.T) {
	for _, c := range []struct {
		name string
		in   events
		days int
		want string // what the clocks lead to
	}{
		{"five days without an acknowledgment", events{sentFile(clm1, 1)}, 5, "acknowledgment"},
		{"four are fine", events{sentFile(clm1, 1)}, 4, ""},
		{"accepted syntax is no acknowledgment of the claim", events{sentFile(clm1, 1), &exchangev1.SetAcknowledged{ClaimId: clm1, ClaimVersion: 1, Status: "A"}}, 5, "acknowledgment"},
		{"thirty days without a decision", events{sentFile(clm1, 1), status(1, true, "ICN1", "A2:20")}, 30, "remittance"},
		{"both", events{sentFile(clm1, 1)}, 40, "acknowledgment remittance"},
		{"decided in time", events{sentFile(clm1, 1), status(1, true, "ICN1"), posting("rem_1", "1", decidedLine("L1", "90837", 16000, 16000))}, 90, ""},
		{"rejected: nothing more is waited for but the limit", events{sentFile(clm1, 1), status(1, false, "", "A7:562")}, 89, "limit"},
		{"never sent: the limit comes", nil, 75, "limit"},
		{"two weeks before it", nil, 74, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := told(t, nil)
			w.tell(t, c.in...)
			w.pass(t, c.days)
			var got []string
			for _, e := range w.log[clm1] {
				switch e := e.(type) {
				case *pb.ClaimOverdue:
					got = append(got, e.WaitingFor)
				case *pb.TimelyFilingWarningRaised:
					got = append(got, "limit")
					if e.DaysLeft != warningDays || e.TimelyFilingDueDate != "2026-05-31" {
						t.Fatal(e)
					}
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Fatalf("got %q, want %q", s, c.want)
			}
		})
	}
}

// Whatever people do and the payer answers: each version goes out at most once, and never while another one is unanswered.
func TestAVersionIsSentOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := told(t, nil)
		for i := range rapid.IntRange(1, 25).Draw(rt, "steps") {
			s := w.states[clm1]
			var out []es.Event
			switch rapid.IntRange(0, 6).Draw(rt, "kind") {
			case 0:
				out, _ = Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, AuthorizationNumber: fmt.Sprint("A", i), Reason: "r", Today: "2026-03-05"}, edits.Facts{})
			case 1:
				out, _ = Release(s, &pb.ReleaseClaimRequest{ClaimId: clm1, Reason: "r"})
			case 2:
				out, _ = Void(s, &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-03-05"}, edits.Facts{})
			case 3:
				w.tell(t, status(s.Sent, false, "", fmt.Sprint("A7:", i)))
			case 4:
				w.tell(t, status(s.Sent, true, "ICN1", "A2:20"))
			case 5:
				w.tell(t, posting(fmt.Sprint("rem_", i), "4", decidedLine("L1", "90837", 15000, 0, cas("CO", "4", 15000))))
			case 6:
				out, _ = Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Lines: []*pb.LineChange{{LineId: "L1", DiagnosisPointers: []int32{9}}}, Reason: "r", Today: "2026-03-05"}, edits.Facts{})
			}
			w.record(t, clm1, out)
			w.drain(t)
		}
		sent, open := map[int32]bool{}, false
		for _, e := range w.log[clm1] {
			switch e := e.(type) {
			case *pb.SubmissionRequested:
				if sent[e.ClaimVersion] || open {
					rt.Fatalf("version %d: %v", e.ClaimVersion, w.names(clm1))
				}
				sent[e.ClaimVersion], open = true, true
			case *pb.ClaimRejected, *pb.ClaimAdjudicated:
				open = false
			}
		}
	})
}

// Whatever remittances come: the open denials are those of the last word on each line, and a claim with one is never closed.
func TestDenialsFollowTheLastWord(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := gone(t)
		want := map[string]int64{}
		for i := range rapid.IntRange(1, 8).Draw(rt, "remittances") {
			var lines []*exchangev1.RemittanceLine
			for _, id := range []string{"L1", "L2"} {
				if rapid.Bool().Draw(rt, "left out") {
					continue
				}
				denied := rapid.Int64Range(0, 3).Draw(rt, "denied") * 100
				paid := rapid.Int64Range(0, 1).Draw(rt, "paid") * 50
				lines = append(lines, decidedLine(id, "90837", denied+paid+20, paid, cas("CO", rapid.SampledFrom([]string{"4", "197"}).Draw(rt, "carc"), denied), cas("CO", "45", 20)))
				want[id] = denied
			}
			w.tell(t, posting(fmt.Sprint("rem_", i), "1", lines...))
			got := map[string]int64{}
			for _, d := range w.states[clm1].Denials {
				got[d.LineId] += d.DeniedAmount
			}
			for id := range want {
				if got[id] != want[id] {
					rt.Fatalf("%s: %d denied, want %d: %v", id, got[id], want[id], w.names(clm1))
				}
			}
			if s := w.states[clm1]; (len(s.Denials) > 0) == s.Closed {
				rt.Fatalf("open denials and closed, or neither: %v", w.names(clm1))
			}
		}
	})
}

// A decision leaves the state it was given as it was: the runtime uses it again after a dry run.
func TestDecisionsLeaveTheStateAlone(t *testing.T) {
	s := states(t)["denied"]
	p := posting("rem_9", "1", decidedLine("L1", "90837", 15000, 15000))
	for range 2 {
		got := decide(t, s, func(s State) ([]es.Event, error) { return Adjudicate(s, Decision{Posted: p}) })
		if want := "ClaimAdjudicated DenialOverturned ClaimClosed"; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	if len(s.Denials) != 1 || s.Denials[0] == nil || s.Remits[remit("rem_9", 1)] {
		t.Fatalf("%+v", s)
	}
}

// A later payer can't be billed before the one in front of it has decided: its limit counts from then, on the claim, for the edit and for the clock.
func TestTheSecondPayersLimitCountsFromTheFirstsDecision(t *testing.T) {
	w := newWorld()
	w.tell(t, office()...)
	w.tell(t, &registryv1.PayerPolicySet{PayerId: "pay_2", FromDate: "2026-01-01", TimelyFilingDays: 10}, coded(nil))
	if due := last[*pb.ClaimCreated](w, clm1).TimelyFilingDueDate; due != "2026-05-31" {
		t.Fatalf("the first payer's limit is %s, 90 days from the service", due)
	}
	w.today = time.Date(2026, 3, 25, 12, 0, 0, 0, time.UTC)
	w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 9000, cas("CO", "45", 4000), cas("PR", "2", 2000)), decidedLine("L2", "90785", 1000, 1000)))
	if due := last[*pb.ClaimCreated](w, clm2).TimelyFilingDueDate; due != "2026-03-30" {
		t.Fatalf("the second payer's limit is %s, 10 days from the decision of 2026-03-20", due)
	}
	if names := w.names(clm2); !slices.Contains(names, "SubmissionRequested") {
		t.Fatalf("in time, and not sent: %v", names)
	}
}

// numbered is a decision, or its reversal, under a claim number of the payer.
func numbered(remittance, status, number string, lines ...*exchangev1.RemittanceLine) *postingv1.ClaimPaymentPosted {
	p := posting(remittance, status, lines...)
	p.RemittanceClaim.PayerClaimControlNumber = number
	return p
}

// A replacement or void names the payer's decision in force: an earlier one has been replaced, and the payer would pay beside the newer.
func TestTheDecisionInForceIsReplaced(t *testing.T) {
	paid := func(remittance, number string) es.Event {
		return numbered(remittance, "1", number, decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000))
	}
	denied := func(remittance, number string) es.Event {
		return numbered(remittance, "4", number, decidedLine("L1", "90837", 15000, 0, cas("CO", "4", 15000)), decidedLine("L2", "90785", 1000, 1000))
	}
	back := func(remittance, number string) es.Event {
		return numbered(remittance, "22", number, decidedLine("L1", "90837", -15000, -15000), decidedLine("L2", "90785", -1000, -1000))
	}
	for _, c := range []struct {
		name string
		in   events // after the first version went out and before it is corrected
		then events // after the correction
		want string // number on the second correction, and on a void
	}{
		{"paid, replaced, taken back and paid under another number", events{paid("r1", "081")}, events{back("r2", "081"), paid("r3", "105")}, "105"},
		{"paid under the new number before the old one is taken back", events{paid("r1", "081")}, events{paid("r2", "105"), back("r3", "081")}, "105"},
		{"denied twice", events{denied("r1", "081")}, events{denied("r2", "105")}, "105"},
		{"the newer decision is taken back: the older one is in force", events{paid("r1", "081")}, events{paid("r2", "105"), back("r3", "105")}, "081"},
		{"taken back and not decided anew", events{paid("r1", "081")}, events{back("r2", "081"), status(2, false, "", "A7:562")}, "081"},
		{"what the payer takes in and rejects is no decision", events{paid("r1", "081")}, events{status(2, true, "ACK2", "A2:20"), status(2, false, "", "A7:562")}, "081"},
		{"a decision without a number is that of what was taken in", events{paid("r1", "081")}, events{status(2, true, "105", "A2:20"), paid("r2", "")}, "105"},
		{"a late word on what was taken in is older than the decision", events{paid("r1", "081")}, events{paid("r2", "105"), status(2, true, "ACK2", "A1:20")}, "105"},
		{"a preview is none", events{paid("r1", "081")}, events{numbered("r2", "25", "999"), paid("r3", "105")}, "105"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := gone(t)
			w.tell(t, c.in...)
			correct := func(modifier string) (events, error) {
				return Correct(w.states[clm1], &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{modifier}}}}, edits.Facts{})
			}
			first, err := correct("HO")
			if err != nil {
				t.Fatal(err)
			}
			w.record(t, clm1, first)
			w.drain(t)
			if n := last[*pb.SubmissionRequested](w, clm1).Content.PayerClaimControlNumber; n != "081" {
				t.Fatalf("the first correction replaces %s", n)
			}
			w.tell(t, c.then...)
			second, err := correct("HN")
			if err != nil {
				t.Fatal(err)
			}
			void, err := Void(w.states[clm1], &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
			if err != nil {
				t.Fatal(err)
			}
			for code, out := range map[pb.FrequencyCode]events{7: second, 8: void} {
				if s := out[len(out)-1].(*pb.SubmissionRequested).Content; s.PayerClaimControlNumber != c.want || s.FrequencyCode != code {
					t.Errorf("frequency %d of %s, want %d of %s", s.FrequencyCode, s.PayerClaimControlNumber, code, c.want)
				}
			}
		})
	}
}

// A claim that is held when the payer decides anew, and one to a later payer that is released again, name what is in force when they go.
func TestAReleaseReplacesTheDecisionInForce(t *testing.T) {
	w := gone(t)
	w.tell(t, numbered("r1", "4", "081", decidedLine("L1", "90837", 15000, 0, cas("CO", "4", 15000)), decidedLine("L2", "90785", 1000, 1000)))
	held, err := Correct(w.states[clm1], &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", DiagnosisPointers: []int32{7}}}}, edits.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	w.record(t, clm1, held)
	w.drain(t)
	w.tell(t, numbered("r2", "4", "105", decidedLine("L1", "90837", 15000, 0, cas("CO", "4", 15000)), decidedLine("L2", "90785", 1000, 1000)))
	got := decide(t, w.states[clm1], func(s State) ([]es.Event, error) {
		return Release(s, &pb.ReleaseClaimRequest{ClaimId: clm1, Reason: "r"})
	})
	if got != "CorrectedClaimPrepared ClaimReleased SubmissionRequested (7 v3 105)" {
		t.Error(got)
	}
}

// Who takes back what was taken back learns what became of the charge.
func TestASecondVoidSaysWhatIsTrue(t *testing.T) {
	void := func(s State, f edits.Facts) (events, string) {
		out, err := Void(s, &pb.VoidClaimRequest{ClaimId: s.Created.ClaimId, Reason: "r", Today: "2026-04-01"}, f)
		var said []string
		for _, r := range refuse.Reasons(err) {
			said = append(said, r.Message)
		}
		return out, strings.Join(said, "; ")
	}
	on := func(s State, more ...es.Event) State {
		out, why := void(s, edits.Facts{})
		if why != "" {
			t.Fatal(why)
		}
		return s.with(append(out, more...)...)
	}
	paid := states(t)["paid"]
	later := states(t)["held"]
	later.Content = proto.Clone(later.Content).(*pb.ClaimContent)
	later.Content.PriorPayers = []*pb.PriorPayer{{PayerId: "pay_0"}}
	for _, c := range []struct {
		name, want string
		s          State
	}{
		{"on its way", "void that is on its way", on(paid)},
		{"held", "void that is held", on(paid, &pb.ClaimHeld{})},
		{"withdrawn before the payer had it", "bill the visit anew", on(states(t)["held"])},
		{"of a later payer", "the charge stands", on(later)},
	} {
		if _, why := void(c.s, edits.Facts{}); !strings.Contains(why, c.want) {
			t.Errorf("%s: %s", c.name, why)
		}
	}
}

// What the payer never answered is not stuck: asked, it has the claim under a number, or has none of it.
func TestReportStatus(t *testing.T) {
	onFile := func(number string) *pb.ReportClaimStatusRequest {
		return &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_ON_FILE, PayerClaimControlNumber: number, Reason: "by phone"}
	}
	notOnFile := &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE, Reason: "by phone"}
	submitted := func() *world {
		w := told(t, nil)
		w.tell(t, sentFile(clm1, 1))
		return w
	}
	late, clearinghouse := gone(t), submitted()
	late.pass(t, remittanceDays+1)
	clearinghouse.tell(t, &exchangev1.ClaimStatusReceived{ClaimId: clm1, ClaimVersion: 1, Level: pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_CLEARINGHOUSE, Accepted: true, StatusCodes: []string{"A1:19"}})
	for _, c := range []struct {
		name   string
		world  *world
		report *pb.ReportClaimStatusRequest
		want   string
	}{
		{"the payer has none: held for a person", submitted(), notOnFile, "ClaimStatusReported ClaimHeld"},
		{"not what it took in under a number, and has its days to decide", gone(t), notOnFile, "claims.payer_has_it"},
		{"but when that is overdue", late, notOnFile, "ClaimStatusReported ClaimHeld"},
		{"what a clearinghouse took in has no number of the payer", clearinghouse, notOnFile, "ClaimStatusReported ClaimHeld"},
		{"the payer has it under a number", submitted(), onFile("ICN7"), "ClaimStatusReported"},
		{"on file has a number", submitted(), onFile(""), "claims.finding_fits"},
		{"what is not on file has none", submitted(), &pb.ReportClaimStatusRequest{Finding: notOnFile.Finding, PayerClaimControlNumber: "ICN7"}, "claims.finding_fits"},
		{"what waits for the next file is nowhere yet", told(t, nil), notOnFile, "claims.awaited"},
		{"a held claim is not at the payer", told(t, group), notOnFile, "claims.awaited"},
		{"no claim, no status", newWorld(), notOnFile, "claims.exists"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := decide(t, c.world.states[clm1], func(s State) ([]es.Event, error) { return ReportStatus(s, c.report) }); got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
		})
	}
	w := submitted()
	report(t, w, onFile("ICN7"))
	if out, err := ReportStatus(w.states[clm1], onFile("ICN7")); out != nil || err != nil {
		t.Errorf("reported twice: %v, %v", out, err)
	}
	if out, err := ReportStatus(w.states[clm1], notOnFile); len(out) != 2 || err != nil {
		t.Errorf("the payer thought again: %v, %v", out, err)
	}
}

func report(t *testing.T, w *world, c *pb.ReportClaimStatusRequest) {
	t.Helper()
	out, err := ReportStatus(w.states[clm1], c)
	if err != nil {
		t.Fatal(err)
	}
	w.record(t, clm1, out)
	w.drain(t)
}

// The way opens when the decision of what was taken in is overdue, or when a person reports what the payer says; until then it is waited for.
func TestWhatThePayerNeverAnswersGoesOn(t *testing.T) {
	acts := func(s State) string {
		var out []string
		for _, f := range []func(State) ([]es.Event, error){
			func(s State) ([]es.Event, error) {
				return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{"HO"}}}}, edits.Facts{})
			},
			func(s State) ([]es.Event, error) {
				return Void(s, &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
			},
			func(s State) ([]es.Event, error) {
				return Release(s, &pb.ReleaseClaimRequest{ClaimId: clm1, Reason: "r"})
			},
		} {
			out = append(out, decide(t, s, f))
		}
		return strings.Join(out, " | ")
	}
	onFile := &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_ON_FILE, PayerClaimControlNumber: "ICN7", Reason: "by phone"}
	notOnFile := &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE, Reason: "by phone"}
	const waits = "claims.not_in_flight | claims.not_in_flight | claims.held"
	const replaced = "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (7 v2 %[1]s) | CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (8 v2 %[1]s) | claims.held"
	const anew = "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (1 v2 ) | ClaimClosed | CorrectedClaimPrepared ClaimReleased SubmissionRequested (1 v2 )"
	sent := func(t *testing.T) *world {
		w := told(t, nil)
		w.tell(t, sentFile(clm1, 1))
		return w
	}
	for _, c := range []struct {
		name  string
		world func(*testing.T) *world
		days  int
		then  *pb.ReportClaimStatusRequest
		want  string
	}{
		{"taken in, and not overdue", gone, 20, nil, waits},
		{"taken in under a number, and overdue", gone, 31, nil, fmt.Sprintf(replaced, "ICN1")},
		{"sent, and nothing came back at all", sent, 31, nil, waits},
		{"and the payer has none", sent, 31, notOnFile, anew},
		{"or has it", sent, 31, onFile, fmt.Sprintf(replaced, "ICN7")},
		{"nobody has to wait for the clock to ask", sent, 0, notOnFile, anew},
		{"taken in, and yet the payer has none", gone, 31, notOnFile, anew},
		{"taken in under another number", gone, 0, onFile, fmt.Sprintf(replaced, "ICN7")},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.world(t)
			w.pass(t, c.days)
			if c.then != nil {
				report(t, w, c.then)
			}
			if got := acts(w.states[clm1]); got != c.want {
				t.Fatalf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
	t.Run("a replacement that got lost replaces the decision again", func(t *testing.T) {
		w := gone(t)
		w.tell(t, numbered("r1", "4", "081", decidedLine("L1", "90837", 15000, 0, cas("CO", "4", 15000))))
		out, err := Correct(w.states[clm1], &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{"HN"}}}}, edits.Facts{})
		if err != nil {
			t.Fatal(err)
		}
		w.record(t, clm1, out)
		w.tell(t, sentFile(clm1, 2))
		report(t, w, notOnFile)
		if got := acts(w.states[clm1]); !strings.HasSuffix(got, "SubmissionRequested (7 v3 081)") {
			t.Fatal(got)
		}
	})
	t.Run("a late answer counts", func(t *testing.T) {
		paid := posting("r1", "1", decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000))
		for name, answer := range map[string]es.Event{"taken in": status(1, true, "ICN1", "A2:20"), "decided": paid} {
			w := sent(t)
			report(t, w, notOnFile)
			w.tell(t, answer)
			if s := w.states[clm1]; s.Held != nil || s.Lost || s.InFlight != (name == "taken in") || s.Closed != (name == "decided") {
				t.Errorf("%s: %v", name, w.names(clm1))
			}
		}
		w := sent(t)
		report(t, w, notOnFile)
		again, err := Release(w.states[clm1], &pb.ReleaseClaimRequest{ClaimId: clm1, Reason: "r"})
		if err != nil {
			t.Fatal(err)
		}
		w.record(t, clm1, again)
		w.tell(t, paid) // of version 1
		if s := w.states[clm1]; !s.Closed || s.Paid != 16000 {
			t.Errorf("%v", w.names(clm1))
		}
	})
	t.Run("what is on file is waited for anew", func(t *testing.T) {
		w := gone(t)
		w.pass(t, 31)
		report(t, w, onFile)
		w.pass(t, 31)
		if got := strings.Count(strings.Join(w.names(clm1), " "), "ClaimOverdue"); got != 2 {
			t.Fatal(w.names(clm1))
		}
	})
}

// A later payer repeats the whole charge; what it can refuse is what the payers before it left.
func TestALaterPayerDeniesAtMostWhatWasLeft(t *testing.T) {
	prior := func(paid int64, adjustments ...*typev1.Adjustment) *pb.PriorPayer {
		return &pb.PriorPayer{PayerId: "pay_0", PaidAmount: paid, Lines: []*pb.PriorPayerLine{{LineId: "L1", PaidAmount: paid, Adjustments: adjustments}}}
	}
	whole := func(paid int64, adjustments ...*typev1.Adjustment) *pb.PriorPayer {
		return &pb.PriorPayer{PayerId: "pay_0", PaidAmount: paid, Adjustments: adjustments}
	}
	type priors = []*pb.PriorPayer
	for _, c := range []struct {
		name   string
		before priors
		paid   int64
		says   []*typev1.Adjustment
		want   string
	}{
		{"the first payer is asked for all of it", nil, 0, []*typev1.Adjustment{cas("CO", "16", 15500)}, "16:15500"},
		{"20 were left of 155", priors{prior(13500, cas("PR", "3", 2000))}, 0, []*typev1.Adjustment{cas("CO", "16", 15500)}, "16:2000"},
		{"after a contract's reduction", priors{prior(9000, cas("CO", "45", 4500), cas("PR", "2", 2000))}, 0, []*typev1.Adjustment{cas("OA", "23", 13500), cas("CO", "16", 2000)}, "16:2000"},
		{"what the first payer refused is asked of that", priors{prior(9000, cas("CO", "97", 4500), cas("PR", "2", 2000))}, 0, []*typev1.Adjustment{cas("CO", "16", 15500)}, "16:2000"},
		{"what it paid and gave to the patient is not refused", priors{prior(13500, cas("PR", "3", 2000))}, 500, []*typev1.Adjustment{cas("PR", "3", 600), cas("CO", "16", 14400)}, "16:900"},
		{"two reasons share what was left", priors{prior(13500, cas("PR", "3", 2000))}, 0, []*typev1.Adjustment{cas("CO", "16", 1500), cas("CO", "97", 14000)}, "16:1500 97:500"},
		{"nothing was left: nothing is denied", priors{prior(15500)}, 0, []*typev1.Adjustment{cas("CO", "18", 15500)}, ""},
		{"a third payer, after two that repeat the reduction", priors{prior(9000, cas("CO", "45", 4500), cas("PR", "2", 2000)), prior(1500, cas("CO", "45", 4500), cas("OA", "23", 9000), cas("PR", "2", 500))}, 0, []*typev1.Adjustment{cas("CO", "16", 15500)}, "16:500"},
		{"told of the claim as a whole", priors{whole(9000, cas("CO", "45", 4500), cas("PR", "2", 2000))}, 0, []*typev1.Adjustment{cas("CO", "16", 15500)}, "16:2000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := leftTo(&pb.ClaimContent{Lines: []*typev1.ServiceLine{{LineId: "L1", ChargeAmount: 15500}}, PriorPayers: c.before})
			l.decides("L1", c.paid, c.says)
			var got []string
			for _, r := range l.refuses("L1", refusals(c.says)) {
				got = append(got, fmt.Sprint(r.carc, ":", r.amount))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
	// Through the claim: the second payer refuses all of both lines, of which 20 were left on the first.
	w := gone(t)
	w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 13000, cas("PR", "3", 2000)), decidedLine("L2", "90785", 1000, 1000)))
	p := posting("rem_2", "4", decidedLine("L1", "90837", 15000, 0, cas("CO", "16", 15000)), decidedLine("L2", "90785", 1000, 0, cas("CO", "16", 1000)))
	p.ClaimId, p.RemittanceClaim.ClaimId, p.PayerId, p.PayerSequence = clm2, clm2, "pay_2", second
	w.tell(t, p)
	if d := w.states[clm2].Denials; len(d) != 1 || d[0].LineId != "L1" || d[0].DeniedAmount != 2000 {
		t.Error(d)
	}
	// A first payer's supplement that tells of others denies nothing.
	w.tell(t, posting("rem_3", "1", decidedLine("L1", "90837", 15000, 0, cas("OA", "23", 15000))))
	if d := w.states[clm1].Denials; len(d) != 0 {
		t.Error(d)
	}
}

// The denials of a claim that was taken back end with it, and none comes after.
func TestTheDenialsOfAWithdrawnClaimEnd(t *testing.T) {
	w := gone(t)
	line := decidedLine("L1", "90837", 15000, 0, cas("CO", "16", 15000))
	w.tell(t, posting("rem_1", "4", line))
	out, err := Void(w.states[clm1], &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	w.record(t, clm1, out)
	w.drain(t)
	if len(w.states[clm1].Denials) != 1 {
		t.Fatal("the payer has not answered the void yet")
	}
	w.tell(t, posting("rem_2", "22", decidedLine("L1", "90837", -15000, 0, cas("CO", "16", -15000))))
	if c := last[*pb.ClaimClosed](w, clm1); len(c.DeniedLineIds) != 1 || len(w.states[clm1].Denials) != 0 {
		t.Fatal(c)
	}
	w.tell(t, posting("rem_3", "4", line))
	if s := w.states[clm1]; len(s.Denials) != 0 || !s.Closed {
		t.Fatal(w.names(clm1))
	}
}

// A void ends with the takeback of what it names, not with that of what was replaced before.
func TestAVoidEndsWithTheTakebackOfWhatItNames(t *testing.T) {
	w := gone(t)
	pays := func(remittance, status, number string, sign int64) es.Event {
		return numbered(remittance, status, number, decidedLine("L1", "90837", sign*15000, sign*15000), decidedLine("L2", "90785", sign*1000, sign*1000))
	}
	w.tell(t, pays("r1", "1", "081", 1), pays("r2", "1", "105", 1))
	out, err := Void(w.states[clm1], &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
	if err != nil {
		t.Fatal(err)
	}
	w.record(t, clm1, out)
	w.drain(t)
	for _, step := range []struct {
		number string
		closed bool
	}{{"081", false}, {"105", true}} {
		w.tell(t, pays("back "+step.number, "22", step.number, -1))
		if s := w.states[clm1]; s.Closed != step.closed {
			t.Errorf("after the takeback of %s: %v", step.number, w.names(clm1))
		}
	}
}

// A payer that refuses a void takes nothing back: the claim is as it was decided before, and can be voided, corrected and asked about again, under the number of that decision.
func TestARefusedVoid(t *testing.T) {
	share := []*exchangev1.RemittanceLine{decidedLine("L1", "90837", 15000, 8000, cas("CO", "45", 5000), cas("PR", "3", 2000)), decidedLine("L2", "90785", 1000, 1000)}
	back := []*exchangev1.RemittanceLine{decidedLine("L1", "90837", -15000, -8000, cas("CO", "45", -5000), cas("PR", "3", -2000)), decidedLine("L2", "90785", -1000, -1000)}
	part := []*exchangev1.RemittanceLine{decidedLine("L1", "90837", 15000, 8000, cas("CO", "45", 5000), cas("CO", "50", 2000)), decidedLine("L2", "90785", 1000, 1000)}
	no := numbered("rem_2", "4", "PX2", decidedLine("L1", "90837", 15000, 0, cas("CO", "29", 15000)), decidedLine("L2", "90785", 1000, 0, cas("CO", "29", 1000)))
	void := func(s State) ([]es.Event, error) {
		return Void(s, &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01"}, edits.Facts{})
	}
	voided := func(t *testing.T, lines ...*exchangev1.RemittanceLine) *world {
		w := gone(t)
		w.tell(t, numbered("rem_1", "1", "PX", lines...))
		out, err := void(w.states[clm1])
		if err != nil {
			t.Fatal(err)
		}
		w.record(t, clm1, out)
		w.drain(t)
		w.tell(t, sentFile(clm1, 2))
		return w
	}
	after := func(w *world, n int) string {
		all := w.names(clm1)
		return strings.Join(all[len(all)-n:], " ")
	}

	w := voided(t, share...)
	w.tell(t, no)
	s := w.states[clm1]
	if got := after(w, 3); got != "ClaimAdjudicated ClaimVoidRefused ClaimClosed" || s.Withdrawn || !s.Closed || !s.Decided || len(s.Denials) > 0 || s.Paid != 9000 {
		t.Fatalf("%s, %+v", got, s)
	}
	if e := last[*pb.ClaimVoidRefused](w, clm1); !slices.Equal(e.AdjustmentCodes, []string{"CO-29"}) || e.PaidAmount != 9000 || e.PayerClaimControlNumber != "PX" || e.ClaimVersion != 2 {
		t.Fatal(e)
	}
	for name, c := range map[string]struct {
		f    func(State) ([]es.Event, error)
		want string
	}{
		"voided again": {void, "ClaimReopened CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (8 v3 PX)"},
		"corrected": {func(s State) ([]es.Event, error) {
			return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-01", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{"59"}}}}, edits.Facts{})
		}, "ClaimReopened CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (7 v3 PX)"},
		"on file under another number": {func(s State) ([]es.Event, error) {
			return ReportStatus(s, &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_ON_FILE, PayerClaimControlNumber: "PX9", Reason: "by phone"})
		}, "ClaimStatusReported"},
		"what it has decided is on file": {func(s State) ([]es.Event, error) {
			return ReportStatus(s, &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE, Reason: "by phone"})
		}, "claims.payer_has_it"},
	} {
		if got := decide(t, s, c.f); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
	// It takes its decision back after all: the void is done, in this order too.
	w.tell(t, numbered("rem_3", "22", "PX", back...))
	if c := last[*pb.ClaimClosed](w, clm1); !c.Withdrawn || !w.states[clm1].Withdrawn || decide(t, w.states[clm1], void) != "claims.not_withdrawn" {
		t.Fatal(w.names(clm1))
	}

	w = voided(t, part...)
	w.tell(t, no)
	if s := w.states[clm1]; after(w, 2) != "ClaimAdjudicated ClaimVoidRefused" || len(s.Denials) != 1 || s.Denials[0].Carc != "50" {
		t.Errorf("what it had denied stays denied: %v", w.names(clm1))
	}
	w = voided(t, share...)
	w.tell(t, numbered("rem_2", "1", "PX2", decidedLine("L1", "90837", 15000, 0, cas("PR", "3", 1000)), decidedLine("L2", "90785", 1000, 0)))
	if s := w.states[clm1]; s.Withdrawn || s.PayerNumber != "PX2" || last[*pb.ClaimVoidRefused](w, clm1) == nil {
		t.Errorf("it decides instead: %v", w.names(clm1))
	}

	// A void that was refused before that was told by itself: as it was recorded then.
	w = voided(t, share...)
	old := w.states[clm1].with(&pb.ClaimAdjudicated{ClaimId: clm1, RemittanceId: "rem_2", StatusCode: "4", PayerClaimControlNumber: "PX2", ClaimOrdinal: 1}, &pb.ClaimClosed{ClaimId: clm1, Reason: "decided; nothing is left"})
	if got := decide(t, old, void); got != "ClaimReopened CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (8 v3 PX2)" {
		t.Error(got)
	}
}
