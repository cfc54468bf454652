package claim

import (
	"strings"
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

func corrects(s State) ([]es.Event, error) {
	return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-20", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{"HO"}}}}, edits.Facts{})
}

func voids(s State) ([]es.Event, error) {
	return Void(s, &pb.VoidClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-20"}, edits.Facts{})
}

func releases(s State) ([]es.Event, error) {
	return Release(s, &pb.ReleaseClaimRequest{ClaimId: clm1, Reason: "r"})
}

// acts does what a person asks for, and what follows of it.
func (w *world) acts(t *testing.T, f func(State) ([]es.Event, error)) {
	t.Helper()
	out, err := f(w.states[clm1])
	if err != nil {
		t.Fatal(err)
	}
	w.record(t, clm1, out)
	w.drain(t)
}

// A replacement or void that the payer rejects, because it does not know the number that it has given itself, is not the end: asked, it has none, or another number; and without asking a
// person corrects or voids anew.
func TestARejectedReplacementOrVoidGoesOn(t *testing.T) {
	silentOne := func(t *testing.T) *world {
		w := gone(t)
		w.pass(t, remittanceDays+1)
		return w
	}
	decided := func(t *testing.T) *world {
		w := gone(t)
		w.tell(t, numbered("r1", "1", "ICN1", decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000)))
		return w
	}
	onFile := &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_ON_FILE, PayerClaimControlNumber: "ICN7", Reason: "by phone"}
	notOnFile := &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE, Reason: "by phone"}
	const corrected, anew = "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested ", "CorrectedClaimPrepared ClaimReleased SubmissionRequested "
	for _, c := range []struct {
		name   string
		world  func(*testing.T) *world
		change func(State) ([]es.Event, error)
		report *pb.ReportClaimStatusRequest
		want   string // of a correction, a void and a release
	}{
		{"a replacement, nobody asked", silentOne, corrects, nil, corrected + "(7 v3 ICN1) | " + corrected + "(8 v3 ICN1) | " + anew + "(7 v3 ICN1)"},
		{"a void, nobody asked", silentOne, voids, nil, corrected + "(7 v3 ICN1) | " + corrected + "(8 v3 ICN1) | " + anew + "(8 v3 ICN1)"},
		{"a replacement, and the payer has none", silentOne, corrects, notOnFile, corrected + "(1 v3 ) | ClaimClosed | " + anew + "(1 v3 )"},
		{"a void, and the payer has none", silentOne, voids, notOnFile, corrected + "(1 v3 ) | ClaimClosed | " + anew + "(1 v3 )"},
		{"a replacement, and the payer has it under another number", silentOne, corrects, onFile, corrected + "(7 v3 ICN7) | " + corrected + "(8 v3 ICN7) | " + anew + "(7 v3 ICN7)"},
		{"a void, and the payer has it under another number", silentOne, voids, onFile, corrected + "(7 v3 ICN7) | " + corrected + "(8 v3 ICN7) | " + anew + "(8 v3 ICN7)"},
		{"of what the payer decided, under another number", decided, corrects, onFile, corrected + "(7 v3 ICN7) | " + corrected + "(8 v3 ICN7) | " + anew + "(7 v3 ICN7)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.world(t)
			w.acts(t, c.change)
			w.tell(t, sentFile(clm1, 2), status(2, false, "", "A7:464"))
			if c.report != nil {
				report(t, w, c.report)
			}
			if w.states[clm1].Held == nil {
				t.Fatalf("nothing says that it is a person's turn: %v", w.names(clm1))
			}
			var got []string
			for _, f := range []func(State) ([]es.Event, error){func(s State) ([]es.Event, error) {
				return Correct(s, &pb.CorrectClaimRequest{ClaimId: clm1, Reason: "r", Today: "2026-04-20", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{"HN"}}}}, edits.Facts{})
			}, voids, releases} {
				got = append(got, decide(t, w.states[clm1], f))
			}
			if all := strings.Join(got, " | "); all != c.want {
				t.Errorf("\n got %s\nwant %s", all, c.want)
			}
		})
	}
	w := decided(t)
	w.acts(t, corrects)
	w.tell(t, sentFile(clm1, 2), status(2, false, "", "A7:464"))
	if got := decide(t, w.states[clm1], func(s State) ([]es.Event, error) { return ReportStatus(s, notOnFile) }); got != "claims.payer_has_it" {
		t.Errorf("what it has decided it has: %s", got)
	}
	original := told(t, nil)
	original.tell(t, sentFile(clm1, 1), status(1, false, "", "A7:562"))
	if got := decide(t, original.states[clm1], func(s State) ([]es.Event, error) { return ReportStatus(s, notOnFile) }); got != "claims.awaited" {
		t.Errorf("a rejected original names nothing: %s", got)
	}
	for name, answer := range map[string]es.Event{"rejects": status(2, false, "", "A7:464"), "takes in": status(2, true, "ICN2", "A2:20")} {
		closed := silentOne(t)
		closed.acts(t, voids)
		closed.tell(t, sentFile(clm1, 2), answer)
		closed.pass(t, remittanceDays+1) // of what it never decided it takes nothing back
		report(t, closed, notOnFile)
		closed.acts(t, voids)
		if s := closed.states[clm1]; !s.Closed || !s.Withdrawn {
			t.Errorf("a payer that %s the void has nothing that another could take back: %v", name, closed.names(clm1))
		}
	}
}

