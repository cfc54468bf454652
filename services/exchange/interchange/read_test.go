package interchange

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

type events = []es.Event

// sample is a file of the simulated payer, or a public sample, without the line breaks that it has for people.
func sample(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.ReplaceAll(data, []byte("~\n"), []byte("~"))
}

const (
	payer   = "../../payersim/desk/testdata/"
	partner = "../partner/testdata/"
	public  = "../../../pkg/x12/testdata/samples/"
)

// known is what the mirrors have after some events.
func known(all ...es.Event) es.Known {
	out := es.Known{}
	for _, e := range all {
		for _, m := range Mirrors {
			for _, key := range m.MirrorKeys(es.Recorded{Event: e, Tenant: uuid.Nil}) {
				if out[m.MirrorName()] == nil {
					out[m.MirrorName()] = map[string][]es.Event{}
				}
				out[m.MirrorName()][key] = append(out[m.MirrorName()][key], e)
			}
		}
	}
	return out
}

const number = "E0123456789ABCDEF"

var (
	queued = &pb.ClaimQueued{ReceiverId: "EVERGREEN", ClaimId: "clm_1", PatientId: "pat_1", ClaimVersion: 1, Content: &claimsv1.ClaimContent{PatientControlNumber: number, PayerId: "pay_1"}}
	sent   = &pb.InterchangeSent{ReceiverId: "EVERGREEN", GroupControlNumber: "1", Reference: "EK1", Claims: []*pb.SentClaim{
		{ClaimId: "clm_1", ClaimVersion: 1, PatientId: "pat_1", PatientControlNumber: number, SetControlNumber: "0001"},
	}}
	question = &pb.InquiryQueued{PatientId: "pat_1", Request: &intakev1.EligibilityRequested{EligibilityCheckId: "elg_1", PatientId: "pat_1", ServiceTypeCode: "MH"}}
)

