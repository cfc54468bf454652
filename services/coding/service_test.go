package coding_test

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
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
