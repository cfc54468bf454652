package encounter

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

// A visit goes from payer to payer in several files, and a file is sent twice: it is charged once.
func TestALaterClaimOfAVisit(t *testing.T) {
	payer := func(s typev1.PayerSequence) *intakev1.ResponsiblePayer {
		return &intakev1.ResponsiblePayer{CoverageId: "cov" + s.String(), PayerId: "pay" + s.String(), PayerSequence: s}
	}
	type change = func(*exchangev1.ClaimImported)
	claim := func(id string, but change, sequences ...typev1.PayerSequence) *exchangev1.ClaimImported {
		e := imported(sequences[0], sequences[1:]...)
		e.ImportId, e.Source = id, &typev1.Source{InterchangeId: id}
		e.Lines, e.ChargeAmount = append(e.Lines, &typev1.ServiceLine{LineId: "2", ServiceCode: "90785", ServiceDate: "2014-05-05", ChargeAmount: 2000}), 14000
		if but != nil {
			but(e)
		}
		return e
	}
	decision := func(paid int64, lines ...*pb.PriorLine) *pb.PriorAdjudication {
		return &pb.PriorAdjudication{PayerId: "pay" + primary.String(), PayerSequence: primary, PaidAmount: paid, Lines: lines}
	}
	visit := func(e *exchangev1.ClaimImported) events {
		out, err := Import(State{}, e)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	told := func(id string, payers []*intakev1.ResponsiblePayer, decided ...*pb.PriorAdjudication) *pb.VisitPayersTold {
		return &pb.VisitPayersTold{EncounterId: "enc_1", PatientId: "pat_1", ImportId: id, ResponsiblePayers: payers, PriorAdjudications: decided, Source: &typev1.Source{InterchangeId: id}}
	}
	secondary := claim("imp_2", func(e *exchangev1.ClaimImported) {
		e.PatientId = "pat_2"                           // under the other payer's member id
		e.Lines[0], e.Lines[1] = e.Lines[1], e.Lines[0] // in another order, with other numbers
		e.Lines[0].LineId, e.Lines[1].LineId = "A", "B"
		e.PriorAdjudications = []*pb.PriorAdjudication{decision(9000, &pb.PriorLine{LineId: "B", PaidAmount: 9000})}
	}, second, primary)
	first := visit(claim("imp_1", nil, primary))
	paid := func(amount int64) change { return func(e *exchangev1.ClaimImported) { e.PatientPaidAmount = amount } }
	taken := told("imp_2", []*intakev1.ResponsiblePayer{payer(primary), payer(second)}, decision(9000, &pb.PriorLine{LineId: "1", PaidAmount: 9000}))
	both := append(first[:1:1], taken)
	anonymous := visit(claim("imp_1", func(e *exchangev1.ClaimImported) { e.Coverages[1].PayerId = unnamed }, primary, second))

	for _, c := range []struct {
		name  string
		given events
		when  *exchangev1.ClaimImported
		then  *pb.VisitPayersTold // nil: nothing
		held  string              // rules
	}{
		{name: "a copy changes nothing", given: first, when: claim("imp_2", nil, primary)},
		{name: "a replacement with the same services changes nothing", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.FrequencyCode = "7" }, primary)},
		{name: "the next payer, and what the first decided of the visit's own lines, are taken over", given: first, when: secondary, then: taken},
		{name: "a copy of that claim changes nothing", given: both, when: claim("imp_3", func(e *exchangev1.ClaimImported) {
			e.PriorAdjudications = []*pb.PriorAdjudication{decision(9000, &pb.PriorLine{LineId: "1", PaidAmount: 9000, Source: &typev1.Source{Offset: 9}})}
		}, second, primary)},
		{name: "the claim to the first payer, after the one to the second, changes nothing", given: visit(secondary), when: claim("imp_1", nil, primary)},
		{name: "a payer that was not named is named", given: anonymous, when: claim("imp_2", nil, primary, second),
			then: told("imp_2", []*intakev1.ResponsiblePayer{payer(primary), payer(second)})},
		{name: "a payer that is not named is not another one", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.Coverages[0].PayerId = unnamed }, primary)},
		{name: "other services for the same money are held", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.Lines[0].ServiceCode = "90834" }, primary), held: "coding.same_visit"},
		{name: "another charge is held", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.Lines[0].ChargeAmount, e.ChargeAmount = 13000, 15000 }, primary), held: "coding.same_visit"},
		{name: "one line more is held", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.Lines = append(e.Lines, e.Lines[0]) }, primary), held: "coding.same_visit"},
		{name: "what the patient paid is told once", given: first, when: claim("imp_2", paid(2000), primary),
			then: func() *pb.VisitPayersTold {
				e := told("imp_2", []*intakev1.ResponsiblePayer{payer(primary)})
				e.PatientPaidAmount = 2000
				return e
			}()},
		{name: "a file that says it again changes nothing", given: visit(claim("imp_1", paid(2000), primary)), when: claim("imp_2", paid(2000), primary)},
		{name: "nor does one that says nothing of it", given: visit(claim("imp_1", paid(2000), primary)), when: claim("imp_2", nil, primary)},
		{name: "another sum is held", given: visit(claim("imp_1", paid(2000), primary)), when: claim("imp_2", paid(2500), primary), held: "coding.same_patient_payment"},
		{name: "a void is held: a person takes the charge back", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.FrequencyCode = "8" }, primary), held: "coding.void_elsewhere"},
		{name: "a void of what is not here makes no visit", when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.FrequencyCode = "8" }, primary), held: "coding.void_elsewhere"},
		{name: "a line without a day that is one makes no visit", when: claim("imp_1", func(e *exchangev1.ClaimImported) { e.Lines[1].ServiceDate = "" }, primary), held: "coding.day_imported"},
		{name: "a charge below zero makes no visit", when: claim("imp_1", func(e *exchangev1.ClaimImported) { e.Lines[0].ChargeAmount, e.ChargeAmount = -16000, -14000 }, primary),
			held: "coding.charge_imported coding.charge_imported"},
		{name: "another payer in the same place is held", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) { e.Coverages[0].PayerId = "pay_9" }, primary), held: "coding.same_payer"},
		{name: "an undecided payer before one that was asked is held", given: visit(claim("imp_1", nil, second)), when: claim("imp_2", nil, primary), held: "coding.same_payer"},
		{name: "another decision of the same payer is held", given: both, when: claim("imp_3", func(e *exchangev1.ClaimImported) {
			e.PriorAdjudications = []*pb.PriorAdjudication{decision(8000, &pb.PriorLine{LineId: "1", PaidAmount: 8000})}
		}, second, primary), held: "coding.same_decision"},
		{name: "all reasons are said at once", given: first, when: claim("imp_2", func(e *exchangev1.ClaimImported) {
			e.FrequencyCode, e.Lines[0].ServiceCode, e.Coverages[0].PayerId = "8", "90834", "pay_9"
		}, primary), held: "coding.void_elsewhere coding.same_visit coding.same_payer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := estest.Fold(Stream, c.given)
			out, err := Import(s, c.when)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.held != "":
				h, ok := out[0].(*pb.ImportHeld)
				if !ok || len(out) != 1 || h.ImportId != c.when.ImportId || h.PatientId != "pat_1" || h.ChargeAmount != c.when.ChargeAmount {
					t.Fatalf("not held: %v", out)
				}
				var rules []string
				for _, r := range h.Reasons {
					rules = append(rules, r.RuleId)
				}
				if got := strings.Join(rules, " "); got != c.held {
					t.Fatalf("held by %s, want %s", got, c.held)
				}
			case c.then == nil && len(out) > 0, c.then != nil && !slices.EqualFunc(out, events{c.then}, func(a, b es.Event) bool { return proto.Equal(a, b) }):
				t.Fatalf("got %v, want %v", out, c.then)
			}
			for _, e := range out {
				s = Evolve(s, e)
			}
			if again, err := Import(s, c.when); err != nil || len(again) > 0 {
				t.Fatalf("the same once more: %v, %v", again, err)
			}
		})
	}
}
