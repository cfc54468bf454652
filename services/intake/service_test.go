package intake_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/intake"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func noon() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }

var address = &typev1.Address{Line1: "12 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}

// practice is the service at work, in a practice that the registry knows.
type practice struct {
	*testing.T
	p      *host.Process
	api    pb.IntakeServiceClient
	tokens []string
	calls  int
}

func open(t *testing.T) *practice {
	p := hosttest.Start(t, noon, intake.New())
	s := &practice{T: t, p: p, api: pb.NewIntakeServiceClient(hosttest.Conn(t, p, "intake"))}
	s.hear("registry", "organization/org_1", &registryv1.OrganizationRegistered{OrganizationId: "org_1", Name: "Evergreen", Npi: "1234567893"})
	s.hear("registry", "location/loc_1", &registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", TimeZone: "America/Chicago"})
	s.hear("registry", "clinician/cli_1", &registryv1.ClinicianRegistered{ClinicianId: "cli_1"})
	s.hear("registry", "payer/pay_1", &registryv1.PayerRegistered{PayerId: "pay_1", Name: "Blue", EdiPayerId: "00621", ReceiverId: "HOUSE"})
	s.hear("registry", "payer/pay_9", &registryv1.PayerRegistered{PayerId: "pay_9", Name: "Mind", EdiPayerId: "MIND9", ReceiverId: "OTHER"})
	return s
}

func (s *practice) hear(service, stream string, e proto.Message) {
	s.Helper()
	s.tokens = append(s.tokens, hosttest.Publish(s.T, s.p, service, stream, e))
}

func (s *practice) must(r *typev1.Receipt, err error) string {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
	return r.Id
}

func (s *practice) patient(last, number string) string {
	s.Helper()
	return s.must(s.register(last, number))
}

func (s *practice) register(last, number string) (*typev1.Receipt, error) {
	s.calls++
	return s.api.RegisterPatient(hosttest.As(s.Context(), s.p, fmt.Sprint("k", s.calls), s.tokens...), &pb.RegisterPatientRequest{
		Name: &typev1.PersonName{Last: last, First: "Pat"}, BirthDate: "1990-05-01", Sex: typev1.Sex_SEX_FEMALE, Address: address, MedicalRecordNumber: number, LocationId: "loc_1",
	})
}

func (s *practice) cover(patient string) string {
	s.Helper()
	s.calls++
	return s.must(s.api.AddCoverage(hosttest.As(s.Context(), s.p, fmt.Sprint("k", s.calls)), &pb.AddCoverageRequest{
		PatientId: patient, PayerId: "pay_1", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, FromDate: "2026-01-01",
		Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: "W123456789",
	}))
}

// book books a visit late in the evening of the 9th, which is the 10th in UTC.
func (s *practice) book(patient, authorization string) string {
	s.Helper()
	s.calls++
	start := time.Date(2026, 3, 10, 1, 0, 0, 0, time.UTC)
	return s.must(s.api.ScheduleAppointment(hosttest.As(s.Context(), s.p, fmt.Sprint("k", s.calls), s.tokens...), &pb.ScheduleAppointmentRequest{
		PatientId: patient, ClinicianId: "cli_1", LocationId: "loc_1", StartAt: timestamppb.New(start), EndAt: timestamppb.New(start.Add(55 * time.Minute)),
		Modality: typev1.Modality_MODALITY_VIDEO_PATIENT_HOME, ServiceCode: "90837", AuthorizationId: authorization,
	}))
}

// becomes waits for a visit's readiness: the word, and the rules it names.
func (s *practice) becomes(appointment, want string) *pb.Appointment {
	s.Helper()
	var a *pb.Appointment
	hosttest.Until(s.T, "the visit becomes "+want, func() (err error) {
		if a, err = s.api.GetAppointment(hosttest.As(s.Context(), s.p, ""), &pb.GetAppointmentRequest{AppointmentId: appointment}); err != nil {
			return err
		}
		got := []string{strings.TrimPrefix(a.Readiness.String(), "READINESS_")}
		for _, r := range a.ReadinessReasons {
			got = append(got, r.RuleId)
		}
		if strings.Join(got, " ") != want {
			return fmt.Errorf("it is %v", got)
		}
		return nil
	})
	return a
}

// asked waits until a question is in the log for the exchange, the n-th.
func (s *practice) asked(n int) *pb.EligibilityRequested {
	s.Helper()
	var all []*pb.EligibilityRequested
	hosttest.Until(s.T, fmt.Sprint("question ", n, " is asked"), func() error {
		all = nil
		e := s.p.Runtime("intake").Engine
		records, err := e.Log.Read(s.Context(), 0, 1000)
		if err != nil {
			return err
		}
		for _, r := range records {
			rec, err := e.Open(s.Context(), r)
			if err != nil {
				return err
			}
			if q, ok := rec.Event.(*pb.EligibilityRequested); ok {
				all = append(all, q)
			}
		}
		if len(all) < n {
			return fmt.Errorf("%d questions were asked", len(all))
		}
		return nil
	})
	return all[n-1]
}

// The straight path: patient, coverage, a visit, the payer sends us to its administrator, that one says yes, the authorization holds units, the patient comes.
func TestFromPatientToClearedVisit(t *testing.T) {
	s := open(t)
	pat := s.patient("Quartzsample", "MRN-1")
	cov := s.cover(pat)
	s.hear("authorization", "authorization/aut_1", &authorizationv1.AuthorizationRequested{AuthorizationId: "aut_1", PatientId: pat, PayerId: "pay_1"})
	apt := s.book(pat, "aut_1")
	a := s.becomes(apt, "PENDING intake.eligibility_checked intake.authorization_determined")
	if a.ServiceDate != "2026-03-09" {
		t.Errorf("the visit is on %s: the day at the location counts", a.ServiceDate)
	}
	if len(a.ResponsiblePayers) != 1 || a.ResponsiblePayers[0].CoverageId != cov || a.ResponsiblePayers[0].PayerId != "pay_1" {
		t.Errorf("payers of the visit: %v", a.ResponsiblePayers)
	}

	check := s.must(s.api.CheckEligibility(hosttest.As(t.Context(), s.p, "check"), &pb.CheckEligibilityRequest{CoverageId: cov}))
	q := s.asked(1)
	if q.EligibilityCheckId != check || q.Hop != 1 || q.ReceiverId != "HOUSE" || q.ServiceDate != "2026-03-02" || q.OrganizationNpi != "1234567893" || q.MemberId != "W123456789" ||
		q.PatientName.GetLast() != "Quartzsample" || q.ServiceTypeCode != "MH" {
		t.Fatalf("asked: %v", q)
	}
	s.hear("exchange", "interchange/itc_1", &exchangev1.EligibilityAnswered{
		EligibilityCheckId: check, PatientId: pat, Status: pb.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY, OtherEntityName: "Mind", OtherEntityEdiPayerId: "MIND9",
	})
	next := s.asked(2)
	if next.Hop != 2 || next.PayerId != "pay_9" || next.ReceiverId != "OTHER" || next.MemberId != "W123456789" {
		t.Fatalf("asked next: %v", next)
	}
	s.hear("exchange", "interchange/itc_2", &exchangev1.EligibilityAnswered{
		EligibilityCheckId: next.EligibilityCheckId, PatientId: pat, Status: pb.CoverageStatus_COVERAGE_STATUS_ACTIVE, CopayAmount: 2500, AuthorizationRequired: true,
	})
	s.hear("authorization", "requirement/"+apt, &authorizationv1.AuthorizationRequirementDetermined{AppointmentId: apt, PatientId: pat, PayerId: "pay_1"})
	s.becomes(apt, "PENDING intake.authorization_determined")
	s.hear("authorization", "authorization/aut_1", &authorizationv1.UnitsReserved{AuthorizationId: "aut_1", AppointmentId: apt, ServiceCode: "90837", Units: 1})
	s.becomes(apt, "CLEARED")

	read := hosttest.As(t.Context(), s.p, "")
	if c, err := s.api.GetCoverage(read, &pb.GetCoverageRequest{CoverageId: cov}); err != nil || c.BehavioralPayerId != "pay_9" || c.CarveOutEvidence != check || c.SubscriberName.GetLast() != "Quartzsample" {
		t.Errorf("coverage: %v, %v", c, err)
	}
	if c, err := s.api.GetEligibilityCheck(read, &pb.GetEligibilityCheckRequest{EligibilityCheckId: check}); err != nil || c.NextEligibilityCheckId != next.EligibilityCheckId || c.OtherEntityName != "Mind" {
		t.Errorf("first check: %v, %v", c, err)
	}
	if c, err := s.api.GetEligibilityCheck(read, &pb.GetEligibilityCheckRequest{EligibilityCheckId: next.EligibilityCheckId}); err != nil || c.Copay.GetAmountMinor() != 2500 || !c.AuthorizationRequired {
		t.Errorf("second check: %v, %v", c, err)
	}
	page, err := s.api.ListEligibilityChecks(read, &pb.ListEligibilityChecksRequest{CoverageId: cov, PageSize: 1})
	if err != nil || len(page.EligibilityChecks) != 1 || page.NextPageToken == "" {
		t.Fatalf("checks: %v, %v", page, err)
	}
	if rest, err := s.api.ListEligibilityChecks(read, &pb.ListEligibilityChecksRequest{CoverageId: cov, PageSize: 1, PageToken: page.NextPageToken}); err != nil || len(rest.EligibilityChecks) != 1 ||
		rest.EligibilityChecks[0].EligibilityCheckId == page.EligibilityChecks[0].EligibilityCheckId {
		t.Errorf("the other check: %v, %v", rest, err)
	}
	listed := func(r *pb.ListAppointmentsRequest) *pb.AppointmentEntry {
		t.Helper()
		l, err := s.api.ListAppointments(read, r)
		if err != nil || len(l.Appointments) != 1 {
			t.Fatalf("listed: %v, %v", l, err)
		}
		return l.Appointments[0]
	}
	if e := listed(&pb.ListAppointmentsRequest{PatientId: pat, ClinicianId: "cli_1", FromDate: "2026-03-09", ThruDate: "2026-03-09", Readiness: pb.Readiness_READINESS_CLEARED}); e.StartAt.AsTime().Day() != 10 {
		t.Errorf("the visit starts at %v", e.StartAt.AsTime())
	}

	// The plan takes the coverage back: the visit is held, and says why.
	s.must(s.api.TerminateCoverage(hosttest.As(t.Context(), s.p, "end"), &pb.TerminateCoverageRequest{CoverageId: cov, ThruDate: "2026-02-28"}))
	s.becomes(apt, "HELD intake.coverage_known")
	if e := listed(&pb.ListAppointmentsRequest{Readiness: pb.Readiness_READINESS_HELD}); len(e.ReadinessReasons) != 1 || e.ReadinessReasons[0].Owner != "intake" {
		t.Errorf("listed as held: %v", e)
	}
	if _, err := s.api.CheckInAppointment(hosttest.As(t.Context(), s.p, "early"), &pb.CheckInAppointmentRequest{AppointmentId: apt}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("checked in a week early: %v", err)
	}
	s.must(s.api.CancelAppointment(hosttest.As(t.Context(), s.p, "cancel"), &pb.CancelAppointmentRequest{AppointmentId: apt, Reason: "moved"}))
	if e := listed(&pb.ListAppointmentsRequest{PatientId: pat}); e.Status != pb.AppointmentStatus_APPOINTMENT_STATUS_CANCELLED || e.Version != 2 || e.Readiness != 0 || len(e.ReadinessReasons) != 0 {
		t.Errorf("listed after the end: %v", e)
	}
}

// A visit's readiness is the same in a list and alone: of visits to come, and of no other.
func TestAVisitThatHasBegunHasNoReadiness(t *testing.T) {
	s := open(t)
	pat := s.patient("Sample", "MRN-2")
	at := timestamppb.New(noon())
	apt := s.must(s.api.ScheduleAppointment(hosttest.As(t.Context(), s.p, "today", s.tokens...), &pb.ScheduleAppointmentRequest{
		PatientId: pat, ClinicianId: "cli_1", LocationId: "loc_1", StartAt: at, EndAt: timestamppb.New(noon().Add(time.Hour)), Modality: typev1.Modality_MODALITY_IN_PERSON, ServiceCode: "90837",
	}))
	both := func() (alone, listed string) {
		t.Helper()
		a, err := s.api.GetAppointment(hosttest.As(t.Context(), s.p, ""), &pb.GetAppointmentRequest{AppointmentId: apt})
		if err != nil {
			t.Fatal(err)
		}
		l, err := s.api.ListAppointments(hosttest.As(t.Context(), s.p, "", s.tokens...), &pb.ListAppointmentsRequest{PatientId: pat})
		if err != nil || len(l.Appointments) != 1 {
			t.Fatalf("listed: %v, %v", l, err)
		}
		e := l.Appointments[0]
		return fmt.Sprint(a.Status, a.Readiness, len(a.ReadinessReasons)), fmt.Sprint(e.Status, e.Readiness, len(e.ReadinessReasons))
	}
	s.becomes(apt, "CLEARED intake.coverage_known")
	same := func(want string) {
		t.Helper()
		hosttest.Until(t, "list and visit say the same", func() error {
			if alone, listed := both(); alone != listed || !strings.HasPrefix(alone, want) {
				return fmt.Errorf("alone %s, listed %s, want %s", alone, listed, want)
			}
			return nil
		})
	}
	same("APPOINTMENT_STATUS_SCHEDULED READINESS_CLEARED 1")
	s.must(s.api.CheckInAppointment(hosttest.As(t.Context(), s.p, "in"), &pb.CheckInAppointmentRequest{AppointmentId: apt}))
	same("APPOINTMENT_STATUS_CHECKED_IN READINESS_UNSPECIFIED 0")
}

func TestPatientsAreFoundWithoutTheirNameBeingStored(t *testing.T) {
	s := open(t)
	pat := s.patient("Quartzsample", "MRN-1")
	other := s.patient("Otherone", "")
	find := func(r *pb.SearchPatientsRequest) string {
		t.Helper()
		l, err := s.api.SearchPatients(hosttest.As(t.Context(), s.p, ""), r)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, p := range l.Patients {
			ids = append(ids, p.PatientId)
		}
		return strings.Join(ids, " ")
	}
	if got := find(&pb.SearchPatientsRequest{MedicalRecordNumber: " mrn-1 "}); got != pat {
		t.Errorf("by number: %q", got)
	}
	if got := find(&pb.SearchPatientsRequest{LastName: "OTHERONE", FirstName: "pat", BirthDate: "1990-05-01"}); got != other {
		t.Errorf("by name and birth date: %q", got)
	}
	if got := find(&pb.SearchPatientsRequest{LastName: "Otherone", FirstName: "Pat", BirthDate: "1990-05-02"}); got != "" {
		t.Errorf("with another birth date: %q", got)
	}
	if _, err := s.api.SearchPatients(hosttest.As(t.Context(), s.p, ""), &pb.SearchPatientsRequest{LastName: "Otherone"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("by last name alone: %v", err)
	}
	if _, err := s.register("Quartzsample", "MRN-1"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a number is one patient's: %v", err)
	}
	read := hosttest.As(t.Context(), s.p, "")
	if p, err := s.api.GetPatient(read, &pb.GetPatientRequest{PatientId: pat}); err != nil || p.Name.GetLast() != "Quartzsample" || p.MedicalRecordNumber != "MRN-1" {
		t.Errorf("patient: %v, %v", p, err)
	}
	if l, err := s.api.ListPatients(read, &pb.ListPatientsRequest{LocationId: "loc_1"}); err != nil || len(l.Patients) != 2 {
		t.Errorf("patients: %v, %v", l, err)
	}

	// Neither the log nor a read model has the name or the number in clear.
	rt := s.p.Runtime("intake")
	records, err := rt.Engine.Log.Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		raw, err := proto.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte("Quartzsample")) || bytes.Contains(raw, []byte("MRN-1")) {
			t.Errorf("%s has the patient in clear", r.Type)
		}
	}
	var rows string
	if err := rt.DB.QueryRow(t.Context(), `SELECT json_agg(p)::text FROM patients p`).Scan(&rows); err != nil || strings.Contains(rows, "Quartzsample") || !json.Valid([]byte(rows)) {
		t.Errorf("the read model has %s, %v", rows, err)
	}
}

func TestWhatIsWrongIsSaidAtOnce(t *testing.T) {
	s := open(t)
	pat := s.patient("Quartzsample", "")
	_, err := s.api.AddCoverage(hosttest.As(t.Context(), s.p, "c", s.tokens...), &pb.AddCoverageRequest{
		PatientId: "pat_9", PayerId: "pay_7", FromDate: "2026-02-30", Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: "W1",
	})
	for _, rule := range []string{"intake.patient_exists", "intake.payer_exists", "intake.payer_sequence", "intake.day"} {
		if err == nil || !strings.Contains(fmt.Sprint(status.Convert(err).Message(), status.Convert(err).Details()), rule) {
			t.Errorf("%s is not said: %v", rule, err)
		}
	}
	s.cover(pat)
	s.calls++
	_, err = s.api.AddCoverage(hosttest.As(t.Context(), s.p, "again"), &pb.AddCoverageRequest{
		PatientId: pat, PayerId: "pay_9", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, FromDate: "2026-06-01", Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: "W2",
	})
	if status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a second primary: %v", err)
	}
	if _, err := s.api.TerminateCoverage(hosttest.As(t.Context(), s.p, "t"), &pb.TerminateCoverageRequest{CoverageId: "cov_9", ThruDate: "2026-02-28"}); status.Code(err) != codes.NotFound {
		t.Errorf("a coverage that does not exist: %v", err)
	}
}

