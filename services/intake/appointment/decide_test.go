package appointment

import (
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

const (
	start  = 1772463600 // 2026-03-02T15:00:00Z
	video  = typev1.Modality_MODALITY_VIDEO_PATIENT_HOME
	monday = "2026-03-02"
)

func at(seconds int64) *timestamppb.Timestamp { return &timestamppb.Timestamp{Seconds: seconds} }

func booked(authorization string) *pb.AppointmentScheduled {
	return &pb.AppointmentScheduled{
		AppointmentId: "apt_1", PatientId: "pat_1", ClinicianId: "cli_1", LocationId: "loc_1", ServiceDate: monday, StartAt: at(start), EndAt: at(start + 3300),
		Modality: video, ServiceCode: "90837", Units: 1, AuthorizationId: authorization,
		ResponsiblePayers: []*pb.ResponsiblePayer{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: 1}},
	}
}

func TestSchedule(t *testing.T) {
	decide := func(known Known) func(State, *pb.ScheduleAppointmentRequest) ([]es.Event, error) {
		return func(s State, c *pb.ScheduleAppointmentRequest) ([]es.Event, error) {
			return Schedule(s, c, "apt_1", known)
		}
	}
	ask := func(change func(*pb.ScheduleAppointmentRequest)) *pb.ScheduleAppointmentRequest {
		c := &pb.ScheduleAppointmentRequest{PatientId: "pat_1", ClinicianId: "cli_1", LocationId: "loc_1", StartAt: at(start), EndAt: at(start + 3300), Modality: video, ServiceCode: "90837"}
		change(c)
		return c
	}
	plain := func(*pb.ScheduleAppointmentRequest) {}
	named := func(c *pb.ScheduleAppointmentRequest) { c.AuthorizationId = "aut_1" }
	lasting := func(seconds int64) func(*pb.ScheduleAppointmentRequest) {
		return func(c *pb.ScheduleAppointmentRequest) { c.EndAt = at(start + seconds) }
	}
	all := Known{
		Patient: true, Clinician: true, Location: true, ServiceDate: monday, Authorization: &authorizationv1.AuthorizationRequested{AuthorizationId: "aut_1", PatientId: "pat_1"},
		Responsible: []*pb.ResponsiblePayer{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: 1}},
	}
	units := func(n int32) func(*pb.ScheduleAppointmentRequest) {
		return func(c *pb.ScheduleAppointmentRequest) { c.Units = &n }
	}
	four := booked("")
	four.Units = 4
	day := booked("")
	day.EndAt = at(start + 86400)
	estest.Run(t, Stream, decide(all), []estest.Case[*pb.ScheduleAppointmentRequest]{
		{Name: "a visit is booked with the payers of its day; no units means one", When: ask(plain), Then: events{booked("")}},
		{Name: "the patient's authorization may be named", When: ask(named), Then: events{booked("aut_1")}},
		{Name: "once", Given: events{booked("")}, When: ask(plain), Refused: "intake.appointment_new"},
		{Name: "it ends after it starts", When: ask(lasting(0)), Refused: "intake.visit_times"},
		{Name: "a whole day is the longest", When: ask(lasting(86400)), Then: events{day}},
		{Name: "a second more is refused", When: ask(lasting(86401)), Refused: "intake.visit_times"},
		{Name: "as many units as are named", When: ask(units(4)), Then: events{four}},
		{Name: "units are not negative", When: ask(units(-1)), Refused: "intake.service_code"},
		{Name: "a visit of no units is none: leave them out", When: ask(units(0)), Refused: "intake.service_code"},
		{Name: "nor a thousand", When: ask(units(1000)), Refused: "intake.service_code"},
	})
	estest.Run(t, Stream, decide(Known{}), []estest.Case[*pb.ScheduleAppointmentRequest]{
		{
			Name: "everything that is wrong is said at once", When: &pb.ScheduleAppointmentRequest{AuthorizationId: "aut_1"},
			Refused: "intake.patient_exists intake.clinician_exists intake.location_exists intake.visit_times intake.modality intake.service_code intake.authorization_of_patient",
		},
	})
	newborn, unborn := all, all
	newborn.BirthDate, unborn.BirthDate = monday, date.Add(monday, 1)
	estest.Run(t, Stream, decide(newborn), []estest.Case[*pb.ScheduleAppointmentRequest]{{Name: "on the day of birth", When: ask(plain), Then: events{booked("")}}})
	estest.Run(t, Stream, decide(unborn), []estest.Case[*pb.ScheduleAppointmentRequest]{{Name: "who is seen is born", When: ask(plain), Refused: "intake.after_birth"}})
	all.Authorization = &authorizationv1.AuthorizationRequested{AuthorizationId: "aut_1", PatientId: "pat_2"}
	estest.Run(t, Stream, decide(all), []estest.Case[*pb.ScheduleAppointmentRequest]{
		{Name: "another patient's authorization covers nothing", When: ask(named), Refused: "intake.authorization_of_patient"},
	})
}

