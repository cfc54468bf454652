package claim

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

func ends(id, day string) *intakev1.CoverageTerminated {
	return &intakev1.CoverageTerminated{CoverageId: id, PatientId: "pat_1", ThruDate: day}
}

func TestACoverageThatEndedBeforeTheService(t *testing.T) {
	paid := func(w *world) {
		w.tell(t, posting("rem_1", "1", decidedLine("L1", "90837", 15000, 11000, cas("CO", "45", 4000)), decidedLine("L2", "90785", 1000, 1000)))
	}
	for _, c := range []struct {
		name   string
		before func(*world)
		want   string // sent, paid, at risk
	}{
		{"the payer has the claim: its charge is at risk", func(*world) {}, "true 0 16000"},
		{"the payer has paid: what it paid is at risk", paid, "true 12000 12000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			w.tell(t, office()...)
			w.tell(t, coded(nil), sentFile(clm1, 1))
			c.before(w)
			w.tell(t, ends("cov_1", "2026-03-02"))
			if found := last[*pb.CoverageChangeDetected](w, clm1); found != nil {
				t.Fatalf("the last covered day counts: %v", found)
			}
			w.tell(t, ends("cov_1", "2026-03-01"), ends("cov_1", "2026-03-01"))
			found := last[*pb.CoverageChangeDetected](w, clm1)
			if got := fmt.Sprint(found.GetSent(), found.GetPaidAmount(), found.GetAtRiskAmount()); got != c.want {
				t.Fatalf("told %q, want %q", got, c.want)
			}
			if n := count(w, clm1, "CoverageChangeDetected"); n != 1 {
				t.Fatalf("told %d times", n)
			}
			if names := w.names(clm1); strings.Contains(names[len(names)-1], "Held") {
				t.Fatalf("what the payer has stays with it: %v", names)
			}
			w.tell(t, ends("cov_1", "2026-12-31"))
			if n := count(w, clm1, "CoverageChangeCleared"); n != 1 {
				t.Fatalf("in force again, told %d times", n)
			}
		})
	}
}

func count(w *world, id, name string) (n int) {
	for _, event := range w.names(id) {
		if event == name {
			n++
		}
	}
	return n
}

func reasons(w *world, id string) string {
	var out []string
	for _, r := range last[*pb.ClaimHeld](w, id).GetReasons() {
		out = append(out, strings.TrimPrefix(r.RuleId, "claims."))
	}
	return strings.Join(out, " ")
}

// A claim that was not sent is held for it too: it does not go when its other reason has gone, and goes when the end is corrected.
func TestAHeldClaimWaitsForItsCoverage(t *testing.T) {
	w := newWorld()
	w.tell(t, office()...)
	w.tell(t, coded(group), no(), ends("cov_1", "2026-03-01"))
	if got := reasons(w, clm1); got != "coverage_in_force authorization_number" {
		t.Fatalf("held for %q", got)
	}
	w.tell(t, approval(), yes())
	if s := w.states[clm1]; s.Held == nil || s.Sent > 0 || reasons(w, clm1) != "coverage_in_force" {
		t.Fatalf("approved, and sent to a payer that does not cover: %v", w.names(clm1))
	}
	w.tell(t, ends("cov_1", "2026-12-31"))
	if s := w.states[clm1]; s.Held != nil || s.Sent == 0 || s.Coverage != nil {
		t.Fatalf("covered, and still there: %v", w.names(clm1))
	}
}

// A visit that waits for its authorization's answer does not keep the end of its coverage waiting.
func TestAnEndIsTakenInWhileTheClaimWaits(t *testing.T) {
	w := newWorld()
	w.tell(t, office()...)
	w.tell(t, coded(group), ends("cov_1", "2026-03-01"))
	if len(w.waits) != 1 {
		t.Fatalf("%d events wait", len(w.waits))
	}
	w.tell(t, approval(), yes())
	if s := w.states[clm1]; s.Held == nil || s.Sent > 0 || reasons(w, clm1) != "coverage_in_force" {
		t.Fatalf("sent to a payer that does not cover: %v", w.names(clm1))
	}
}

