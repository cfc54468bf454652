package coding_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/coding"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The service through its API, on PostgreSQL and a broker: a session is sent, signed, asked about for want of a price, and coded once the price is there.
func TestFromSessionToCharges(t *testing.T) {
	p := hosttest.Start(t, nil, coding.New())
	api := pb.NewCodingServiceClient(hosttest.Conn(t, p, "coding"))
	tokens := []string{
		hosttest.Publish(t, p, "intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Sample"}}),
		hosttest.Publish(t, p, "intake", "coverage/cov_1", &intakev1.CoverageAdded{
			CoverageId: "cov_1", PatientId: "pat_1", PayerId: "pay_1", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, FromDate: "2025-01-01", MemberId: "M1",
		}),
		hosttest.Publish(t, p, "registry", "clinician/cli_1", &registryv1.ClinicianRegistered{ClinicianId: "cli_1", LicenseType: typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST}),
		hosttest.Publish(t, p, "registry", "location/loc_1", &registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", PlaceOfService: "11", TimeZone: "America/Chicago"}),
		hosttest.Publish(t, p, "registry", "payer/pay_1", &registryv1.PayerRegistered{PayerId: "pay_1"}),
		hosttest.Publish(t, p, "registry", "payer/pay_1", &registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2025-01-01", TelehealthCovered: true, TelehealthModifier: "95"}),
	}
	start := time.Date(2025, 3, 4, 2, 0, 0, 0, time.UTC) // the evening before in Chicago
	session := func(day string) *pb.ReceiveEncounterRequest {
		return &pb.ReceiveEncounterRequest{
			PatientId: "pat_1", ClinicianId: "cli_1", LocationId: "loc_1", ServiceDate: day, StartAt: timestamppb.New(start), EndAt: timestamppb.New(start.Add(53 * time.Minute)),
			Modality: typev1.Modality_MODALITY_VIDEO_PATIENT_HOME, ServiceKind: pb.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, DiagnosisCodes: []string{"F41.1"},
		}
	}
	if _, err := api.ReceiveEncounter(hosttest.As(t.Context(), p, "k0", tokens...), session("2025-03-04")); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("the day at Greenwich: %v", err)
	}
	r, err := api.ReceiveEncounter(hosttest.As(t.Context(), p, "k1", tokens...), session("2025-03-03"))
	if err != nil {
		t.Fatal(err)
	}
	sign := &pb.SignEncounterRequest{EncounterId: r.Id, SignedByClinicianId: "cli_1"}
	if _, err := api.SignEncounter(hosttest.As(t.Context(), p, "k2"), sign); err != nil {
		t.Fatal(err)
	}
	if again, err := api.SignEncounter(hosttest.As(t.Context(), p, "k2"), sign); err != nil || !again.Replayed {
		t.Fatalf("the repeated signature: %v, %v", again, err)
	}
	get := func() *pb.Encounter {
		t.Helper()
		e, err := api.GetEncounter(hosttest.As(t.Context(), p, ""), &pb.GetEncounterRequest{EncounterId: r.Id})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	if e := get(); e.Status != pb.EncounterStatus_ENCOUNTER_STATUS_CODER_QUERY || len(e.OpenQuery) != 1 || e.OpenQuery[0].RuleId != "coding.price" || e.DiagnosisCodes[0] != "F411" {
		t.Fatal(e)
	}
	prices := hosttest.Publish(t, p, "registry", "organization/org_1", &registryv1.ChargeSchedulePublished{
		OrganizationId: "org_1", FromDate: "2025-01-01", Rates: []*registryv1.ChargeRate{{ServiceCode: "90837", ChargeAmount: 15000}},
	})
	if _, err := api.AnswerCoderQuery(hosttest.As(t.Context(), p, "k3", prices), &pb.AnswerCoderQueryRequest{EncounterId: r.Id}); err != nil {
		t.Fatal(err)
	}
	e := get()
	if e.Status != pb.EncounterStatus_ENCOUNTER_STATUS_CODED || len(e.OpenQuery) != 0 || len(e.Lines) != 1 || len(e.Decisions) == 0 || e.ResponsiblePayers[0].PayerId != "pay_1" {
		t.Fatal(e)
	}
	if l := e.Lines[0]; l.ServiceCode != "90837" || l.PlaceOfService != "10" || l.Modifiers[0] != "95" || l.Charge.AmountMinor != 15000 {
		t.Fatal(l)
	}
	list := func(r *pb.ListEncountersRequest) int {
		t.Helper()
		out, err := api.ListEncounters(hosttest.As(t.Context(), p, ""), r)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range out.Encounters {
			if e.Charge.AmountMinor != 15000 || e.Version != get().Version {
				t.Fatal(e)
			}
		}
		return len(out.Encounters)
	}
	if n := list(&pb.ListEncountersRequest{PatientId: "pat_1", Status: pb.EncounterStatus_ENCOUNTER_STATUS_CODED}); n != 1 {
		t.Fatalf("%d coded", n)
	}
	if n := list(&pb.ListEncountersRequest{Status: pb.EncounterStatus_ENCOUNTER_STATUS_CODER_QUERY}); n != 0 {
		t.Fatalf("%d asked", n)
	}
	if _, err := api.GetEncounter(hosttest.As(t.Context(), p, ""), &pb.GetEncounterRequest{EncounterId: "enc_none"}); status.Code(err) != codes.NotFound {
		t.Fatal(err)
	}
}

