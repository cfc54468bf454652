package encounter

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/coding/rules"
	"github.com/evenkeel/evenkeel/services/coding/servicehistory"
)

type events = []es.Event

const (
	start    = 1772460000 // 2026-03-02 14:00 UTC
	primary  = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	second   = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	tertiary = typev1.PayerSequence_PAYER_SEQUENCE_TERTIARY
)

func at(seconds int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: seconds} }

func request(change func(*pb.ReceiveEncounterRequest)) *pb.ReceiveEncounterRequest {
	r := &pb.ReceiveEncounterRequest{
		PatientId: "pat_1", ClinicianId: "cli_1", LocationId: "loc_1", ServiceDate: "2026-03-02", StartAt: at(start), EndAt: at(start + 55*60),
		Modality: typev1.Modality_MODALITY_IN_PERSON, ServiceKind: pb.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, DiagnosisCodes: []string{"F41.1"},
	}
	if change != nil {
		change(r)
	}
	return r
}

func received(change func(*pb.EncounterReceived)) *pb.EncounterReceived {
	e := &pb.EncounterReceived{
		EncounterId: "enc_1", PatientId: "pat_1", ClinicianId: "cli_1", LocationId: "loc_1", ServiceDate: "2026-03-02", StartAt: at(start), EndAt: at(start + 55*60),
		Modality: typev1.Modality_MODALITY_IN_PERSON, ServiceKind: pb.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, DiagnosisCodes: []string{"F411"},
	}
	if change != nil {
		change(e)
	}
	return e
}

