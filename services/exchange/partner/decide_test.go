package partner

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
	"github.com/evenkeel/evenkeel/pkg/x12/t837"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	lines := bytes.ReplaceAll(got, []byte("~"), []byte("~\n")) // for people
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, lines, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(lines, want) {
		t.Errorf("%s differs; got\n%s", path, lines)
	}
}

type events = []es.Event

var at = time.Date(2026, 3, 3, 15, 4, 0, 0, time.UTC)

func home() *typev1.Address {
	return &typev1.Address{Line1: "12 ELM ST", City: "SPRINGFIELD", State: "IL", PostalCode: "627010001"}
}

// content is a clean claim of one session.
func content(number string) *claimsv1.ClaimContent {
	return &claimsv1.ClaimContent{
		PatientControlNumber: number, FrequencyCode: claimsv1.FrequencyCode_FREQUENCY_CODE_ORIGINAL, PayerId: "pay_1", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY,
		PayerName: "EVERGREEN HEALTH PLAN", EdiPayerId: "EVG01", ReceiverId: "EVERGREEN", FilingIndicator: "CI", Relationship: typev1.Relationship_RELATIONSHIP_SELF,
		BillingProvider: &claimsv1.Provider{
			Npi: "1234567893", Taxonomy: "251S00000X", OrganizationName: "LAKESIDE COUNSELING", TaxId: "361234567", Phone: "2175550100",
			Address: &typev1.Address{Line1: "400 LAKE AVE", City: "SPRINGFIELD", State: "IL", PostalCode: "627040002"},
		},
		RenderingProvider: &claimsv1.Provider{Npi: "1003000126", Taxonomy: "1041C0700X", Name: &typev1.PersonName{Last: "RIVERA", First: "MARTA"}},
		PlaceOfService:    "11", ChargeAmount: 15000, ServiceDate: "2026-03-02",
		Lines: []*typev1.ServiceLine{{
			LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, PlaceOfService: "11", ChargeAmount: 15000, DiagnosisPointers: []int32{1}, ServiceDate: "2026-03-02",
		}},
		Person: &claimsv1.ClaimPerson{
			MemberId: "W100200300", SubscriberName: &typev1.PersonName{Last: "SAMPLE", First: "JORDAN"}, SubscriberBirthDate: "1988-05-06", SubscriberSex: typev1.Sex_SEX_FEMALE,
			SubscriberAddress: home(), PatientName: &typev1.PersonName{Last: "SAMPLE", First: "JORDAN"}, PatientBirthDate: "1988-05-06", PatientSex: typev1.Sex_SEX_FEMALE,
			PatientAddress: home(), DiagnosisCodes: []string{"F41.1", "F33.1"}, DiagnosisCodeSystem: "10",
		},
	}
}

func submission(claim, patient string, version int32, c *claimsv1.ClaimContent) Submission {
	return Submission{ReceiverID: "EVERGREEN", At: at, Claim: &claimsv1.SubmissionRequested{ClaimId: claim, PatientId: patient, ClaimVersion: version, Content: c}}
}

func queued(claim, patient string, version int32, c *claimsv1.ClaimContent, first bool) *pb.ClaimQueued {
	return &pb.ClaimQueued{ReceiverId: "EVERGREEN", ClaimId: claim, PatientId: patient, ClaimVersion: version, Content: c, First: first}
}

func TestQueue(t *testing.T) {
	one, two := content("E1"), content("E2")
	estest.Run(t, Stream, Queue, []estest.Case[Submission]{
		{Name: "the first claim of a batch sets its time", When: submission("clm_1", "pat_1", 1, one), Then: events{queued("clm_1", "pat_1", 1, one, true)}},
		{Name: "a later one does not move it", Given: events{queued("clm_1", "pat_1", 1, one, true)}, When: submission("clm_2", "pat_1", 1, two), Then: events{queued("clm_2", "pat_1", 1, two, false)}},
		{Name: "the same version again changes nothing", Given: events{queued("clm_1", "pat_1", 1, one, true)}, When: submission("clm_1", "pat_1", 1, one)},
		{Name: "a version that was overtaken changes nothing", Given: events{queued("clm_1", "pat_1", 2, one, true)}, When: submission("clm_1", "pat_1", 1, one)},
	})
}