func TestCancelAndCheckIn(t *testing.T) {
	cancelled := &pb.AppointmentCancelled{AppointmentId: "apt_1", PatientId: "pat_1", AuthorizationId: "aut_1", Reason: "ill"}
	came := &pb.AppointmentCheckedIn{AppointmentId: "apt_1", PatientId: "pat_1"}
	cancel := &pb.CancelAppointmentRequest{AppointmentId: "apt_1", Reason: "ill"}
	checkIn := func(today string) *pb.CheckInAppointmentRequest {
		return &pb.CheckInAppointmentRequest{AppointmentId: "apt_1", Today: today}
	}
	estest.Run(t, Stream, Cancel, []estest.Case[*pb.CancelAppointmentRequest]{
		{Name: "a visit is cancelled", Given: events{booked("aut_1")}, When: cancel, Then: events{cancelled}},
		{Name: "again, nothing new", Given: events{booked("aut_1"), cancelled}, When: cancel},
		{Name: "who came, came", Given: events{booked("aut_1"), came}, When: cancel, Refused: "intake.not_checked_in"},
		{Name: "what was never booked can't be cancelled", When: cancel, Refused: "intake.appointment_exists"},
	})
	missed := &pb.AppointmentNoShowed{AppointmentId: "apt_1", PatientId: "pat_1", AuthorizationId: "aut_1", Reason: "no call"}
	noShow := func(today string) *pb.RecordNoShowRequest {
		return &pb.RecordNoShowRequest{AppointmentId: "apt_1", Reason: "no call", Today: today}
	}
	estest.Run(t, Stream, Cancel, []estest.Case[*pb.CancelAppointmentRequest]{
		{Name: "what was missed is not cancelled", Given: events{booked("aut_1"), missed}, When: cancel, Refused: "intake.not_no_showed"},
	})
	estest.Run(t, Stream, NoShow, []estest.Case[*pb.RecordNoShowRequest]{
		{Name: "the patient did not come", Given: events{booked("aut_1")}, When: noShow(monday), Then: events{missed}},
		{Name: "again, nothing new", Given: events{booked("aut_1"), missed}, When: noShow(monday)},
		{Name: "it is said days later", Given: events{booked("aut_1")}, When: noShow("2026-03-09"), Then: events{missed}},
		{Name: "nobody has missed a visit a week before", Given: events{booked("aut_1")}, When: noShow("2026-02-23"), Refused: "intake.no_show_day"},
		{Name: "who came has not missed it", Given: events{booked("aut_1"), came}, When: noShow(monday), Refused: "intake.not_checked_in"},
		{Name: "a cancelled visit is not missed", Given: events{booked("aut_1"), cancelled}, When: noShow(monday), Refused: "intake.not_cancelled"},
		{Name: "nor one that was never booked", When: noShow(monday), Refused: "intake.appointment_exists"},
	})
	estest.Run(t, Stream, CheckIn, []estest.Case[*pb.CheckInAppointmentRequest]{
		{Name: "a missed visit does not begin", Given: events{booked("aut_1"), missed}, When: checkIn(monday), Refused: "intake.not_no_showed"},
	})
	estest.Run(t, Stream, CheckIn, []estest.Case[*pb.CheckInAppointmentRequest]{
		{Name: "the patient comes on the day", Given: events{booked("")}, When: checkIn(monday), Then: events{came}},
		{Name: "again, nothing new", Given: events{booked(""), came}, When: checkIn(monday)},
		{Name: "late on the day is the next in UTC", Given: events{booked("")}, When: checkIn("2026-03-03"), Then: events{came}},
		{Name: "nobody comes a week before", Given: events{booked("")}, When: checkIn("2026-02-23"), Refused: "intake.check_in_day"},
		{Name: "a cancelled visit does not begin", Given: events{booked(""), cancelled}, When: checkIn(monday), Refused: "intake.not_cancelled"},
		{Name: "nor one that was never booked", When: checkIn(monday), Refused: "intake.appointment_exists"},
	})
}