// clinic is the service with a patient, a payer, a psychologist and prices; open hours of the location are those of Chicago.
func clinic(t *testing.T) (*host.Process, pb.CodingServiceClient, []string) {
	t.Helper()
	p := hosttest.Start(t, nil, coding.New())
	return p, pb.NewCodingServiceClient(hosttest.Conn(t, p, "coding")), []string{
		hosttest.Publish(t, p, "intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Sample"}}),
		hosttest.Publish(t, p, "registry", "clinician/cli_1", &registryv1.ClinicianRegistered{ClinicianId: "cli_1", LicenseType: typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST}),
		hosttest.Publish(t, p, "registry", "location/loc_1", &registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", PlaceOfService: "11", TimeZone: "America/Chicago"}),
		hosttest.Publish(t, p, "registry", "organization/org_1", &registryv1.ChargeSchedulePublished{
			OrganizationId: "org_1", FromDate: "2024-01-01", Rates: []*registryv1.ChargeRate{{ServiceCode: "90837", ChargeAmount: 15000}, {ServiceCode: "90834", ChargeAmount: 12000}, {ServiceCode: "90832", ChargeAmount: 9000}},
		}),
	}
}

func session(day string, start time.Time, minutes int) *pb.ReceiveEncounterRequest {
	return &pb.ReceiveEncounterRequest{
		PatientId: "pat_1", ClinicianId: "cli_1", LocationId: "loc_1", ServiceDate: day, StartAt: timestamppb.New(start), EndAt: timestamppb.New(start.Add(time.Duration(minutes) * time.Minute)),
		Modality: typev1.Modality_MODALITY_IN_PERSON, ServiceKind: pb.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, DiagnosisCodes: []string{"F41.1"},
	}
}