func TestRecall(t *testing.T) {
	recall := func(claim string, version int32) Recalled {
		return Recalled{ReceiverID: "EVERGREEN", Claim: &claimsv1.SubmissionRecalled{ClaimId: claim, PatientId: "pat_1", ClaimVersion: version}}
	}
	recalled := &pb.ClaimRecalled{ReceiverId: "EVERGREEN", ClaimId: "clm_1", PatientId: "pat_1", ClaimVersion: 1}
	waiting := queued("clm_1", "pat_1", 1, content("E1"), true)
	sent := &pb.InterchangeSent{Claims: []*pb.SentClaim{{ClaimId: "clm_1", ClaimVersion: 1}}}
	estest.Run(t, Stream, Recall, []estest.Case[Recalled]{
		{Name: "what waits is not sent", Given: events{waiting}, When: recall("clm_1", 1), Then: events{recalled}},
		{Name: "what went out is out", Given: events{waiting, sent}, When: recall("clm_1", 1)},
		{Name: "another version stays", Given: events{waiting}, When: recall("clm_1", 2)},
		{Name: "once", Given: events{waiting, recalled}, When: recall("clm_1", 1)},
	})
	s := estest.Fold(Stream, events{waiting, recalled})
	if out, err := Send(s, Due{ReceiverID: "EVERGREEN", At: at}); err != nil || len(out) > 0 {
		t.Fatalf("a batch without claims: %v, %v", out, err)
	}
	if out, err := Queue(s, submission("clm_2", "pat_2", 1, content("E2"))); err != nil || !out[0].(*pb.ClaimQueued).First {
		t.Fatalf("the next claim does not set the time of its batch: %v, %v", out, err)
	}
}

// sentOf is the last file of some events, with its bytes.
func sentOf(t *testing.T, all events) (*pb.InterchangeSent, []byte) {
	t.Helper()
	var f pieces.File
	var sent *pb.InterchangeSent
	for _, e := range all {
		switch e := e.(type) {
		case *pb.InterchangeBytes:
			if sent != nil && e.InterchangeId != sent.InterchangeId {
				f = pieces.File{}
			}
			f = f.With(e)
		case *pb.InterchangeSent:
			sent = e
		}
	}
	if sent == nil {
		t.Fatalf("nothing was sent: %v", all)
	}
	data, whole := f.Join(sent.Size)
	if !whole {
		t.Fatalf("the pieces have %d of %d bytes", len(data), sent.Size)
	}
	return sent, data
}

func send1(t *testing.T, contents ...*claimsv1.ClaimContent) (*pb.InterchangeSent, []byte, events) {
	t.Helper()
	var s State
	for i, c := range contents {
		s = Evolve(s, queued(fmt.Sprint("clm_", i+1), fmt.Sprint("pat_", i+1), 1, c, i == 0))
	}
	out, err := Send(s, Due{ReceiverID: "EVERGREEN", At: at})
	if err != nil {
		t.Fatal(err)
	}
	sent, data := sentOf(t, out)
	return sent, data, out
}

func read(t *testing.T, data []byte) *t837.Set {
	t.Helper()
	file, found := x12.Read(data)
	if len(found) > 0 {
		t.Fatalf("our own file is not clean: %v", found)
	}
	set, found := t837.Parse(file.Sets()[0])
	if found = append(found, t837.Check(set)...); len(found) > 0 {
		t.Fatalf("our own claims are not clean: %v", found)
	}
	return set
}

