package claim

import (
	"strings"
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
)

// A claim that waits for its file is voided at once where it has not gone, which the exchange says; else the payer has it, and it is voided there.
func TestAClaimThatWaitsIsVoided(t *testing.T) {
	t.Run("it has not gone", func(t *testing.T) {
		w := told(t, nil)
		w.acts(t, voids)
		s := w.states[clm1]
		if s.Closed || decide(t, s, voids) != "claims.not_in_flight" || decide(t, s, corrects) != "claims.not_in_flight" {
			t.Fatal("nobody knows yet whether it has gone")
		}
		w.tell(t, taken(clm1, 1), taken(clm1, 1))
		expect(t, w, clm1, made+" SubmissionRecalled SubmissionWithdrawn ClaimClosed")
		if c := last[*pb.ClaimClosed](w, clm1); !c.Withdrawn || c.ChargeStands || !strings.HasPrefix(c.Reason, withdrawnReason) || w.states[clm1].InFlight {
			t.Fatal(c)
		}
	})
	t.Run("it went in that moment", func(t *testing.T) {
		w := told(t, nil)
		w.acts(t, voids)
		w.tell(t, sentFile(clm1, 1))
		expect(t, w, clm1, made+" SubmissionRecalled ClaimSubmitted ClaimHeld")
		if got := reasons(w, clm1); got != "taken_out" {
			t.Fatal(got)
		}
		w.tell(t, status(1, true, "ICN1", "A2:20"))
		if got := decide(t, w.states[clm1], voids); got != "claims.not_in_flight" {
			t.Fatal(got)
		}
		w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000)))
		if got := decide(t, w.states[clm1], voids); got != "CorrectedClaimPrepared ClaimScrubbed SubmissionRequested (8 v2 ICN1)" {
			t.Fatal(got)
		}
	})
	t.Run("a correction that waits: what the payer has decided is voided there", func(t *testing.T) {
		w := gone(t)
		w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 15000), decidedLine("L2", "90785", 1000, 1000)))
		w.acts(t, corrects)
		w.acts(t, voids)
		w.tell(t, taken(clm1, 2))
		if r := last[*pb.SubmissionRequested](w, clm1); r.ClaimVersion != 3 || r.Content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_VOID || r.Content.PayerClaimControlNumber != "ICN1" {
			t.Fatal(w.names(clm1))
		}
	})
	t.Run("it could not be written: it is held as rejected, and a void ends it", func(t *testing.T) {
		w := told(t, nil)
		w.acts(t, voids)
		w.tell(t, status(1, false, "", "unwritable"))
		if got := decide(t, w.states[clm1], voids); got != "ClaimClosed" {
			t.Fatal(got)
		}
	})
	t.Run("nobody waits for it", func(t *testing.T) {
		w := told(t, nil)
		w.tell(t, taken(clm1, 1))
		expect(t, w, clm1, made)
	})
}

// A claim whose coverage ends while it waits for its file does not go.
func TestAClaimThatWaitsIsHeldForItsCoverage(t *testing.T) {
	ended := func(t *testing.T) *world {
		w := told(t, nil)
		w.tell(t, ends("cov_1", "2026-03-01"))
		expect(t, w, clm1, made+" CoverageChangeDetected SubmissionRecalled")
		if last[*pb.CoverageChangeDetected](w, clm1).Sent {
			t.Fatal("no file has it")
		}
		return w
	}
	t.Run("it has not gone", func(t *testing.T) {
		w := ended(t)
		w.tell(t, taken(clm1, 1))
		expect(t, w, clm1, made+" CoverageChangeDetected SubmissionRecalled SubmissionWithdrawn CorrectedClaimPrepared ClaimScrubbed ClaimHeld")
		if got := reasons(w, clm1); got != "coverage_in_force" {
			t.Fatal(got)
		}
		if got := decide(t, w.states[clm1], voids); got != "ClaimClosed" {
			t.Fatal(got)
		}
		w.tell(t, ends("cov_1", "2026-12-31"))
		if r := last[*pb.SubmissionRequested](w, clm1); r.ClaimVersion != 2 || r.Content.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL {
			t.Fatalf("covered, and still there: %v", w.names(clm1))
		}
	})
	t.Run("it went in that moment", func(t *testing.T) {
		w := ended(t)
		w.tell(t, sentFile(clm1, 1))
		expect(t, w, clm1, made+" CoverageChangeDetected SubmissionRecalled ClaimSubmitted CoverageChangeDetected")
		if !last[*pb.CoverageChangeDetected](w, clm1).Sent || w.states[clm1].Held != nil {
			t.Fatal("what the payer has stays with it")
		}
	})
	t.Run("the end is corrected before the exchange has answered", func(t *testing.T) {
		w := ended(t)
		w.tell(t, ends("cov_1", "2026-12-31"), taken(clm1, 1))
		if r := last[*pb.SubmissionRequested](w, clm1); r.ClaimVersion != 2 {
			t.Fatal(w.names(clm1))
		}
	})
	t.Run("a person voids it before the exchange has answered", func(t *testing.T) {
		w := ended(t)
		w.acts(t, voids)
		w.tell(t, taken(clm1, 1))
		if c := last[*pb.ClaimClosed](w, clm1); !c.GetWithdrawn() {
			t.Fatal(w.names(clm1))
		}
	})
}