func TestReceive(t *testing.T) {
	known := Known{Patient: true, Clinician: true, Location: true, StartDay: "2026-03-02", Today: "2026-03-02"}
	with := func(k Known) func(State, *pb.ReceiveEncounterRequest) ([]es.Event, error) {
		return func(s State, c *pb.ReceiveEncounterRequest) ([]es.Event, error) { return Receive(s, c, "enc_1", k) }
	}
	type req = *pb.ReceiveEncounterRequest
	refused := func(name string, change func(req), rules string) estest.Case[req] {
		return estest.Case[req]{Name: name, When: request(change), Refused: rules}
	}
	estest.Run(t, Stream, with(known), []estest.Case[req]{
		{Name: "a session is taken, its diagnoses without dots", When: request(nil), Then: events{received(nil)}},
		{Name: "a session is sent once", Given: events{received(nil)}, When: request(nil), Refused: "coding.encounter_new"},
		refused("it ends after it starts", func(r req) { r.EndAt = r.StartAt }, "coding.session_times"),
		refused("it lasts a day at most", func(r req) { r.EndAt = at(start + 24*3600 + 1) }, "coding.session_times"),
		{Name: "a whole day is possible", When: request(func(r req) { r.EndAt = at(start + 24*3600) }), Then: events{received(func(e *pb.EncounterReceived) { e.EndAt = at(start + 24*3600) })}},
		refused("the date of service is the day at the location", func(r req) { r.ServiceDate = "2026-03-01" }, "coding.service_date"),
		refused("a day that is none", func(r req) { r.ServiceDate = "2026-02-30" }, "coding.service_date"),
		refused("at least one diagnosis", func(r req) { r.DiagnosisCodes = nil }, "coding.diagnoses"),
		refused("at most twelve", func(r req) {
			r.DiagnosisCodes = []string{"F01", "F02", "F03", "F04", "F05", "F06", "F07", "F08", "F09", "F10", "F11", "F12", "F13"}
		}, "coding.diagnoses"),
		refused("written like ICD-10-CM", func(r req) { r.DiagnosisCodes = []string{"300.02"} }, "coding.diagnoses"),
		refused("each once", func(r req) { r.DiagnosisCodes = []string{"F41.1", "f411"} }, "coding.diagnoses"),
		{Name: "a Z code is one", When: request(func(r req) { r.DiagnosisCodes = []string{"Z63.5", "T74.11XA"} }), Then: events{received(func(e *pb.EncounterReceived) { e.DiagnosisCodes = []string{"Z635", "T7411XA"} })}},
		refused("a medication visit names its E/M code", func(r req) { r.ServiceKind = pb.ServiceKind_SERVICE_KIND_MEDICATION }, "coding.evaluation_management"),
		refused("beside therapy the E/M minutes are told", func(r req) {
			r.ServiceKind, r.EvaluationManagementCode = pb.ServiceKind_SERVICE_KIND_MEDICATION_AND_PSYCHOTHERAPY, "99213"
		}, "coding.evaluation_management"),
		refused("they fit into the session", func(r req) {
			r.ServiceKind, r.EvaluationManagementCode, r.EvaluationManagementMinutes = pb.ServiceKind_SERVICE_KIND_MEDICATION, "99213", 56
		}, "coding.evaluation_management"),
		refused("therapy has no E/M", func(r req) { r.EvaluationManagementCode = "99213" }, "coding.evaluation_management"),
		refused("a group has patients", func(r req) { r.ServiceKind, r.GroupSize = pb.ServiceKind_SERVICE_KIND_GROUP, 1 }, "coding.group_size"),
		refused("a session alone has no group", func(r req) { r.GroupSize = 5 }, "coding.group_size"),
		refused("everything is said at once", func(r req) { r.EndAt, r.ServiceDate, r.DiagnosisCodes = at(start-60), "2026-03-03", nil },
			"coding.session_times coding.service_date coding.not_in_future coding.diagnoses"),
	})
	estest.Run(t, Stream, with(Known{}), []estest.Case[req]{
		refused("who and where must exist", nil, "coding.patient_exists coding.clinician_exists coding.location_exists"),
		refused("and the appointment, where one is named", func(r req) { r.AppointmentId = "apt_nope" },
			"coding.patient_exists coding.clinician_exists coding.location_exists coding.appointment_exists"),
	})
	unborn := known
	unborn.BirthDate = "2026-03-03"
	estest.Run(t, Stream, with(unborn), []estest.Case[req]{
		refused("who is treated is born", nil, "coding.after_birth"),
	})
	others := known
	others.Authorization = &authorizationv1.AuthorizationApproved{AuthorizationId: "aut_1", PatientId: "pat_2"}
	others.Appointment = &intakev1.AppointmentScheduled{AppointmentId: "apt_1", PatientId: "pat_2"}
	estest.Run(t, Stream, with(others), []estest.Case[req]{
		refused("another patient's authorization and appointment", func(r req) { r.AuthorizationId, r.AppointmentId = "aut_1", "apt_1" },
			"coding.authorization_of_patient coding.appointment_of_patient"),
	})
	booked := known
	booked.Appointment = &intakev1.AppointmentScheduled{AppointmentId: "apt_1", PatientId: "pat_1"}
	estest.Run(t, Stream, with(booked), []estest.Case[req]{
		{Name: "the patient's appointment", When: request(func(r req) { r.AppointmentId = "apt_1" }), Then: events{received(func(e *pb.EncounterReceived) { e.AppointmentId = "apt_1" })}},
	})
	future := known
	future.Today = "2026-03-01"
	estest.Run(t, Stream, with(future), []estest.Case[req]{refused("it has been given", nil, "coding.not_in_future")})
}

func situation() Situation {
	return Situation{
		Facts: rules.Facts{
			Location:   &registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", PlaceOfService: "11"},
			Clinician:  &registryv1.ClinicianRegistered{ClinicianId: "cli_1", LicenseType: typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST},
			Supervisor: &registryv1.ClinicianRegistered{ClinicianId: "cli_9"},
			PayerID:    "pay_1", Payer: &registryv1.PayerRegistered{PayerId: "pay_1"},
			Policy:  &registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2026-01-01"},
			Charges: &registryv1.ChargeSchedulePublished{FromDate: "2026-01-01", Rates: []*registryv1.ChargeRate{{ServiceCode: "90837", ChargeAmount: 15000}, {ServiceCode: "90832", ChargeAmount: 8000}}},
		},
		OrganizationID: "org_1", Payers: []*intakev1.ResponsiblePayer{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: primary}},
		AuthorizationID: "aut_1", Approved: &authorizationv1.AuthorizationApproved{AuthorizationId: "aut_1", PatientId: "pat_1", PayerId: "pay_1", AuthNo: "A77", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"90832": 9, "90837": 9}},
	}
}