func TestACleanClaimAsItIsSent(t *testing.T) {
	sent, data, _ := send1(t, content("E0123456789ABCDEF"))
	golden(t, "claim.837", data)
	read(t, data)
	if ID(sent.FileSha256) != sent.InterchangeId || sent.Size != int64(len(data)) {
		t.Errorf("%v is not the file's", sent)
	}
	c := sent.Claims[0]
	if part := data[c.Offset : c.Offset+c.Length]; !bytes.HasPrefix(part, []byte("CLM*E0123456789ABCDEF*")) || !bytes.HasSuffix(part, []byte("REF*6R*L1~")) {
		t.Errorf("the claim is said to stand at %s", part)
	}
}

// Of each patient's loop every byte is sealed under that patient's key; the envelope names nobody.
func TestAPatientsLoopIsSealedUnderThePatientsKey(t *testing.T) {
	_, _, all := send1(t, content("E1"), content("E2"))
	by := map[string]string{}
	for _, e := range all {
		if p, ok := e.(*pb.InterchangeBytes); ok {
			by[p.SubjectId] += string(p.Data)
		}
	}
	for subject, text := range by {
		if strings.HasPrefix(subject, "pat_") {
			if n := strings.Count(text, "CLM*"); n != 1 || !strings.Contains(text, "CLM*E"+subject[4:]) || !strings.Contains(text, "SAMPLE") {
				t.Errorf("%s seals %s", subject, text)
			}
		} else if strings.Contains(text, "SAMPLE") || strings.Contains(text, "F411") {
			t.Errorf("the envelope says %s", text)
		}
	}
	if len(by) != 3 {
		t.Errorf("%d subjects", len(by))
	}
}

func TestAChildOfTheSubscriber(t *testing.T) {
	c := content("E1")
	c.Relationship = typev1.Relationship_RELATIONSHIP_CHILD
	c.Person.PatientName, c.Person.PatientBirthDate = &typev1.PersonName{Last: "SAMPLE", First: "RILEY"}, "2015-01-09"
	_, data, _ := send1(t, c)
	p := read(t, data).Claims()[0]
	if p.Patient == nil || p.Patient.Relation != "19" || p.Patient.Person.First != "RILEY" || p.Subscriber.Insured.Relation != "" || p.Subscriber.Person.First != "JORDAN" {
		t.Errorf("read back %+v", p)
	}
}

func TestAReplacementNamesTheClaimItReplaces(t *testing.T) {
	c := content("E1")
	c.FrequencyCode, c.PayerClaimControlNumber = claimsv1.FrequencyCode_FREQUENCY_CODE_REPLACEMENT, "PCN77"
	_, data, _ := send1(t, c)
	if got := read(t, data).Claims()[0].Claim; got.Frequency != "7" || got.PayerClaimNumber != "PCN77" {
		t.Errorf("frequency %s of %s", got.Frequency, got.PayerClaimNumber)
	}
}

// secondary is a claim to the second payer, with what the first one decided.
func secondary() *claimsv1.ClaimContent {
	c := content("E2")
	c.PayerSequence, c.PayerName, c.EdiPayerId = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY, "STATE MEDICAID", "STM05"
	c.PriorPayers = []*claimsv1.PriorPayer{{
		PayerId: "pay_1", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, EdiPayerId: "EVG01", PayerName: "EVERGREEN HEALTH PLAN", FilingIndicator: "CI",
		PaidAmount: 8000, PatientResponsibilityAmount: 6000, AdjudicationDate: "2026-03-20", PayerClaimControlNumber: "EV1",
		Lines: []*claimsv1.PriorPayerLine{{LineId: "L1", PaidAmount: 8000, UnitsThousandths: 1000, Adjustments: []*typev1.Adjustment{
			{GroupCode: "CO", Carc: "45", Amount: 1000}, {GroupCode: "PR", Carc: "1", Amount: 6000},
		}}},
	}}
	c.PriorCoverageMemberIds = []string{"W100200300"}
	c.PriorSubscribers = []*claimsv1.OtherSubscriber{{Relationship: typev1.Relationship_RELATIONSHIP_CHILD, GroupNumber: "EVG-7", Name: &typev1.PersonName{Last: "SAMPLE", First: "ROBIN"}, Address: home()}}
	return c
}

