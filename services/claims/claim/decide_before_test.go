package claim

import (
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// A visit was imported as it went to the first payer; a later file tells what that payer decided, and who is next.
func TestALaterFileTellsWhatTheFirstPayerDecided(t *testing.T) {
	first := &exchangev1.ClaimImported{
		ImportId: "imp_1", EncounterId: "enc_1", PatientId: "pat_1", PlaceOfService: "11", Person: &pb.ClaimPerson{
			PatientName: &typev1.PersonName{Last: "Doe"}, PatientBirthDate: "1990-01-01", PatientAddress: street(), DiagnosisCodes: []string{"F411"}, DiagnosisCodeSystem: "10",
		},
		BillingProvider: &pb.Provider{Npi: "1234567893", OrganizationName: "Old name", TaxId: "123456789", Taxonomy: "261QM0801X", Address: street()},
		Coverages:       []*exchangev1.ImportedCoverage{{CoverageId: "cov_1", PayerId: "pay_1", PayerName: "FIRST", PayerSequence: primary, Relationship: 1}},
		Subscribers:     []*exchangev1.ImportedSubscriber{{MemberId: "M1", Name: &typev1.PersonName{Last: "Doe"}, BirthDate: "1990-01-01", Address: street()}},
	}
	later := &exchangev1.ClaimImported{
		ImportId: "imp_2", EncounterId: "enc_1", PatientId: "pat_2",
		Coverages: []*exchangev1.ImportedCoverage{
			{CoverageId: "cov_9", PayerId: "pay_2", PayerName: "SECOND", PayerSequence: second, Relationship: 1}, {CoverageId: "cov_8", PayerId: "pay_1", PayerName: "FIRST", PayerSequence: primary, Relationship: 1},
		},
		Subscribers: []*exchangev1.ImportedSubscriber{{MemberId: "M9", Name: &typev1.PersonName{Last: "Doe"}, BirthDate: "1990-01-01", Address: street()}, {MemberId: "M8"}},
	}
	visit := coded(func(e *codingv1.CodingCompleted) {
		e.Imported, e.ImportId, e.AuthNo, e.ResponsiblePayers = true, "imp_1", "A1", e.ResponsiblePayers[:1]
	})
	told := &codingv1.VisitPayersTold{
		EncounterId: "enc_1", PatientId: "pat_1", ImportId: "imp_2",
		ResponsiblePayers:  []*intakev1.ResponsiblePayer{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: primary}, {CoverageId: "cov_9", PayerId: "pay_2", PayerSequence: second}},
		PriorAdjudications: []*codingv1.PriorAdjudication{{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 10000, Adjustments: []*typev1.Adjustment{cas("CO", "45", 4000), cas("PR", "2", 2000)}}},
	}
	after := func(t *testing.T, in ...events) *world {
		w := newWorld()
		w.tell(t, append(office(), first, visit)...)
		for _, more := range in {
			w.tell(t, more...)
		}
		return w
	}
	next := func(t *testing.T, w *world) {
		t.Helper()
		expect(t, w, clm2, made)
		c := w.states[clm2].Content
		if c.BillingProvider.OrganizationName != "Old name" || c.PayerName != "SECOND" || c.Person.MemberId != "M9" || c.Person.PatientName.Last != "Doe" || c.PriorCoverageMemberIds[0] != "M1" ||
			c.PriorPayers[0].PaidAmount != 10000 || c.AuthorizationNumber != "" || w.states[clm1].Content.AuthorizationNumber != "A1" || w.states[clm2].Created.PatientId != "pat_1" {
			t.Fatal(c)
		}
	}
	t.Run("what waits to be sent to the first payer is not sent", func(t *testing.T) {
		w := after(t, events{later, told})
		expect(t, w, clm1, made+" SubmissionRecalled ClaimClosed")
		next(t, w)
	})
	t.Run("told before the file that tells it is known, it waits", func(t *testing.T) {
		w := after(t, events{told})
		expect(t, w, clm2, "")
		w.tell(t, later)
		next(t, w)
	})
	t.Run("what the first payer has, it answers", func(t *testing.T) {
		w := after(t, events{sentFile(clm1, 1)}, events{later, told})
		expect(t, w, clm1, made+" ClaimSubmitted")
		next(t, w)
	})
	t.Run("a held claim to the first payer is closed", func(t *testing.T) {
		w := after(t, events{sentFile(clm1, 1), status(1, false, "", "A7:562")}, events{later, told})
		expect(t, w, clm1, made+" ClaimSubmitted ClaimRejected ClaimHeld ClaimClosed")
		next(t, w)
	})
	t.Run("of what the first payer left nothing of, the next is not asked", func(t *testing.T) {
		nothing, denied, silent := proto.CloneOf(told), proto.CloneOf(told), proto.CloneOf(told)
		nothing.PriorAdjudications[0].Adjustments = []*typev1.Adjustment{cas("CO", "45", 6000)}
		denied.PriorAdjudications[0].Adjustments = []*typev1.Adjustment{cas("CO", "45", 4000), cas("CO", "50", 2000)} // which stays asked of the first
		silent.PriorAdjudications[0].Adjustments, silent.PriorAdjudications[0].PaidAmount = nil, 0
		expect(t, after(t, events{later, nothing}), clm2, "")
		expect(t, after(t, events{later, denied}), clm2, "")
		expect(t, after(t, events{later, silent}), clm2, made)
	})
	t.Run("told twice, nothing happens twice", func(t *testing.T) {
		w := after(t, events{later, told}, events{told})
		expect(t, w, clm1, made+" SubmissionRecalled ClaimClosed")
		expect(t, w, clm2, made)
	})
}