// short keeps of events what the tables state; decisions are package rules' business.
func short(in events, err error) (events, error) {
	for i, e := range in {
		switch e := e.(type) {
		case *pb.CodesDerived:
			in[i] = &pb.CodesDerived{EncounterId: e.EncounterId, Minutes: e.Minutes}
		case *pb.CoderQueryRaised:
			q := proto.Clone(e).(*pb.CoderQueryRaised)
			for _, r := range q.Reasons {
				r.Message, r.Owner, r.RuleVersion, r.Field = "", "", 0, ""
			}
			in[i] = q
		}
	}
	return in, err
}

func signing(now Situation) func(State, *pb.SignEncounterRequest) ([]es.Event, error) {
	return func(s State, c *pb.SignEncounterRequest) ([]es.Event, error) {
		out, _, err := Sign(s, servicehistory.State{}, c, now)
		return short(out, err)
	}
}

func completed(code string, charge int64) *pb.CodingCompleted {
	return &pb.CodingCompleted{
		EncounterId: "enc_1", PatientId: "pat_1", OrganizationId: "org_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: "2026-03-02",
		Lines: []*typev1.ServiceLine{{
			LineId: "L1", ServiceCode: code, UnitsThousandths: 1000, PlaceOfService: "11", ChargeAmount: charge, DiagnosisPointers: []int32{1}, ServiceDate: "2026-03-02",
		}},
		ChargeAmount: charge, ResponsiblePayers: situation().Payers, AuthorizationId: "aut_1", AuthNo: "A77", DiagnosisCodes: []string{"F411"}, DiagnosisCodeSystem: "10",
		Modality: typev1.Modality_MODALITY_IN_PERSON,
	}
}

func query(rules ...string) *pb.CoderQueryRaised {
	q := &pb.CoderQueryRaised{EncounterId: "enc_1", PatientId: "pat_1"}
	q.Reasons = reasons(rules)
	return q
}

var signed = &pb.EncounterSigned{EncounterId: "enc_1", PatientId: "pat_1", SignedByClinicianId: "cli_1"}

// Each bad diagnosis is named by its own place.
func TestDiagnosesAreNamedByTheirPlace(t *testing.T) {
	_, err := Receive(State{}, request(func(r *pb.ReceiveEncounterRequest) { r.DiagnosisCodes = []string{"300.02", "F41.1", "x", "f411"} }), "enc_1",
		Known{Patient: true, Clinician: true, Location: true, StartDay: "2026-03-02", Today: "2026-03-02"})
	var fields []string
	for _, r := range refuse.Reasons(err) {
		fields = append(fields, r.Field)
	}
	if got := strings.Join(fields, " "); got != "diagnosis_codes[0] diagnosis_codes[2] diagnosis_codes[3]" {
		t.Error(got)
	}
}