func TestASecondaryClaimCarriesWhatTheFirstPayerDecided(t *testing.T) {
	_, data, _ := send1(t, secondary())
	golden(t, "secondary.837", data)
	p := read(t, data).Claims()[0]
	o := p.Claim.OtherPayers[0]
	if p.Subscriber.Insured.Sequence != "S" || o.Insured.Sequence != "P" || *o.Paid != 8000 || *o.PatientOwes != 6000 || o.PayerClaimNumber != "EV1" {
		t.Errorf("read back %+v", o)
	}
	a := p.Claim.Lines[0].Adjudications[0]
	if a.PayerID != "EVG01" || a.Paid != 8000 || len(a.Adjustments) != 2 || a.Decided != "2026-03-20" {
		t.Errorf("read back %+v", a)
	}
}

// The first payer's insured is its own coverage's, whoever the second payer's is: a spouse here, the patient or a parent there.
func TestTheEarlierPayersSubscriber(t *testing.T) {
	olga, sam, lee := &typev1.PersonName{Last: "OWN", First: "OLGA"}, &typev1.PersonName{Last: "SPOUSE", First: "SAM"}, &typev1.PersonName{Last: "PARENT", First: "LEE"}
	const self, spouse, child = typev1.Relationship_RELATIONSHIP_SELF, typev1.Relationship_RELATIONSHIP_SPOUSE, typev1.Relationship_RELATIONSHIP_CHILD
	for _, c := range []struct {
		name string
		told []*claimsv1.OtherSubscriber
		want []string
	}{
		{"the patient", []*claimsv1.OtherSubscriber{{Relationship: self, GroupNumber: "G7", Name: olga, Address: home()}},
			[]string{"SBR*P*18*G7******CI", "NM1*IL*1*OWN*OLGA****MI*TST139519~N3*12 ELM ST~N4*SPRINGFIELD*IL*627010001~NM1*PR*2*EVERGREEN"}},
		{"a parent", []*claimsv1.OtherSubscriber{{Relationship: child, Name: lee}}, []string{"SBR*P*19*******CI", "NM1*IL*1*PARENT*LEE****MI*TST139519~NM1*PR*2*EVERGREEN"}},
		{"not told, by a claim that was made before it was: the claim's own", nil, []string{"SBR*P*01*******CI", "NM1*IL*1*SPOUSE*SAM****MI*TST139519~NM1*PR*2*EVERGREEN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := secondary()
			s.Relationship, s.Person.PatientName, s.Person.SubscriberName, s.Person.SubscriberAddress = spouse, olga, sam, home()
			s.PriorCoverageMemberIds, s.PriorSubscribers = []string{"TST139519"}, c.told
			_, data, _ := send1(t, s)
			for _, want := range append(c.want, "SBR*S**", "NM1*IL*1*SPOUSE*SAM****MI*W100200300") {
				if !strings.Contains(string(data), want) {
					t.Errorf("%q is not in\n%s", want, data)
				}
			}
		})
	}
}

func TestAnEarlierPayerThatToldNoAmounts(t *testing.T) {
	c := secondary()
	c.PriorPayers[0].PaidAmount, c.PriorPayers[0].PatientResponsibilityAmount, c.PriorPayers[0].Lines = 0, 0, nil
	_, data, _ := send1(t, c)
	if o := read(t, data).Claims()[0].Claim.OtherPayers[0]; o.Paid != nil {
		t.Errorf("an amount was made up: %+v", o)
	}
}

func TestABrokenClaimDoesNotStopTheOthers(t *testing.T) {
	broken := content("E2")
	broken.Person.PatientAddress, broken.Person.SubscriberAddress = nil, nil
	sent, data, all := send1(t, content("E1"), broken, content("E3"))
	if n := len(read(t, data).Claims()); n != 2 || len(sent.Claims) != 2 {
		t.Errorf("%d claims went out", n)
	}
	no, ok := all[0].(*pb.SetAcknowledged)
	if !ok || no.ClaimId != "clm_2" || no.Status != "R" || !slices.Contains(no.Codes, "837p.patient_address:N3") {
		t.Errorf("the broken claim was answered by %v", all[0])
	}
	if s := estest.Fold(Stream, append(events{queued("clm_2", "pat_2", 1, broken, true)}, all...)); len(s.Waiting) != 0 {
		t.Errorf("%d claims wait for ever", len(s.Waiting))
	}
}