func take(t testing.TB, data []byte, channel string) events {
	t.Helper()
	out, err := Receive(State{}, Incoming{Data: data, Channel: channel, Today: "2026-03-11"})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func last(all events) es.Event { return all[len(all)-1] }

func facts(t testing.TB, data []byte, channel string, look es.Look) events {
	t.Helper()
	kept, ok := last(take(t, data, channel)).(*pb.InterchangeReceived)
	if !ok {
		t.Fatalf("refused: %v", last(take(t, data, channel)))
	}
	out, err := Interpret(kept, data, look)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestReceive(t *testing.T) {
	good := sample(t, payer+"claim.835")
	institutional := bytes.ReplaceAll(sample(t, partner+"claim.837"), []byte("X222A1"), []byte("X223A2"))
	for _, c := range []struct {
		name   string
		data   []byte
		kind   string
		reason string // empty: kept
	}{
		{"a remittance is kept", good, "835", ""},
		{"claims of another system are kept", sample(t, partner+"claim.837"), "837P", ""},
		{"dental claims are refused by name", sample(t, public+"837/example_5010_837d-sample.txt"), "837D", "837D (dental claims) is a kind we do not do"},
		{"institutional claims are refused by name", institutional, "837I", "837I (institutional claims) is a kind we do not do"},
		{"enrollments are refused by name", sample(t, public+"834/add-dependent.834"), "834", "834 (enrollments) is a kind we do not do"},
		{"a letter is refused", []byte("Dear payer, please pay."), "not X12", "the file is not X12"},
		{"a file whose count is wrong is refused", bytes.Replace(good, []byte("~SE*"), []byte("~SE*9"), 1), "835", "the file is damaged in one place"},
	} {
		t.Run(c.name, func(t *testing.T) {
			switch e := last(take(t, c.data, "api")).(type) {
			case *pb.InterchangeReceived:
				if c.reason != "" || e.Kinds[0] != c.kind {
					t.Errorf("kept as %v", e.Kinds)
				}
			case *pb.InterchangeRefused:
				if c.reason == "" || e.Kind != c.kind || !strings.HasPrefix(e.Reason, c.reason) {
					t.Errorf("%s: refused because %q, %v", e.Kind, e.Reason, e.Findings)
				}
			}
		})
	}
	if _, err := Receive(State{}, Incoming{}); err == nil {
		t.Error("an empty file was taken")
	}
}

func TestTheSameFileAgainChangesNothing(t *testing.T) {
	data := sample(t, payer+"claim.835")
	first := take(t, data, "api")
	s := estest.Fold(Stream, first)
	if again, err := Receive(s, Incoming{Data: data, Channel: "api", FileName: "renamed", Today: "2026-04-01"}); err != nil || len(again) != 0 {
		t.Errorf("again: %v, %v", again, err)
	}
	said := facts(t, data, "api", known(queued))
	recorded, _ := Record(s, said)
	if again, _ := Record(estest.Fold(Stream, append(first, recorded...)), said); len(recorded) != 1 || len(again) != 0 {
		t.Errorf("recorded %d facts, then %d", len(recorded), len(again))
	}
	bad := data[:200]
	if again, _ := Receive(estest.Fold(Stream, take(t, bad, "api")), Incoming{Data: bad}); len(again) != 0 {
		t.Errorf("a refused file again: %v", again)
	}
}

// Wherever a file is cut, nothing of it is kept but that it was refused, and why.
func TestAFileCutInHalfIsRefused(t *testing.T) {
	for _, name := range []string{payer + "claim.835", payer + "claim.277", payer + "claim.999", payer + "active.271", partner + "claim.837"} {
		data := sample(t, name)
		for n := 1; n < len(data); n++ {
			all := take(t, data[:n], "api")
			if r, ok := all[0].(*pb.InterchangeRefused); len(all) != 1 || !ok || r.Reason == "" || len(r.Findings) == 0 {
				t.Fatalf("%s cut after %d of %d bytes: %v", name, n, len(data), all)
			}
		}
	}
}

func TestA999(t *testing.T) {
	data := sample(t, payer+"claim.999")
	all := facts(t, data, Partner, known(sent))
	if a, ok := all[0].(*pb.SetAcknowledged); len(all) != 1 || !ok || a.ClaimId != "clm_1" || a.ClaimVersion != 1 || a.Status != "A" {
		t.Errorf("said %v", all)
	}
	rejected := bytes.Replace(data, []byte("IK5*A~AK9*A*1*1*1~SE*6*"), []byte("IK3*CLM*22*2300*8~IK4*2*782*7*X~IK5*R*5~AK9*R*1*1*0~SE*8*"), 1)
	a := facts(t, rejected, Partner, known(sent))[0].(*pb.SetAcknowledged)
	if a.Status != "R" || fmt.Sprint(a.Codes) != "[CLM:22:2300:8:2:7 set:5]" {
		t.Errorf("said %v %v", a.Status, a.Codes)
	}
	if u, ok := facts(t, data, "api", known())[0].(*pb.AnswersUnknown); !ok || u.Findings[0].Code != "999.group_unknown" {
		t.Error("an answer to a group that is not ours is not told")
	}
}

func TestA277CA(t *testing.T) {
	all := facts(t, sample(t, payer+"claim.277"), Partner, known(queued, sent))
	want := &pb.ClaimStatusReceived{
		ClaimId: "clm_1", ClaimVersion: 1, Level: claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_PAYER, Accepted: true, StatusCodes: []string{"A2:20:PR"}, PatientControlNumber: number,
	}
	got := proto.CloneOf(all[0].(*pb.ClaimStatusReceived))
	if got.PayerClaimControlNumber == "" || got.Source.GetSegment() != "STC" {
		t.Errorf("said %v", got)
	}
	got.InterchangeId, got.PayerClaimControlNumber, got.Source = "", "", nil
	estest.Same(t, events{got}, events{want})
}

func TestA271(t *testing.T) {
	got := proto.CloneOf(facts(t, sample(t, payer+"active.271"), Partner, known(question))[0].(*pb.EligibilityAnswered))
	got.InterchangeId, got.Source = "", nil
	estest.Same(t, events{got}, events{&pb.EligibilityAnswered{
		EligibilityCheckId: "elg_1", PatientId: "pat_1", Status: intakev1.CoverageStatus_COVERAGE_STATUS_ACTIVE, CopayAmount: 2000,
	}})
	replaced := func(old, with string) *pb.EligibilityAnswered {
		data := bytes.Replace(sample(t, payer+"active.271"), []byte(old), []byte(with), 1)
		return facts(t, data, Partner, known(question))[0].(*pb.EligibilityAnswered)
	}
	if e := replaced("EB*1*IND*MH", "EB*6*IND*MH"); e.Status != intakev1.CoverageStatus_COVERAGE_STATUS_INACTIVE {
		t.Errorf("the plan is active, the benefit is not: %v", e.Status)
	}
	if e := replaced("EB*1*IND*MH********N*Y~", "EB*1*IND*MH********Y*Y~"); !e.AuthorizationRequired {
		t.Error("an authorization is needed, and nobody is told")
	}
}

// What a partner says of what we sent waits until our own copy has it; what a person brings does not wait.
func TestAPartnersAnswerWaitsForWhatItIsAbout(t *testing.T) {
	for _, name := range []string{"claim.999", "claim.277", "claim.835", "active.271"} {
		data := sample(t, payer+name)
		kept := last(take(t, data, Partner)).(*pb.InterchangeReceived)
		if _, err := Interpret(kept, data, known()); err == nil {
			t.Errorf("%s does not wait", name)
		}
		kept.Channel = "api"
		if all, err := Interpret(kept, data, known()); err != nil || len(all) != 1 {
			t.Errorf("%s brought by a person: %v, %v", name, all, err)
		}
	}
}

func remittance(t testing.TB, data []byte, look es.Look) *pb.RemittanceRead {
	t.Helper()
	return facts(t, data, "api", look)[0].(*pb.RemittanceRead)
}

func TestAnAmountThatIsOffByACentIsTold(t *testing.T) {
	data := sample(t, payer+"claim.835")
	r := remittance(t, data, known(queued))
	if len(r.Residuals) != 0 || r.PaymentAmount != 12000 || r.PayerId != "pay_1" || r.PayerIdentifier != "1910000001" || r.EffectiveDate == "" || r.Claims[0].Lines[0].LineId != "L1" {
		t.Errorf("read %v", r)
	}
	off := remittance(t, bytes.Replace(data, []byte("CAS*CO*45*10~"), []byte("CAS*CO*45*10.01~"), 1), known(queued))
	var got []string
	for _, e := range off.Residuals {
		got = append(got, fmt.Sprint(e.Equation, "/", e.Subject, "/", e.ResidualAmount))
	}
	if want := "[line/claim 1 line 1/-1 claim/claim 1/-1]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestWhoseClaimItIs(t *testing.T) {
	data := sample(t, payer+"claim.835")
	other := proto.CloneOf(queued)
	other.ClaimId, other.Content.PatientControlNumber = "clm_2", strings.ToLower(number)
	status := &pb.ClaimStatusReceived{ClaimId: "clm_1", ClaimVersion: 1, PatientControlNumber: number}
	status.PayerClaimControlNumber = remittance(t, data, known()).Claims[0].PayerClaimControlNumber
	returned := func(as string) []byte {
		return bytes.Replace(data, []byte("CLP*"+number+"*"), []byte("CLP*"+as+"*"), 1)
	}
	for _, c := range []struct {
		name string
		data []byte
		look es.Look
		want string
	}{
		{"the number as we gave it", data, known(queued), "clm_1 patient_control_number"},
		{"in small letters, with zeros before", returned("00" + strings.ToLower(number)), known(queued), "clm_1 trimmed"},
		{"two claims have almost that number", returned("0" + number), known(queued, other), " "},
		{"another number, and the payer's own", returned("WRONG"), known(queued, status), "clm_1 payer_claim_control_number"},
		{"another number", returned("WRONG"), known(queued), " "},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := remittance(t, c.data, c.look).Claims[0]
			if got.ClaimId+" "+got.MatchedBy != c.want {
				t.Errorf("it is %q by %q", got.ClaimId, got.MatchedBy)
			}
			if (got.ClaimVersion == queued.ClaimVersion) != (got.ClaimId != "") {
				t.Errorf("version %d", got.ClaimVersion)
			}
		})
	}
}