// A claim of another billing system makes its patient and coverages, once, whatever it lacks; it waits for the payer.
func TestAnImportedClaimMakesItsPatient(t *testing.T) {
	s := open(t)
	claim := &exchangev1.ClaimImported{
		ImportId: "imp_1", PatientId: "pat_7", LocationId: "loc_7", ServiceDate: "2026-02-02", Person: &claimsv1.ClaimPerson{PatientName: &typev1.PersonName{Last: "Oldsample"}},
		Coverages:   []*exchangev1.ImportedCoverage{{CoverageId: "cov_7", PayerId: "pay_7", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY}},
		Subscribers: []*exchangev1.ImportedSubscriber{{MemberId: "9", Name: &typev1.PersonName{Last: "Oldsample"}}},
	}
	s.hear("exchange", "interchange/itc_7", claim)
	s.hear("exchange", "interchange/itc_7", claim)
	s.hear("registry", "payer/pay_7", &registryv1.PayerRegistered{PayerId: "pay_7", EdiPayerId: "77777", ReceiverId: "77777"})
	var l *pb.ListCoveragesResponse
	hosttest.Until(t, "the coverage is there", func() (err error) {
		l, err = s.api.ListCoverages(hosttest.As(t.Context(), s.p, ""), &pb.ListCoveragesRequest{PatientId: "pat_7"})
		if err == nil && len(l.Coverages) == 0 {
			return fmt.Errorf("no coverage yet")
		}
		return err
	})
	if len(l.Coverages) != 1 || l.Coverages[0].MemberId != "9" || l.Coverages[0].FromDate != "2026-02-02" || l.Coverages[0].Version != 1 {
		t.Errorf("coverages: %v", l.Coverages)
	}
	if p, err := s.api.GetPatient(hosttest.As(t.Context(), s.p, ""), &pb.GetPatientRequest{PatientId: "pat_7"}); err != nil || p.Name.GetLast() != "Oldsample" || p.Version != 1 {
		t.Errorf("patient: %v, %v", p, err)
	}
}

// The same request again gets the first answer, also where the receipt's id is not the stream's.
func TestARepeatedCoverageIsOne(t *testing.T) {
	s := open(t)
	pat := s.patient("Quartzsample", "MRN-1")
	s.calls = 100
	first := s.cover(pat)
	s.calls = 100
	if again := s.cover(pat); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	l, err := s.api.ListCoverages(hosttest.As(t.Context(), s.p, ""), &pb.ListCoveragesRequest{PatientId: pat})
	if err != nil || !slices.ContainsFunc(l.Coverages, func(c *pb.Coverage) bool { return c.CoverageId == first }) || len(l.Coverages) != 1 {
		t.Errorf("coverages: %v, %v", l, err)
	}
}