// A number that a person reported, and that the payer does not know, does not undo that the payer took the claim in under another: a second original would be paid beside it.
func TestAWrongNumberDoesNotUndoThatThePayerHasTheClaim(t *testing.T) {
	onFile := func(number string) *pb.ReportClaimStatusRequest {
		return &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_ON_FILE, PayerClaimControlNumber: number, Reason: "by phone"}
	}
	notOnFile := func(s State) ([]es.Event, error) {
		return ReportStatus(s, &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE, Reason: "by phone"})
	}
	w := gone(t) // taken in as ICN1
	report(t, w, onFile("WRONG9"))
	if got := decide(t, w.states[clm1], notOnFile); got != "claims.payer_has_it" {
		t.Fatalf("the payer has said that it has it: %s", got)
	}
	w.acts(t, corrects)
	w.tell(t, sentFile(clm1, 2), status(2, false, "", "A7:464"))
	_, err := notOnFile(w.states[clm1])
	if r := refuse.Reasons(err); len(r) != 1 || r[0].RuleId != PayerHasIt.ID || !strings.Contains(r[0].Message, "ICN1") {
		t.Fatalf("it rejected another number: %v", r)
	}
	report(t, w, onFile("ICN1"))
	if got := decide(t, w.states[clm1], releases); got != "CorrectedClaimPrepared ClaimReleased SubmissionRequested (7 v3 ICN1)" {
		t.Fatal(got)
	}
	w.acts(t, releases)
	w.tell(t, sentFile(clm1, 3), status(3, false, "", "A7:464"))
	if got := decide(t, w.states[clm1], notOnFile); got != "ClaimStatusReported ClaimHeld" {
		t.Fatalf("now it does not know its own: %s", got)
	}
}

