package workitem

import (
	"slices"
	"testing"

	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/collections/patientbalance"
)

// A coverage for a day that was billed without it is work, in whichever order charge and coverage are heard, once; not where its payer is asked, comes before those that are (which claims tells), or
// does not cover the day.
func TestCoverageFoundAfterBilling(t *testing.T) {
	const first, second = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	visit := func(payers ...*intakev1.ResponsiblePayer) *postingv1.ChargePosted {
		return &postingv1.ChargePosted{AccountId: "enc_1", EncounterId: "enc_1", PatientId: "p", ServiceDate: "2026-03-02", ChargeAmount: 15000, ResponsiblePayers: payers}
	}
	added := func(sequence typev1.PayerSequence, from, thru string) *intakev1.CoverageAdded {
		return &intakev1.CoverageAdded{CoverageId: "cov_1", PatientId: "p", PayerId: "pay_1", PayerSequence: sequence, FromDate: from, ThruDate: thru}
	}
	asked := func(id string, sequence typev1.PayerSequence) *intakev1.ResponsiblePayer {
		return &intakev1.ResponsiblePayer{CoverageId: id, PayerSequence: sequence}
	}
	ended := func(thru string) *intakev1.CoverageTerminated {
		return &intakev1.CoverageTerminated{CoverageId: "cov_1", PatientId: "p", ThruDate: thru}
	}
	moves := func(amount int64) *postingv1.ResponsibilityTransferred {
		return &postingv1.ResponsibilityTransferred{AccountId: "enc_1", PatientId: "p", Amount: amount, Legs: []*typev1.Leg{{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: amount}}}
	}
	pays := func(amount int64) *postingv1.PatientPaymentAllocated {
		return &postingv1.PatientPaymentAllocated{AccountId: "enc_1", PatientId: "p", Amount: amount, Legs: []*typev1.Leg{{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, Amount: -amount}}}
	}
	imported := visit()
	imported.Imported = true
	for _, c := range []struct {
		name   string
		events []es.Event
		open   bool
		risk   int64
	}{
		{"a day that was billed to the patient", []es.Event{visit(), added(first, "2026-01-01", "")}, true, 15000},
		{"the coverage is heard of first", []es.Event{added(first, "2026-01-01", ""), visit()}, true, 15000},
		{"behind the payer that is asked", []es.Event{visit(asked("cov_0", first)), added(second, "2026-01-01", "")}, true, 0},
		{"and that payer has decided: what it left to the patient", []es.Event{visit(asked("cov_0", first)), moves(2000), added(second, "2026-01-01", "")}, true, 2000},
		{"or decides later", []es.Event{visit(asked("cov_0", first)), added(second, "2026-01-01", ""), moves(2000), moves(500)}, true, 2500},
		{"what the patient has paid is not at risk", []es.Event{visit(asked("cov_0", first)), added(second, "2026-01-01", ""), moves(2000), pays(1500)}, true, 500},
		{"a day that was billed to the patient, who pays a part", []es.Event{visit(), added(first, "2026-01-01", ""), pays(1500)}, true, 15000},
		{"its payer is asked", []es.Event{added(first, "2026-01-01", ""), visit(asked("cov_1", first))}, false, 0},
		{"before the payer that is asked: a change of that claim", []es.Event{visit(asked("cov_0", second)), added(first, "2026-01-01", "")}, false, 0},
		{"from a later day", []es.Event{visit(), added(first, "2026-03-03", "")}, false, 0},
		{"until an earlier day", []es.Event{visit(), added(first, "2026-01-01", "2026-03-01")}, false, 0},
		{"it ended before the day after all", []es.Event{visit(), added(first, "2026-01-01", ""), ended("2026-02-28")}, false, 0},
		{"its end came first", []es.Event{ended("2026-02-28"), visit(), added(first, "2026-01-01", "")}, false, 0},
		{"and did not", []es.Event{visit(), added(first, "2026-01-01", ""), ended("2026-02-28"), ended("2026-12-31")}, true, 15000},
		{"the charge was taken off", []es.Event{visit(), added(first, "2026-01-01", ""), &postingv1.ChargeVoided{AccountId: "enc_1", PatientId: "p"}}, false, 0},
		{"another billing system's visit", []es.Event{imported, added(first, "2026-01-01", "")}, false, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := ID("late_coverage", "enc_1 cov_1")
			var item State
			mirrors := []es.AnyMirror{BilledMirror, LateMirror, patientbalance.StoryMirror}
			known := es.Known{}
			for _, m := range mirrors {
				known[m.MirrorName()] = map[string][]es.Event{}
			}
			heard := slices.Clone(c.events) // what is opened is heard after what opens it
			for len(heard) > 0 {
				event := heard[0]
				heard = heard[1:]
				r := es.Recorded{Event: event, OccurredOn: "2026-04-01"}
				for _, m := range mirrors {
					for _, key := range m.MirrorKeys(r) {
						known[m.MirrorName()][key] = append(known[m.MirrorName()][key], event)
					}
				}
				commands, err := React(r, known)
				if err != nil {
					t.Fatal(err)
				}
				for _, cmd := range commands {
					if cmd.ID != id {
						continue
					}
					events, err := cmd.Decide(item)
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range events {
						item = Evolve(item, e)
					}
					heard = slices.Concat(events, heard)
				}
			}
			if got := item.Opened != nil && item.Resolved == nil; got != c.open {
				t.Fatalf("open: %v, %v", got, item)
			}
			if c.open && (item.Opened.AtRiskAmount != c.risk || item.Opened.Owner != "billing" || item.Opened.DueDate != "2026-04-08") {
				t.Error(item.Opened)
			}
		})
	}
}