func TestWhichPayerItIs(t *testing.T) {
	data := sample(t, payer+"claim.835")
	for _, c := range []struct {
		name string
		look es.Look
		want string
	}{
		{"by its EDI id", known(&registryv1.PayerRegistered{PayerId: "pay_2", EdiPayerId: "evg01", Name: "E"}), "pay_2"},
		{"by its name", known(&registryv1.PayerRegistered{PayerId: "pay_3", EdiPayerId: "OTHER", Name: "Evergreen Health Plan"}), "pay_3"},
		{"two have that name", known(
			&registryv1.PayerRegistered{PayerId: "pay_3", EdiPayerId: "A", Name: "Evergreen Health Plan"}, &registryv1.PayerRegistered{PayerId: "pay_4", EdiPayerId: "B", Name: "EVERGREEN HEALTH PLAN"},
		), ""},
		{"nobody", known(), ""},
	} {
		if got := remittance(t, data, c.look).PayerId; got != c.want {
			t.Errorf("%s: %q", c.name, got)
		}
	}
}

// A payer that the file names answers also what was sent to another; names that may mean the payer that was asked mean that one.
func TestWhoAnswers(t *testing.T) {
	data := sample(t, payer+"claim.835") // of EVG01, Evergreen Health Plan; the claim went to pay_1
	registered := func(id, edi, name string) es.Event {
		return &registryv1.PayerRegistered{PayerId: id, EdiPayerId: edi, Name: name}
	}
	asked, other := registered("pay_1", "PAY1", "Plan"), registered("pay_2", "EVG01", "Evergreen Health Plan")
	for _, c := range []struct {
		name        string
		data        []byte
		look        es.Look
		payer, says string // says: the claim's answering payer
	}{
		{"the payer that was asked", data, known(queued, registered("pay_1", "EVG01", "Evergreen")), "pay_1", ""},
		{"a file that names nobody we know", data, known(queued, asked), "pay_1", ""},
		{"a file of another payer", data, known(queued, asked, other), "pay_2", "pay_2"},
		{"by its name", data, known(queued, asked, registered("pay_3", "X", "EVERGREEN HEALTH PLAN")), "pay_3", "pay_3"},
		{"an id of another payer under the name of the one that was asked", data, known(queued, registered("pay_1", "PAY1", "Evergreen Health Plan"), registered("pay_2", "EVG01", "E")), "pay_1", ""},
		{"two have the name, none is the one that was asked", data, known(queued, asked, registered("pay_3", "A", "Evergreen Health Plan"), registered("pay_4", "B", "Evergreen Health Plan")), "pay_1", ""},
		{"a claim that is none of ours", bytes.Replace(data, []byte("CLP*"+number+"*"), []byte("CLP*WRONG*"), 1), known(queued, asked, other), "pay_2", ""},
	} {
		r := remittance(t, c.data, c.look)
		if r.PayerId != c.payer || r.Claims[0].AnsweringPayerId != c.says {
			t.Errorf("%s: %q, of the claim %q", c.name, r.PayerId, r.Claims[0].AnsweringPayerId)
		}
	}
}