// What holds a claim besides the edits holds it through a scrub, until a person or the payer ends it.
func TestAScrubKeepsWhatNoEditJudges(t *testing.T) {
	held := states(t)["held"] // for its authorization
	fresh := held.Content
	for _, c := range []struct {
		rule  string
		stays bool
	}{
		{StillBilled.ID, true}, {EarlierPayersUnchanged.ID, true}, {OnFile.ID, true}, {TakenIn.ID, false},
		{"claims.authorization_number", false},
	} {
		s := held.with()
		s.Held = &pb.ClaimHeld{Reasons: append(held.Held.Reasons[:1:1], &problemv1.Reason{RuleId: c.rule, Message: "why"})}
		want := "ClaimScrubbed ClaimReleased SubmissionRequested (1 v1 )"
		if c.stays {
			want = "ClaimScrubbed ClaimHeld"
		}
		clean := func(s State) ([]es.Event, error) { return Rescrub(s, Again{ClaimID: clm1, Fresh: fresh}) }
		if got := decide(t, s, clean); got != want {
			t.Errorf("%s, the policy wants no authorization any more: got %s, want %s", c.rule, got, want)
		}
		again := decide(t, s, func(s State) ([]es.Event, error) {
			return Rescrub(s, Again{ClaimID: clm1, Fresh: fresh, Scrub: edits.Facts{Policy: newPolicy(), Today: "2026-04-01"}})
		})
		if !strings.HasSuffix(again, "ClaimHeld") {
			t.Errorf("%s, another edit fails: %s", c.rule, again)
		}
		out, _ := clean(s)
		s = s.with(out...)
		if c.stays && (len(s.Held.GetReasons()) != 1 || s.Held.Reasons[0].RuleId != c.rule) {
			t.Errorf("%s: held for %v", c.rule, s.Held.GetReasons())
		}
	}
	// The payer speaks of what it had not: that ends, what else holds the claim stays.
	w := told(t, nil)
	w.tell(t, sentFile(clm1, 1))
	report(t, w, &pb.ReportClaimStatusRequest{ClaimId: clm1, Finding: pb.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE, Reason: "by phone"})
	s := w.states[clm1]
	s.Held.Reasons = append(s.Held.Reasons, &problemv1.Reason{RuleId: StillBilled.ID, Message: "why"})
	w.tell(t, status(1, true, "ICN1", "A2:20"))
	if r := w.states[clm1].Held.GetReasons(); len(r) != 1 || r[0].RuleId != StillBilled.ID {
		t.Errorf("held for %v", r)
	}
}

// What answers an earlier version, takes back, or decides nothing, leaves the wait for the version that the payer has: it is asked after when it is due.
func TestALateAnswerToAnEarlierVersionLeavesTheWait(t *testing.T) {
	paid := func(remittance, status, number string) es.Event {
		return numbered(remittance, status, number, decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000))
	}
	back := func(remittance, number string) es.Event {
		return numbered(remittance, "22", number, decidedLine("L1", "90837", -15000, -15000), decidedLine("L2", "90785", -1000, -1000))
	}
	twoOut := func(t *testing.T) *world { // the first version is overdue, a replacement is at the payer
		w := gone(t)
		w.pass(t, remittanceDays+1)
		w.acts(t, corrects)
		w.tell(t, sentFile(clm1, 2))
		return w
	}
	for _, c := range []struct {
		name  string
		in    events
		waits bool
	}{
		{"the first version is decided late", events{paid("r1", "1", "ICN1")}, true},
		{"also when the second one was taken in", events{status(2, true, "ICN2", "A2:20"), paid("r1", "1", "ICN1")}, true},
		{"and taken back again", events{paid("r1", "1", "ICN1"), back("r2", "ICN1")}, true},
		{"a preview", events{paid("r1", "25", "ICN2")}, true},
		{"the second version is decided", events{status(2, true, "ICN2", "A2:20"), paid("r1", "1", "ICN2")}, false},
		{"under the number of the first, which it kept", events{status(2, true, "ICN1", "A2:20"), paid("r1", "1", "ICN1")}, false},
		{"both", events{paid("r1", "1", "ICN1"), paid("r2", "1", "ICN2")}, false},
		{"both under one number, one after the other", events{paid("r1", "1", "ICN1"), back("r2", "ICN1"), paid("r3", "1", "ICN1")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := twoOut(t)
			w.tell(t, c.in...)
			if s := w.states[clm1]; s.InFlight != c.waits || s.Closed == c.waits {
				t.Errorf("awaited %v, closed %v: %v", s.InFlight, s.Closed, w.names(clm1))
			}
			before := strings.Count(strings.Join(w.names(clm1), " "), "ClaimOverdue")
			w.pass(t, remittanceDays+1)
			if after := strings.Count(strings.Join(w.names(clm1), " "), "ClaimOverdue"); after > before != c.waits {
				t.Errorf("asked after: %d times", after-before)
			}
		})
	}
}