func TestTheSameStateGivesTheSameBytes(t *testing.T) {
	_, a, _ := send1(t, content("E1"), secondary(), content("E3"))
	_, b, _ := send1(t, content("E1"), secondary(), content("E3"))
	if !bytes.Equal(a, b) {
		t.Error("the same claims at the same time gave other bytes")
	}
}

func TestAFullBatchGoesAtOnce(t *testing.T) {
	var s State
	for i := range full {
		out, err := Queue(s, submission(fmt.Sprint("clm_", i), "pat_1", 1, content(fmt.Sprint("E", i))))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out {
			s = Evolve(s, e)
		}
		if sent := s.Sent == 1; sent != (i == full-1) {
			t.Fatalf("sent after %d claims: %v", i+1, sent)
		}
	}
	if len(s.Waiting) != 0 {
		t.Fatalf("%d claims still wait", len(s.Waiting))
	}
}

func question() *intakev1.EligibilityRequested {
	return &intakev1.EligibilityRequested{
		EligibilityCheckId: "elg_0123456789abcdefghjkmnpqrs", PatientId: "pat_1", PayerId: "pay_1", EdiPayerId: "EVG01", ReceiverId: "EVERGREEN", ServiceTypeCode: "MH",
		ServiceDate: "2026-03-05", Hop: 1, OrganizationNpi: "1234567893", OrganizationName: "LAKESIDE COUNSELING", PayerName: "EVERGREEN HEALTH PLAN",
		Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: "W100200300", SubscriberName: &typev1.PersonName{Last: "SAMPLE", First: "JORDAN"},
		SubscriberBirthDate: "1988-05-06", SubscriberSex: typev1.Sex_SEX_FEMALE,
	}
}

func TestAsk(t *testing.T) {
	out, err := Ask(State{}, Question{"EVERGREEN", question(), at})
	if err != nil {
		t.Fatal(err)
	}
	sent, data := sentOf(t, out)
	golden(t, "question.270", data)
	if len(sent.TraceNumbers) != 1 || sent.TraceNumbers[0] != question().EligibilityCheckId {
		t.Errorf("traces %v", sent.TraceNumbers)
	}
	for _, e := range out {
		if p, ok := e.(*pb.InterchangeBytes); ok && strings.Contains(string(p.Data), "SAMPLE") != (p.SubjectId == "pat_1") {
			t.Errorf("%s seals %s", p.SubjectId, p.Data)
		}
	}
	if again, _ := Ask(estest.Fold(Stream, out), Question{"EVERGREEN", question(), at}); len(again) != 0 {
		t.Errorf("the same question again: %v", again)
	}
}

func TestAQuestionAboutAChild(t *testing.T) {
	q := question()
	q.Relationship, q.PatientName, q.PatientBirthDate, q.PatientSex = typev1.Relationship_RELATIONSHIP_CHILD, &typev1.PersonName{Last: "SAMPLE", First: "RILEY"}, "2015-01-09", typev1.Sex_SEX_MALE
	out, err := Ask(State{}, Question{"EVERGREEN", q, at})
	if err != nil {
		t.Fatal(err)
	}
	_, data := sentOf(t, out)
	file, _ := x12.Read(data)
	set, found := t27x.Parse(file.Sets()[0])
	if m := set.Members(); len(found) > 0 || len(m) != 1 || m[0].Member.Person.First != "RILEY" || m[0].Member.Trace(x12.K270) != q.EligibilityCheckId {
		t.Errorf("read back %+v, %v", set, found)
	}
}