// A payer's answer to what the other billing system sent is an answer to our claim of that visit for that payer, where number, charge and day mean one visit.
func TestAnAnswerToTheOtherSystemsClaim(t *testing.T) {
	data := bytes.Replace(sample(t, payer+"claim.835"), []byte("CLP*"+number+"*"), []byte("CLP*OLDNUM7*"), 1)
	plain := remittance(t, data, known()).Claims[0]
	first := typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	visit := func(encounter string, change func(*pb.ClaimImported)) *pb.ClaimImported {
		e := &pb.ClaimImported{
			EncounterId: encounter, PatientId: "pat_" + encounter, PriorClaimNumber: "OLDNUM7", ChargeAmount: plain.ChargeAmount, ServiceDate: plain.ServiceDate,
			Coverages: []*pb.ImportedCoverage{{PayerId: "pay_1", PayerSequence: first}, {PayerId: "pay_2", PayerSequence: first + 1}},
		}
		if change != nil {
			change(e)
		}
		return e
	}
	made := func(encounter, payer string) es.Event {
		return &claimsv1.ClaimCreated{ClaimId: "clm_" + encounter + payer, EncounterId: encounter, Content: &claimsv1.ClaimContent{PatientControlNumber: "N" + encounter + payer, PayerId: payer}}
	}
	evergreen := func(id string) es.Event {
		return &registryv1.PayerRegistered{PayerId: id, EdiPayerId: "EVG01", Name: "Evergreen"}
	}
	secondary := func(e *pb.ClaimImported) { e.Coverages[0], e.Coverages[1] = e.Coverages[1], e.Coverages[0] }
	for _, c := range []struct {
		name        string
		look        es.Look
		claim, says string
	}{
		{"of the payer that was asked", known(visit("a", nil), made("a", "pay_1"), evergreen("pay_1")), "clm_apay_1", ""},
		{"the file names nobody we know", known(visit("a", nil), made("a", "pay_1")), "clm_apay_1", ""},
		{"two claims are ours: the one of the payer named", known(visit("a", nil), made("a", "pay_1"), made("a", "pay_2"), evergreen("pay_2")), "clm_apay_2", ""},
		{"and nobody's where none is named", known(visit("a", nil), made("a", "pay_1"), made("a", "pay_2")), "", ""},
		{"the next payer, which has no claim of ours", known(visit("a", nil), made("a", "pay_1"), evergreen("pay_2")), "clm_apay_1", "pay_2"},
		{"a decision that came with the visit is not booked again", known(visit("a", secondary), made("a", "pay_2"), evergreen("pay_1")), "", ""},
		{"another charge", known(visit("a", func(e *pb.ClaimImported) { e.ChargeAmount++ }), made("a", "pay_1")), "", ""},
		{"another day", known(visit("a", func(e *pb.ClaimImported) { e.ServiceDate = "2025-01-02" }), made("a", "pay_1")), "", ""},
		{"a number for two days", known(visit("a", nil), visit("b", func(e *pb.ClaimImported) { e.ServiceDate = "2025-01-02" }), made("b", "pay_1"), made("a", "pay_1")), "clm_apay_1", ""},
		{"a number for two visits of a day", known(visit("a", nil), visit("b", nil), made("b", "pay_1"), made("a", "pay_1")), "", ""},
		{"a claim that is held as a duplicate has none of ours", known(visit("a", nil)), "", ""},
	} {
		got := remittance(t, data, c.look).Claims[0]
		if got.ClaimId != c.claim || got.AnsweringPayerId != c.says || (got.MatchedBy == ByPriorNumber) != (c.claim != "") {
			t.Errorf("%s: %q by %q, of %q", c.name, got.ClaimId, got.MatchedBy, got.AnsweringPayerId)
		}
	}
	for _, c := range []struct {
		look es.Look
		want int
	}{{known(visit("a", nil)), 1}, {known(visit("a", nil), visit("b", nil)), 0}, {known(), 0}} {
		if got := cuts(data, c.look); len(got) != c.want {
			t.Errorf("%d parts are sealed under a patient's key, want %d", len(got), c.want)
		}
	}
}