// Sessions of one patient and day that are signed at the same instant: one is coded, all others are asked about. What a coder says stands is billed; a voided charge makes room.
func TestSessionsOfOneDaySignedAtOnce(t *testing.T) {
	p, api, tokens := clinic(t)
	const sessions = 6
	var ids []string
	for i := range sessions {
		r, err := api.ReceiveEncounter(hosttest.As(t.Context(), p, fmt.Sprint("r", i), tokens...), session("2025-03-04", time.Date(2025, 3, 4, 15+i, 0, 0, 0, time.UTC), 53))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.Id)
	}
	done := make(chan error)
	for i, id := range ids {
		go func() {
			_, err := api.SignEncounter(hosttest.As(t.Context(), p, fmt.Sprint("s", i)), &pb.SignEncounterRequest{EncounterId: id, SignedByClinicianId: "cli_1"})
			done <- err
		}()
	}
	for range ids {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	get := func(id string, tokens ...string) *pb.Encounter {
		t.Helper()
		e, err := api.GetEncounter(hosttest.As(t.Context(), p, "", tokens...), &pb.GetEncounterRequest{EncounterId: id})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	var first string
	var asked []string
	for _, id := range ids {
		switch e := get(id); {
		case e.Status == pb.EncounterStatus_ENCOUNTER_STATUS_CODED:
			first += id
		case e.Status == pb.EncounterStatus_ENCOUNTER_STATUS_CODER_QUERY && len(e.OpenQuery) == 1 && e.OpenQuery[0].RuleId == "coding.psychotherapy_once_a_day":
			asked = append(asked, id)
		default:
			t.Fatal(e)
		}
	}
	if len(asked) != sessions-1 {
		t.Fatalf("%s coded, %v asked about", first, asked)
	}
	answer := func(key string, r *pb.AnswerCoderQueryRequest, tokens ...string) *pb.Encounter {
		t.Helper()
		if _, err := api.AnswerCoderQuery(hosttest.As(t.Context(), p, key, tokens...), r); err != nil {
			t.Fatal(err)
		}
		return get(r.EncounterId)
	}
	if e := answer("a1", &pb.AnswerCoderQueryRequest{EncounterId: asked[0], DistinctService: true, DistinctModifier: "XE"}); e.Status != pb.EncounterStatus_ENCOUNTER_STATUS_CODED || e.Lines[0].Modifiers[0] != "XE" {
		t.Fatal(e)
	}
	if e := answer("a2", &pb.AnswerCoderQueryRequest{EncounterId: asked[1]}); len(e.OpenQuery) != 2 {
		t.Fatalf("two are billed, it is asked about both: %v", e.OpenQuery)
	}
	var voids []string
	for _, id := range []string{first, asked[0]} {
		voids = append(voids, hosttest.Publish(t, p, "posting", "account/"+id, &postingv1.ChargeVoided{AccountId: id, EncounterId: id, PatientId: "pat_1", ServiceDate: "2025-03-04"}))
	}
	if e := answer("a3", &pb.AnswerCoderQueryRequest{EncounterId: asked[1]}, voids...); e.Status != pb.EncounterStatus_ENCOUNTER_STATUS_CODED {
		t.Fatalf("their place is free: %v", e)
	}
}

// The date of service is the day on which the session began at the location, and its length is what passed, whatever the clock on the wall did meanwhile.
func TestMidnightAndClocksThatChange(t *testing.T) {
	p, api, tokens := clinic(t)
	zone, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		name       string
		start, end time.Time
		day, code  string
		minutes    int32
	}{
		{"across midnight it is the day it began", time.Date(2025, 1, 14, 23, 30, 0, 0, zone), time.Date(2025, 1, 15, 0, 10, 0, 0, zone), "2025-01-14", "90834", 40},
		{"across midnight at Greenwich only", time.Date(2025, 1, 20, 17, 45, 0, 0, zone), time.Date(2025, 1, 20, 18, 20, 0, 0, zone), "2025-01-20", "90832", 35},
		{"the hour that is skipped in March is no therapy", time.Date(2025, 3, 9, 1, 30, 0, 0, zone), time.Date(2025, 3, 9, 3, 10, 0, 0, zone), "2025-03-09", "90834", 40},
		{"the hour that comes twice in November is", time.Date(2025, 11, 2, 0, 45, 0, 0, zone), time.Date(2025, 11, 2, 0, 45, 0, 0, zone).Add(75 * time.Minute), "2025-11-02", "90837", 75},
		{"begun in the second of the two hours", time.Date(2024, 11, 3, 7, 15, 0, 0, time.UTC), time.Date(2024, 11, 3, 7, 55, 0, 0, time.UTC), "2024-11-03", "90834", 40},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := session(c.day, c.start, 0)
			request.EndAt = timestamppb.New(c.end)
			r, err := api.ReceiveEncounter(hosttest.As(t.Context(), p, fmt.Sprint("r", i), tokens...), request)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := api.SignEncounter(hosttest.As(t.Context(), p, fmt.Sprint("s", i)), &pb.SignEncounterRequest{EncounterId: r.Id, SignedByClinicianId: "cli_1"}); err != nil {
				t.Fatal(err)
			}
			e, err := api.GetEncounter(hosttest.As(t.Context(), p, ""), &pb.GetEncounterRequest{EncounterId: r.Id})
			if err != nil {
				t.Fatal(err)
			}
			if e.Minutes != c.minutes || e.ServiceDate != c.day || len(e.Lines) != 1 || e.Lines[0].ServiceCode != c.code {
				t.Fatalf("%d minutes on %s: %v", e.Minutes, e.ServiceDate, e.Lines)
			}
			next := session(date.Add(c.day, 1), c.start, 40)
			if _, err := api.ReceiveEncounter(hosttest.As(t.Context(), p, fmt.Sprint("n", i)), next); status.Code(err) != codes.FailedPrecondition {
				t.Fatalf("the day after: %v", err)
			}
		})
	}
}

// A visit in three claims of another system, through the service: coded once, and each claim that says something can be seen.
func TestAVisitInSeveralClaims(t *testing.T) {
	p, api, _ := clinic(t)
	claim := func(id, code string, payers ...string) *exchangev1.ClaimImported {
		e := &exchangev1.ClaimImported{
			ImportId: id, EncounterId: "enc_9", PatientId: "pat_1", OrganizationId: "org_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: "2025-03-03", PriorClaimNumber: "X1",
			Lines: []*typev1.ServiceLine{{LineId: "1", ServiceCode: code, ChargeAmount: 15000, ServiceDate: "2025-03-03"}}, ChargeAmount: 15000, Source: &typev1.Source{InterchangeId: "itc_" + id, Segment: "CLM"},
		}
		for i, payer := range payers {
			e.Coverages = append(e.Coverages, &exchangev1.ImportedCoverage{CoverageId: "cov_" + payer, PayerId: payer, PayerSequence: typev1.PayerSequence(i + 1)})
		}
		return e
	}
	var tokens []string
	for _, e := range []*exchangev1.ClaimImported{claim("one", "90837", "pay_1"), claim("copy", "90837", "pay_1"), claim("two", "90837", "pay_1", "pay_2"), claim("other", "90834", "pay_1")} {
		tokens = append(tokens, hosttest.Publish(t, p, "exchange", "interchange/itc_1", e)) // one file, so in this order
	}
	e, err := api.GetEncounter(hosttest.As(t.Context(), p, "", tokens...), &pb.GetEncounterRequest{EncounterId: "enc_9"})
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	for _, i := range e.Imports {
		said += fmt.Sprint(i.Outcome, " ", i.Source.GetInterchangeId(), " ", len(i.Reasons), "; ")
	}
	if said != "visit itc_one 0; payers_told itc_two 0; held itc_other 1; " || !e.Imported || e.Charge.AmountMinor != 15000 || len(e.ResponsiblePayers) != 2 {
		t.Fatalf("%s: %v", said, e)
	}
}