func TestAQuestionThatCanNotBeWrittenIsAnswered(t *testing.T) {
	q := question()
	q.OrganizationName, q.OrganizationNpi, q.EdiPayerId, q.PayerName = "", "", "", ""
	out, err := Ask(State{}, Question{"EVERGREEN", q, at})
	if err != nil || len(out) != 2 {
		t.Fatalf("%v, %v", out, err)
	}
	if a := out[1].(*pb.EligibilityAnswered); a.EligibilityCheckId != q.EligibilityCheckId || !slices.Equal(a.AaaCodes, []string{"15"}) {
		t.Errorf("answered by %v", a)
	}
}

// Claims and questions in any order, with some that can't be written: the numbers of what goes out are 1, 2, 3 …
func TestNumbersHaveNoGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s State
		next := 1
		for i := range rapid.IntRange(1, 30).Draw(t, "steps") {
			var out events
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				c := content(fmt.Sprint("E", i))
				if rapid.Bool().Draw(t, "broken") {
					c.Person.PatientAddress, c.Person.SubscriberAddress = nil, nil
				}
				out, _ = Queue(s, submission(fmt.Sprint("clm_", i), "pat_1", 1, c))
			case 1:
				out, _ = Send(s, Due{"EVERGREEN", at})
			case 2:
				q := proto.CloneOf(question())
				q.EligibilityCheckId = fmt.Sprint("elg_", i)
				out, _ = Ask(s, Question{"EVERGREEN", q, at})
			case 3:
				q := proto.CloneOf(question())
				q.EligibilityCheckId, q.OrganizationName = fmt.Sprint("elg_", i), ""
				out, _ = Ask(s, Question{"EVERGREEN", q, at})
			}
			for _, e := range out {
				if sent, ok := e.(*pb.InterchangeSent); ok {
					if sent.InterchangeControlNumber != fmt.Sprintf("%09d", next) || sent.GroupControlNumber != fmt.Sprint(next) {
						t.Fatalf("file %d has number %s", next, sent.InterchangeControlNumber)
					}
					next++
				}
				s = Evolve(s, e)
			}
		}
	})
}

func TestReact(t *testing.T) {
	commands, err := React(es.Recorded{Event: &claimsv1.SubmissionRequested{ClaimId: "clm_1", Content: content("E1")}, RecordedAt: at}, es.Known{})
	if err != nil || len(commands) != 1 || commands[0].ID != "EVERGREEN" {
		t.Fatalf("%v, %v", commands, err)
	}
	for _, c := range []struct{ id, edi, want string }{
		{" EVERGREEN ", "EVG01", "EVERGREEN"}, {"", "A-VERY-LONG-PAYER-ID", "A-VERY-LONG-PAY"}, {"", "", "UNKNOWN"},
	} {
		if got := receiver(c.id, c.edi); got != c.want {
			t.Errorf("receiver %q, payer %q: %q", c.id, c.edi, got)
		}
	}
}

func TestTimers(t *testing.T) {
	r := es.Recorded{Kind: Stream.Kind, StreamID: "EVERGREEN", RecordedAt: at}
	r.Event = queued("clm_1", "pat_1", 1, content("E1"), true)
	set := Timers(r)
	if len(set) != 1 || !set[0].Set.DueAt.Equal(at.Add(30*time.Minute)) {
		t.Fatalf("the first claim: %v", set)
	}
	r.Event = queued("clm_2", "pat_1", 1, content("E2"), false)
	if later := Timers(r); later != nil {
		t.Errorf("a later claim: %v", later)
	}
	r.Event = &pb.InterchangeSent{Claims: []*pb.SentClaim{{}}}
	if sent := Timers(r); len(sent) != 1 || sent[0].Cancel != set[0].Set.Key {
		t.Errorf("a sent batch: %v", sent)
	}
	r.Event = &pb.InterchangeSent{Kind: "270"}
	if asked := Timers(r); asked != nil {
		t.Errorf("a question: %v", asked)
	}
	if due := OnTimer(*set[0].Set); len(due) != 1 || due[0].ID != "EVERGREEN" {
		t.Errorf("due: %v", due)
	}
}