// Every source names the bytes of its segment, in the payer's file and in all public samples.
func TestAmountsNameTheirBytes(t *testing.T) {
	files, err := filepath.Glob(public + "835/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	checked := 0
	for _, name := range append(files, payer+"claim.835") {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		kept, ok := last(take(t, data, "api")).(*pb.InterchangeReceived)
		if !ok {
			t.Logf("%s: %v", name, last(take(t, data, "api")).(*pb.InterchangeRefused).Reason)
			continue
		}
		all, _ := Interpret(kept, data, known())
		for _, e := range all {
			r, ok := e.(*pb.RemittanceRead)
			if !ok {
				continue
			}
			check := func(s *typev1.Source) {
				checked++
				if part := string(data[s.Offset : s.Offset+s.Length]); !strings.HasPrefix(part, s.Segment) || s.FileSha256 != Hash(data) {
					t.Errorf("%s: %s is said to stand at %q", name, s.Segment, part)
				}
			}
			check(r.Source)
			for _, c := range r.Claims {
				check(c.Source)
				for _, a := range c.Adjustments {
					check(a.Source)
				}
				for _, l := range c.Lines {
					check(l.Source)
					for _, a := range l.Adjustments {
						check(a.Source)
					}
				}
			}
			for _, p := range r.ProviderAdjustments {
				check(p.Source)
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d sources were seen", checked)
	}
}

func TestAnImportedClaim(t *testing.T) {
	got := facts(t, sample(t, partner+"secondary.837"), "api", known())[0].(*pb.ClaimImported)
	if got.PriorClaimNumber != "E2" || got.ChargeAmount != 15000 || got.ServiceDate != "2026-03-02" || len(got.Lines) != 1 || got.Lines[0].LineId != "L1" {
		t.Errorf("the claim: %v", got)
	}
	if len(got.Coverages) != 2 || got.Coverages[0].EdiPayerId != "STM05" || got.Coverages[0].PayerSequence != typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY ||
		got.Coverages[1].PayerId != es.Derive("pay", "EVG01") || len(got.Subscribers) != 2 {
		t.Errorf("its coverages: %v", got.Coverages)
	}
	if p := got.PriorAdjudications[0]; p.PayerId != got.Coverages[1].PayerId || p.PaidAmount != 8000 || p.AdjudicationDate != "2026-03-20" || len(p.Lines[0].Adjustments) != 2 {
		t.Errorf("what was decided: %v", p)
	}
	if got.Person.PatientName.Last != "SAMPLE" || fmt.Sprint(got.Person.DiagnosisCodes) != "[F411 F331]" || got.RenderingProvider.Npi != "1003000126" || got.BillingProvider.TaxId != "361234567" {
		t.Errorf("people: %v", got)
	}
	data := sample(t, partner+"secondary.837")
	for _, s := range []*typev1.Source{got.Source, got.Lines[0].Source, got.PriorAdjudications[0].Source, got.PriorAdjudications[0].Lines[0].Source} {
		begins := map[string]string{"CLM": "CLM", "SV1": "LX", "SBR": "SBR", "SVD": "SVD"}[s.GetSegment()]
		if part := string(data[s.Offset : s.Offset+s.Length]); begins == "" || !strings.HasPrefix(part, begins) || !strings.Contains(part, s.Segment+"*") || s.FileSha256 != Hash(data) {
			t.Errorf("%s is said to stand at %q", s.Segment, part)
		}
	}
	first := facts(t, sample(t, partner+"claim.837"), "api", known())[0].(*pb.ClaimImported)
	if first.PatientId != got.PatientId || first.OrganizationId != got.OrganizationId || first.RenderingClinicianId != got.RenderingClinicianId || first.EncounterId == got.EncounterId {
		t.Error("the same person and group in two files are not the same")
	}
}

// What the patient has paid and which claim of the payer's is replaced are told as the file tells them.
func TestAnImportedReplacement(t *testing.T) {
	data := sample(t, partner+"claim.837")
	for _, c := range []struct {
		name, segments string
		paid           int64
		number         string
	}{
		{"neither is told", "", 0, ""},
		{"paid by the patient", "AMT*F5*25.5~", 2550, ""},
		{"a replacement", "REF*F8*ICN77~", 0, "ICN77"},
		{"both", "AMT*F5*20~REF*F8*ICN77~", 2000, "ICN77"},
	} {
		changed := bytes.Replace(data, []byte("~HI*"), []byte("~"+c.segments+"HI*"), 1)
		changed = bytes.Replace(changed, []byte("~SE*27*"), fmt.Appendf(nil, "~SE*%d*", 27+strings.Count(c.segments, "~")), 1)
		got := facts(t, changed, "api", known())[0].(*pb.ClaimImported)
		if got.PatientPaidAmount != c.paid || got.PayerClaimControlNumber != c.number {
			t.Errorf("%s: %d %q", c.name, got.PatientPaidAmount, got.PayerClaimControlNumber)
		}
	}
}

// Every public professional claim is taken in, each claim of it, whatever it carries.
func TestPublicClaimsAreTakenIn(t *testing.T) {
	files, err := filepath.Glob(public + "837/demo*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all := take(t, data, "api")
		kept, ok := last(all).(*pb.InterchangeReceived)
		if !ok {
			t.Logf("%s is refused: %s", filepath.Base(name), last(all).(*pb.InterchangeRefused).Reason)
			continue
		}
		claims, err := Interpret(kept, data, known())
		if err != nil || len(claims) != bytes.Count(data, []byte("CLM*")) {
			t.Errorf("%s: %d claims, %v", name, len(claims), err)
		}
		for _, e := range claims {
			c := e.(*pb.ClaimImported)
			if c.PatientId == "" || len(c.Lines) == 0 || len(c.Coverages) == 0 || len(c.Coverages) != len(c.Subscribers) || c.Person.PatientName.GetLast() == "" {
				t.Errorf("%s: %v", name, c)
			}
		}
	}
}

// What an answer says of a patient of ours is sealed under that patient's key.
func TestAnswersAreSealedUnderTheirPatientsKey(t *testing.T) {
	look := known(queued, question)
	for _, name := range []string{"claim.835", "claim.277", "active.271"} {
		data := sample(t, payer+name)
		all, err := Receive(State{}, Incoming{Data: data, Channel: Partner, Today: "2026-03-11", Cuts: cuts(data, look)})
		if err != nil {
			t.Fatal(err)
		}
		var f pieces.File
		mine := false
		for _, e := range all {
			if p, ok := e.(*pb.InterchangeBytes); ok {
				f = f.With(p)
				mine = mine || p.SubjectId == "pat_1"
				if strings.Contains(string(p.Data), "SAMPLE") != (p.SubjectId == "pat_1") {
					t.Errorf("%s: %s seals %s", name, p.SubjectId, p.Data)
				}
			}
		}
		if whole, ok := f.Join(int64(len(data))); !ok || !mine || !bytes.Equal(whole, data) {
			t.Errorf("%s: the pieces are not the file", name)
		}
	}
}

// Damaged files never panic, and what they lead to is nothing or a whole kept file.
func TestDamagedFilesNeverPanic(t *testing.T) {
	var all [][]byte
	for _, name := range []string{payer + "claim.835", payer + "claim.277", payer + "claim.999", payer + "active.271", partner + "secondary.837"} {
		all = append(all, sample(t, name))
	}
	rapid.Check(t, func(rt *rapid.T) {
		data := bytes.Clone(rapid.SampledFrom(all).Draw(rt, "file"))
		for range rapid.IntRange(1, 8).Draw(rt, "damages") {
			data[rapid.IntRange(106, len(data)-1).Draw(rt, "at")] = rapid.SampledFrom([]byte("~*:^0Z9 ")).Draw(rt, "byte")
		}
		out := take(t, data, "api")
		if kept, ok := last(out).(*pb.InterchangeReceived); ok {
			if _, err := Interpret(kept, data, known(queued, sent, question)); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// recordable says which event of a file could not be recorded: proto knows no text but UTF-8.
func recordable(data []byte, look es.Look) error {
	kept, err := Receive(State{}, Incoming{Data: data, Channel: "api", Today: "2026-03-11"})
	if err != nil {
		return nil // empty
	}
	all := kept
	if received, ok := last(kept).(*pb.InterchangeReceived); ok {
		said, err := Interpret(received, data, look)
		if err != nil {
			return err
		}
		all = append(all, said...)
	}
	for _, e := range all {
		if _, err := proto.Marshal(e); err != nil {
			return fmt.Errorf("%T: %w", e, err)
		}
	}
	return nil
}

// The systems that send files write names in Latin-1: they are read, with a word about it.
func TestNamesInLatin1(t *testing.T) {
	data := bytes.Replace(sample(t, partner+"claim.837"), []byte("NM1*IL*1*"), []byte("NM1*IL*1*M\xDCLLER"), 1)
	var claim *pb.ClaimImported
	for _, e := range facts(t, data, "api", known()) {
		claim, _ = e.(*pb.ClaimImported)
	}
	if got := claim.GetPerson().GetSubscriberName().GetLast(); !strings.HasPrefix(got, "MÜLLER") {
		t.Errorf("the subscriber is %q", got)
	}
	kept := last(take(t, data, "api")).(*pb.InterchangeReceived)
	if f := kept.Findings; len(f) == 0 || f[0].Code != "element.latin1" || f[0].Severity != "warning" || f[0].Segment != "NM103" {
		t.Errorf("found %v", f)
	}
	plan := bytes.Replace(sample(t, payer+"claim.835"), []byte("N1*PR*"), []byte("N1*PR*CAISSE QU\xC9BEC "), 1)
	if r := remittance(t, plan, known(queued)); !strings.HasPrefix(r.PayerName, "CAISSE QUÉBEC ") {
		t.Errorf("the payer is %q", r.PayerName)
	}
}

// Whatever byte stands wherever: what the file says can be recorded.
func TestAnyByteCanBeRecorded(t *testing.T) {
	for _, name := range []string{payer + "claim.835", payer + "claim.277", payer + "claim.999", payer + "active.271", partner + "claim.837"} {
		data := sample(t, name)
		for n := range data {
			for _, b := range []byte{0xC9, 0x00} {
				bad := bytes.Clone(data)
				bad[n] = b
				if err := recordable(bad, known(queued, sent, question)); err != nil {
					t.Fatalf("%s with %X at byte %d: %v", name, b, n, err)
				}
			}
		}
	}
}

func FuzzFile(f *testing.F) {
	for _, name := range []string{payer + "claim.835", payer + "claim.277", payer + "claim.999", payer + "active.271", partner + "claim.837"} {
		data := sample(f, name)
		f.Add(data)
		f.Add(bytes.Replace(data, []byte("*1*"), []byte("*1*\xDC"), 1))
		f.Add(bytes.Replace(data, []byte("N1*"), []byte("N1*\xC3\xA9\x92*"), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := recordable(data, known(queued, sent, question)); err != nil {
			t.Fatal(err)
		}
	})
}