func TestSign(t *testing.T) {
	by := func(id string) *pb.SignEncounterRequest {
		return &pb.SignEncounterRequest{EncounterId: "enc_1", SignedByClinicianId: id}
	}
	derived := &pb.CodesDerived{EncounterId: "enc_1", Minutes: 55}
	bySupervisor := proto.Clone(signed).(*pb.EncounterSigned)
	bySupervisor.SignedByClinicianId = "cli_9"
	brief := received(func(e *pb.EncounterReceived) { e.EndAt = at(start + 10*60) })
	type c = estest.Case[*pb.SignEncounterRequest]
	estest.Run(t, Stream, signing(situation()), []c{
		{Name: "a signed session is coded", Given: events{received(nil)}, When: by("cli_1"), Then: events{signed, derived, completed("90837", 15000)}},
		{Name: "the supervisor may sign", Given: events{received(nil)}, When: by("cli_9"), Then: events{bySupervisor, derived, completed("90837", 15000)}},
		{Name: "nobody else may", Given: events{received(nil)}, When: by("cli_2"), Refused: "coding.signer"},
		{Name: "once", Given: events{received(nil), signed}, When: by("cli_1"), Refused: "coding.signed_once"},
		{Name: "what was not received is not there", When: by("cli_1"), Refused: "coding.encounter_received"},
		{Name: "too short to bill is asked about, signed all the same", Given: events{brief}, When: by("cli_1"), Then: events{signed, query("coding.psychotherapy_time")}},
	})
	nobody := situation()
	nobody.Supervisor = nil
	estest.Run(t, Stream, signing(nobody), []c{{Name: "no supervisor, no empty signature", Given: events{received(nil)}, When: by(""), Refused: "coding.signer"}})

	late := situation()
	late.Approved.ThruDate = "2026-03-01"
	noNumber := completed("90837", 15000)
	noNumber.AuthNo = ""
	estest.Run(t, Stream, signing(late), []c{{
		Name: "an approval that ended before the session gives no number", Given: events{received(nil)}, When: by("cli_1"), Then: events{signed, derived, noNumber},
	}})
	other, elsewhere, foreign := situation(), situation(), situation()
	other.Approved.UnitsByCode = map[string]int32{"90847": 9}
	elsewhere.Approved.LocationIds = []string{"loc_9"}
	foreign.Approved.PayerId = "pay_9"
	for name, s := range map[string]Situation{"nor does one for another code": other, "nor one for other locations": elsewhere, "nor one of a payer that is not the visit's": foreign} {
		estest.Run(t, Stream, signing(s), []c{{Name: name, Given: events{received(nil)}, When: by("cli_1"), Then: events{signed, derived, noNumber}}})
	}

	double := situation()
	double.Payers = append(double.Payers, &intakev1.ResponsiblePayer{CoverageId: "cov_2", PayerId: "pay_2", PayerSequence: primary})
	estest.Run(t, Stream, signing(double), []c{{Name: "two primaries are asked about", Given: events{received(nil)}, When: by("cli_1"), Then: events{signed, query("coding.payer_order")}}})

	self := situation()
	self.SelfPay, self.Payers, self.Payer, self.Policy, self.AuthorizationID, self.Approved = true, nil, nil, nil, "", nil
	selfPay := completed("90837", 15000)
	selfPay.ResponsiblePayers, selfPay.AuthorizationId, selfPay.AuthNo = nil, "", ""
	estest.Run(t, Stream, signing(self), []c{{Name: "no coverage in force is self-pay", Given: events{received(nil)}, When: by("cli_1"), Then: events{signed, derived, selfPay}}})

	estest.Run(t, Stream, signing(Situation{Facts: rules.Facts{PayerID: "pay_1"}, Payers: situation().Payers}), []c{{
		Name: "facts that are missing are named", Given: events{received(nil)}, When: by("cli_1"),
		Then: events{signed, query("coding.location_known", "coding.clinician_known", "coding.payer_known")},
	}})
}

func TestAnswer(t *testing.T) {
	brief := received(func(e *pb.EncounterReceived) { e.EndAt = at(start + 10*60) })
	asked := events{brief, signed, query("coding.psychotherapy_time")}
	answered := func(code string, noBill bool) *pb.CoderQueryAnswered {
		return &pb.CoderQueryAnswered{EncounterId: "enc_1", PatientId: "pat_1", ServiceCode: code, NoBill: noBill}
	}
	answer := func(code string, noBill bool) *pb.AnswerCoderQueryRequest {
		return &pb.AnswerCoderQueryRequest{EncounterId: "enc_1", ServiceCode: code, NoBill: noBill}
	}
	decide := func(s State, c *pb.AnswerCoderQueryRequest) ([]es.Event, error) {
		out, _, err := Answer(s, servicehistory.State{}, c, situation())
		return short(out, err)
	}
	derived := &pb.CodesDerived{EncounterId: "enc_1", Minutes: 10}
	estest.Run(t, Stream, decide, []estest.Case[*pb.AnswerCoderQueryRequest]{
		{Name: "the coder's code is billed", Given: asked, When: answer("90832", false), Then: events{answered("90832", false), derived, completed("90832", 8000)}},
		{Name: "nothing is billed", Given: asked, When: answer("", true), Then: events{answered("", true)}},
		{Name: "not both", Given: asked, When: answer("90832", true), Refused: "coding.one_answer"},
		{Name: "what stays open is asked again", Given: asked, When: answer("96127", false), Then: events{answered("96127", false), query("coding.price")}},
		{Name: "asked to code again, a coder's code is kept", Given: append(asked[:3:3], answered("90832", false), query("coding.price")), When: answer("", false), Then: events{answered("", false), derived, completed("90832", 8000)}},
		{Name: "without a query there is no answer", Given: events{brief}, When: answer("90832", false), Refused: "coding.query_open"},
		{Name: "once", Given: append(asked[:3:3], answered("", true)), When: answer("90832", false), Refused: "coding.query_open"},
		{Name: "what was not received is not there", When: answer("", true), Refused: "coding.encounter_received"},
	})
}

