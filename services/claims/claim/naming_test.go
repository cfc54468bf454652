package claim

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/claims/edits"
)

// A file says that another payer comes next, and not who: the claim to it is held until a file says who, and then goes to that payer alone.
func TestAClaimToAPayerThatNoFileNamed(t *testing.T) {
	person := func(member string) *exchangev1.ImportedSubscriber {
		return &exchangev1.ImportedSubscriber{MemberId: member, Name: &typev1.PersonName{Last: "Doe"}, BirthDate: "1990-01-01", Address: street()}
	}
	file := func(id, payer, coverage, name string) *exchangev1.ClaimImported {
		return &exchangev1.ClaimImported{
			ImportId: id, EncounterId: "enc_1", PatientId: "pat_1", PlaceOfService: "11", Person: &pb.ClaimPerson{
				PatientName: &typev1.PersonName{Last: "Doe"}, PatientBirthDate: "1990-01-01", PatientAddress: street(), DiagnosisCodes: []string{"F411"}, DiagnosisCodeSystem: "10",
			},
			BillingProvider: &pb.Provider{Npi: "1234567893", OrganizationName: "Old name", TaxId: "123456789", Taxonomy: "261QM0801X", Address: street()},
			Coverages: []*exchangev1.ImportedCoverage{
				{CoverageId: "cov_1", PayerId: "pay_1", PayerName: "FIRST", PayerSequence: primary, Relationship: 1}, {CoverageId: coverage, PayerId: payer, PayerName: name, PayerSequence: second, Relationship: 1},
			},
			Subscribers: []*exchangev1.ImportedSubscriber{person("M1"), person("M2")},
		}
	}
	payers := func(payer, coverage string) []*intakev1.ResponsiblePayer {
		return []*intakev1.ResponsiblePayer{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: primary}, {CoverageId: coverage, PayerId: payer, PayerSequence: second}}
	}
	nobody := idOf("enc_1", payers(edits.Unnamed, "cov_x")[1])
	visit := func() *world {
		w := newWorld()
		w.tell(t, append(office(), &registryv1.PayerRegistered{PayerId: edits.Unnamed, Name: "UNNAMED", EdiPayerId: "UNNAMED", FilingIndicator: "CI", ReceiverId: "UNNAMED"},
			file("imp_1", edits.Unnamed, "cov_x", "UNNAMED"), coded(func(e *codingv1.CodingCompleted) {
				e.Imported, e.ImportId, e.ResponsiblePayers = true, "imp_1", payers(edits.Unnamed, "cov_x")
			}), sentFile(clm1, 1))...)
		return w
	}
	share := func(status string) *postingv1.ClaimPaymentPosted {
		return posting("rem_1", status, decidedLine("L1", "90837", 15000, 7000, cas("CO", "45", 6000), cas("PR", "3", 2000)), decidedLine("L2", "90785", 1000, 800, cas("CO", "45", 200)))
	}
	names := events{file("imp_2", "pay_2", "cov_2", "SECOND"), &codingv1.VisitPayersTold{EncounterId: "enc_1", PatientId: "pat_1", ImportId: "imp_2", ResponsiblePayers: payers("pay_2", "cov_2")}}
	const held = "ClaimCreated ClaimScrubbed ClaimHeld"
	asked := func(t *testing.T, w *world) {
		t.Helper()
		expect(t, w, nobody, held+" ClaimClosed")
		expect(t, w, clm2, made)
		if c := w.states[clm2].Content; c.PayerName != "SECOND" || c.EdiPayerId != "P2" || c.Person.MemberId != "M2" || c.PriorPayers[0].PatientResponsibilityAmount != 2000 || c.PatientControlNumber == w.states[nobody].Content.PatientControlNumber {
			t.Fatal(c)
		}
		if last[*pb.ClaimClosed](w, nobody).ContinuedByClaimId != clm2 {
			t.Fatal("which claim takes its place")
		}
	}

	t.Run("it is held, and says what to do; nobody can send it", func(t *testing.T) {
		w := visit()
		w.tell(t, share("1"))
		expect(t, w, nobody, held)
		expect(t, w, clm2, "")
		if r := w.states[nobody].Held.Reasons; len(r) != 1 || r[0].RuleId != "claims.payer_named" || !strings.Contains(r[0].Message, "POST /v1/interchanges") {
			t.Fatal(r)
		}
		_, err := Release(w.states[nobody], &pb.ReleaseClaimRequest{ClaimId: nobody, Reason: "r"})
		if r := refuse.Reasons(err); len(r) != 1 || r[0].RuleId != "claims.payer_named" {
			t.Fatal(err)
		}
	})
	t.Run("named, it goes to that payer", func(t *testing.T) {
		w := visit()
		w.tell(t, share("1"))
		w.tell(t, names...)
		asked(t, w)
		w.tell(t, names[1])
		asked(t, w)
	})
	t.Run("named before the file that names it is known, it waits", func(t *testing.T) {
		w := visit()
		w.tell(t, share("1"), names[1], names[0])
		asked(t, w)
	})
	t.Run("named before its turn, it is asked when that comes", func(t *testing.T) {
		w := visit()
		w.tell(t, names...)
		expect(t, w, clm2, "")
		w.tell(t, share("1"))
		expect(t, w, nobody, "")
		expect(t, w, clm2, made)
	})
	t.Run("named while the claim is made, it is asked too", func(t *testing.T) {
		w := visit()
		w.tell(t, share("1"))
		late := w.log[nobody][0]
		w.tell(t, names[0])
		w.known[CodedMirror.Name]["enc_1"] = append(w.known[CodedMirror.Name]["enc_1"], names[1])
		w.known[ToldMirror.Name] = map[string]events{"enc_1": {names[1]}}
		w.tell(t, proto.Clone(late))
		asked(t, w)
	})
	t.Run("sent on by the payer before, it waits for the answer", func(t *testing.T) {
		w := visit()
		w.tell(t, share("19"))
		expect(t, w, nobody, "ClaimCreated CrossoverDetected")
		w.tell(t, names...)
		expect(t, w, nobody, "ClaimCreated CrossoverDetected ClaimClosed")
		expect(t, w, clm2, "ClaimCreated CrossoverDetected")
	})
	t.Run("taken back by a person, it is asked of nobody", func(t *testing.T) {
		w := visit()
		w.tell(t, share("1"))
		out, err := Void(w.states[nobody], &pb.VoidClaimRequest{ClaimId: nobody, Reason: "r"}, edits.Facts{})
		if err != nil {
			t.Fatal(err)
		}
		w.record(t, nobody, out)
		w.drain(t)
		w.tell(t, names...)
		expect(t, w, nobody, held+" ClaimClosed")
		expect(t, w, clm2, "")
	})
}