func TestAClaimMadeAfterTheEndIsHeld(t *testing.T) {
	w := newWorld()
	w.tell(t, office()...)
	w.tell(t, ends("cov_1", "2026-03-01"), coded(nil))
	if found := last[*pb.CoverageChangeDetected](w, clm1); found == nil || found.Sent || reasons(w, clm1) != "coverage_in_force" {
		t.Fatalf("%v: %v", found, w.names(clm1))
	}
}

func TestAnotherPayerThatComesFirst(t *testing.T) {
	first := &intakev1.CoverageAdded{CoverageId: "cov_9", PatientId: "pat_1", PayerId: "pay_9", PayerSequence: primary, FromDate: "2026-03-01"}
	later := &intakev1.CoverageAdded{CoverageId: "cov_8", PatientId: "pat_1", PayerId: "pay_9", PayerSequence: second + 1, FromDate: "2026-03-01"}
	onlySecond := func(e *codingv1.CodingCompleted) { e.ResponsiblePayers = e.ResponsiblePayers[1:] }
	w := newWorld()
	w.tell(t, slices.DeleteFunc(office(), func(e es.Event) bool { c, is := e.(*intakev1.CoverageAdded); return is && c.CoverageId == "cov_1" })...)
	w.tell(t, coded(onlySecond), later)
	if n := count(w, clm2, "CoverageChangeDetected"); n != 0 {
		t.Fatal("a payer that comes after it changes nothing for it")
	}
	w.tell(t, first)
	if found := last[*pb.CoverageChangeDetected](w, clm2); found.GetChange() != pb.CoverageChange_COVERAGE_CHANGE_EARLIER_PAYER || found.OtherPayerId != "pay_9" {
		t.Fatal(found)
	}
	w.tell(t, ends("cov_9", "2026-03-01"))
	if n := count(w, clm2, "CoverageChangeCleared"); n != 1 {
		t.Fatalf("it did not cover the day after all: told %d times", n)
	}
	moved := newWorld()
	moved.tell(t, office()...)
	moved.tell(t, coded(func(e *codingv1.CodingCompleted) { e.Imported = true }), ends("cov_1", "2026-03-01"))
	if n := count(moved, clm1, "CoverageChangeDetected"); n != 0 {
		t.Fatal("what another system claimed is its history")
	}
}

// Whatever comes first (the visit, its coverage, its end): a claim whose coverage ended before the service is told of, and is not sent unless the payer had it before the end was known.
func TestAnEndIsSeenInAnyOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := newWorld()
		all := append(office(), coded(nil), ends("cov_1", "2026-03-01"))
		sent := false
		for _, e := range rapid.Permutation(all).Draw(r, "order") {
			w.tell(t, e)
			if _, is := e.(*intakev1.CoverageTerminated); is {
				sent = w.states[clm1].Sent > 0
			}
		}
		s := w.states[clm1]
		if s.Created == nil || s.Coverage == nil || (s.Sent > 0) != sent {
			r.Fatalf("made %t, told %t, sent before %t, sent %d: %v", s.Created != nil, s.Coverage != nil, sent, s.Sent, w.names(clm1))
		}
	})
}

// The end is taken in while the claim is being made: whoever takes it in sees no visit yet, whoever makes the claim no end. The claim's own event finds it.
func TestAnEndThatCrossesTheClaimIsSeen(t *testing.T) {
	w := newWorld()
	w.tell(t, office()...)
	w.tell(t, coded(nil))
	w.known[CoveragesMirror.Name]["pat_1"] = append(w.known[CoveragesMirror.Name]["pat_1"], ends("cov_1", "2026-03-01"))
	w.arrives(last[*pb.ClaimCreated](w, clm1))
	w.drain(t)
	if n := count(w, clm1, "CoverageChangeDetected"); n != 1 {
		t.Fatalf("told %d times", n)
	}
}