// entry is a visit in the patient's history.
func entry(id string, codes ...string) *pb.ServicesEntered {
	return &pb.ServicesEntered{PatientId: "pat_1", EncounterId: id, OrganizationId: "org_1", ClinicianId: "cli_1", ServiceDate: "2026-03-02", ServiceCodes: codes}
}

// A second session of the day is asked about; a coder says what becomes of it.
func TestASecondSessionOfTheDay(t *testing.T) {
	morning := servicehistory.State{Entered: []*pb.ServicesEntered{entry("enc_0", "90834")}}
	sign := func(s State, c *pb.SignEncounterRequest) ([]es.Event, error) {
		out, entered, err := Sign(s, morning, c, situation())
		if len(entered) > 0 {
			t.Fatalf("what is asked about is not billed, yet it was entered: %v", entered)
		}
		return short(out, err)
	}
	asked := events{received(nil), signed, query("coding.psychotherapy_once_a_day")}
	estest.Run(t, Stream, sign, []estest.Case[*pb.SignEncounterRequest]{{
		Name: "is asked about", Given: asked[:1], When: &pb.SignEncounterRequest{EncounterId: "enc_1", SignedByClinicianId: "cli_1"}, Then: asked[1:],
	}})

	type answer = pb.AnswerCoderQueryRequest
	answering := func(given servicehistory.State) func(State, *answer) ([]es.Event, error) {
		return func(s State, c *answer) ([]es.Event, error) {
			out, _, err := Answer(s, given, c, situation())
			return short(out, err)
		}
	}
	answered := func(distinct bool, modifier string) *pb.CoderQueryAnswered {
		return &pb.CoderQueryAnswered{EncounterId: "enc_1", PatientId: "pat_1", DistinctService: distinct, DistinctModifier: modifier}
	}
	derived := &pb.CodesDerived{EncounterId: "enc_1", Minutes: 55}
	with := completed("90837", 15000)
	with.Lines[0].Modifiers = []string{"XE"}
	estest.Run(t, Stream, answering(morning), []estest.Case[*answer]{
		{Name: "both stand, with the modifier that says so", Given: asked, When: &answer{EncounterId: "enc_1", DistinctService: true, DistinctModifier: "XE"}, Then: events{answered(true, "XE"), derived, with}},
		{Name: "both stand, and the payer wants no modifier", Given: asked, When: &answer{EncounterId: "enc_1", DistinctService: true}, Then: events{answered(true, ""), derived, completed("90837", 15000)}},
		{Name: "another code does not make it stand", Given: asked, When: &answer{EncounterId: "enc_1", ServiceCode: "90832"}, Then: events{
			&pb.CoderQueryAnswered{EncounterId: "enc_1", PatientId: "pat_1", ServiceCode: "90832"}, query("coding.psychotherapy_once_a_day"),
		}},
		{Name: "nothing said, nothing changed", Given: asked, When: &answer{EncounterId: "enc_1"}, Then: events{answered(false, ""), query("coding.psychotherapy_once_a_day")}},
		{Name: "what was said once is kept", Given: append(asked[:3:3], answered(true, "XE"), query("coding.price")), When: &answer{EncounterId: "enc_1"}, Then: events{answered(false, ""), derived, with}},
		{Name: "not billed and billed beside is one too many", Given: asked, When: &answer{EncounterId: "enc_1", DistinctService: true, NoBill: true}, Refused: "coding.one_answer"},
		{Name: "a modifier alone says nothing", Given: asked, When: &answer{EncounterId: "enc_1", DistinctModifier: "59"}, Refused: "coding.distinct_modifier"},
	})
	estest.Run(t, Stream, answering(servicehistory.State{}), []estest.Case[*answer]{
		{Name: "coded again when the other one is billed no more", Given: asked, When: &answer{EncounterId: "enc_1"}, Then: events{answered(false, ""), derived, completed("90837", 15000)}},
		{Name: "then no modifier is needed", Given: asked, When: &answer{EncounterId: "enc_1", DistinctService: true, DistinctModifier: "XE"}, Then: events{answered(true, "XE"), derived, completed("90837", 15000)}},
	})
	_, entered, err := Answer(estest.Fold(Stream, asked), morning, &answer{EncounterId: "enc_1", DistinctService: true}, situation())
	if want := entry("enc_1", "90837"); err != nil || len(entered) != 1 || !slices.Equal(entered[0].(*pb.ServicesEntered).ServiceCodes, want.ServiceCodes) {
		t.Fatalf("what stands is entered too: %v, %v", entered, err)
	}
}

func imported(first typev1.PayerSequence, rest ...typev1.PayerSequence) *exchangev1.ClaimImported {
	e := &exchangev1.ClaimImported{
		EncounterId: "enc_1", PatientId: "pat_1", OrganizationId: "org_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: "2014-05-05",
		Lines: []*typev1.ServiceLine{{LineId: "1", ServiceCode: "90806", ServiceDate: "2014-05-05", ChargeAmount: 12000}}, ChargeAmount: 12000, AuthorizationNumber: "A9", PriorClaimNumber: "X1",
		Person: &claimsv1.ClaimPerson{DiagnosisCodes: []string{"30002"}, DiagnosisCodeSystem: "9"}, RenderingProvider: &claimsv1.Provider{Taxonomy: "103T00000X"},
	}
	for _, s := range append([]typev1.PayerSequence{first}, rest...) {
		e.Coverages = append(e.Coverages, &exchangev1.ImportedCoverage{CoverageId: "cov" + s.String(), PayerId: "pay" + s.String(), PayerSequence: s})
	}
	return e
}

func TestImport(t *testing.T) {
	payer := func(s typev1.PayerSequence) *intakev1.ResponsiblePayer {
		return &intakev1.ResponsiblePayer{CoverageId: "cov" + s.String(), PayerId: "pay" + s.String(), PayerSequence: s}
	}
	base := func(payers []*intakev1.ResponsiblePayer, priors ...*pb.PriorAdjudication) *pb.CodingCompleted {
		return &pb.CodingCompleted{
			EncounterId: "enc_1", PatientId: "pat_1", OrganizationId: "org_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: "2014-05-05",
			Lines: imported(primary).Lines, ChargeAmount: 12000, AuthNo: "A9", Imported: true, PriorClaimNumber: "X1", DiagnosisCodes: []string{"30002"}, DiagnosisCodeSystem: "9",
			RenderingTaxonomy: "103T00000X", ResponsiblePayers: payers, PriorAdjudications: priors,
		}
	}
	told := imported(second, primary)
	told.PriorAdjudications = []*pb.PriorAdjudication{{PayerId: "payPAYER_SEQUENCE_PRIMARY", PayerSequence: primary, PaidAmount: 5000}}
	estest.Run(t, Stream, Import, []estest.Case[*exchangev1.ClaimImported]{
		{Name: "charges are taken as they came", When: imported(primary), Then: events{base([]*intakev1.ResponsiblePayer{payer(primary)})}},
		{Name: "payers are in order", When: imported(primary, tertiary, second), Then: events{base([]*intakev1.ResponsiblePayer{payer(primary), payer(second), payer(tertiary)})}},
		{Name: "what the earlier payer decided comes along", When: told, Then: events{base([]*intakev1.ResponsiblePayer{payer(primary), payer(second)}, told.PriorAdjudications...)}},
		{Name: "an earlier payer that told nothing has decided all the same", When: imported(second, primary), Then: events{base([]*intakev1.ResponsiblePayer{payer(primary), payer(second)},
			&pb.PriorAdjudication{PayerId: "payPAYER_SEQUENCE_PRIMARY", PayerSequence: primary})}},
		{Name: "the same file again changes nothing", Given: events{base(nil)}, When: imported(primary)},
	})
}

func TestResponsible(t *testing.T) {
	p := func(in ...es.Event) Patient {
		var s Patient
		for _, e := range in {
			s = PatientMirror.Evolve(s, e)
		}
		return s
	}
	first := &intakev1.CoverageAdded{CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", PayerSequence: primary, FromDate: "2026-01-01"}
	other := &intakev1.CoverageAdded{CoverageId: "cov_0", PatientId: "pat_1", PayerId: "pay_2", PayerSequence: second, FromDate: "2026-01-01", ThruDate: "2026-06-30"}
	ended := &intakev1.CoverageTerminated{CoverageId: "cov_1", ThruDate: "2026-02-28"}
	carved := &intakev1.CarveOutIdentified{CoverageId: "cov_1", BehavioralPayerId: "pay_9"}
	for _, c := range []struct {
		name, day, want string
		in              []es.Event
	}{
		{"in order of payers", "2026-03-02", "pay_1 pay_2 ", events{other, first}},
		{"before the first day nobody", "2025-12-31", "", events{first, other}},
		{"the last day counts", "2026-06-30", "pay_1 pay_2 ", events{first, other}},
		{"ended coverage is left out", "2026-03-02", "pay_2 ", events{first, other, ended}},
		{"its last day counts", "2026-02-28", "pay_1 pay_2 ", events{first, other, ended}},
		{"a carve-out's behavioral payer adjudicates", "2026-03-02", "pay_9 pay_2 ", events{first, other, carved}},
		{"told in the other order", "2026-03-02", "pay_9 ", events{carved, first}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			for _, r := range p(c.in...).Responsible(c.day) {
				got += r.PayerId + " "
			}
			if got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
		})
	}
	registry := func(id string) *registryv1.PayerRegistered {
		return map[string]*registryv1.PayerRegistered{"pay_1": {PayerId: "pay_1", BehavioralPayerId: "pay_8"}}[id]
	}
	if got := Carved(p(first, other).Responsible("2026-03-02"), registry); got[0].PayerId != "pay_8" || got[1].PayerId != "pay_2" {
		t.Fatalf("a carve-out of the registry: %v", got)
	}
}

// Whatever is known when a session is signed: it is coded or asked about, once, and never both.
func TestASignedSessionHasOneOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := situation()
		if rapid.Bool().Draw(t, "no policy") {
			now.Policy = nil
		}
		if rapid.Bool().Draw(t, "no prices") {
			now.Charges = nil
		}
		var given servicehistory.State
		if rapid.Bool().Draw(t, "another that day") {
			given.Entered = []*pb.ServicesEntered{entry("enc_0", "90834")}
		}
		e := received(func(e *pb.EncounterReceived) {
			e.EndAt = at(start + int64(rapid.IntRange(1, 200).Draw(t, "minutes"))*60)
		})
		out, entered, err := Sign(estest.Fold(Stream, events{e}), given, &pb.SignEncounterRequest{EncounterId: "enc_1", SignedByClinicianId: "cli_1"}, now)
		if err != nil {
			t.Fatal(err)
		}
		coded, asked := 0, 0
		for _, e := range out {
			switch e.(type) {
			case *pb.CodingCompleted:
				coded++
			case *pb.CoderQueryRaised:
				asked++
			}
		}
		if coded+asked != 1 || coded != len(entered) {
			t.Fatalf("coded %d times, asked %d times, entered %d times", coded, asked, len(entered))
		}
	})
}

func reasons(rules []string) []*problemv1.Reason {
	out := make([]*problemv1.Reason, len(rules))
	for i, r := range rules {
		out[i] = &problemv1.Reason{RuleId: r}
	}
	return out
}
