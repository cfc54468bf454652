package appointment

import (
	"regexp"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/intake/patient"
)

var (
	// New: a visit is booked once. Source: our own choice; another time is another visit.
	New = refuse.Rule{ID: "intake.appointment_new", Version: 1, Owner: "scheduling"}
	// Exists: only a booked visit is cancelled or begun. Source: our own choice.
	Exists = refuse.Rule{ID: "intake.appointment_exists", Version: 1, Owner: "scheduling", NotFound: true}
	// ClinicianExists: a visit is with a registered clinician. Source: our own choice.
	ClinicianExists = refuse.Rule{ID: "intake.clinician_exists", Version: 1, Owner: "registry", NotFound: true}
	// Times: a visit ends after it starts, within 24 hours. Source: arithmetic; the limit is our own choice against mistyped days.
	Times = refuse.Rule{ID: "intake.visit_times", Version: 1, Owner: "scheduling"}
	// AfterBirth: a visit is of somebody who is born. Source: arithmetic; payers refuse the claim of it.
	AfterBirth = refuse.Rule{ID: "intake.after_birth", Version: 1, Owner: "scheduling"}
	// Modality: how the visit takes place is told: it decides place of service and modifiers. Source: CMS place of service code set. Checked 2026-11-24.
	Modality = refuse.Rule{ID: "intake.modality", Version: 1, Owner: "scheduling"}
	// ServiceCode: the expected code has 5 capitals and digits, and at least one unit. Source: HCPCS levels I and II, 45 CFR 162.1002. Checked 2026-11-24.
	ServiceCode = refuse.Rule{ID: "intake.service_code", Version: 1, Owner: "scheduling"}
	// AuthorizationOfPatient: the authorization that is named was requested, for this patient. Source: our own choice; another's units are not this patient's.
	AuthorizationOfPatient = refuse.Rule{ID: "intake.authorization_of_patient", Version: 1, Owner: "authorizations"}
	// NotCheckedIn: a visit that has begun is not cancelled. Source: our own choice.
	NotCheckedIn = refuse.Rule{ID: "intake.not_checked_in", Version: 1, Owner: "scheduling"}
	// NotCancelled: a cancelled visit does not begin. Source: our own choice.
	NotCancelled = refuse.Rule{ID: "intake.not_cancelled", Version: 1, Owner: "scheduling"}
	// NotNoShowed: who did not come is neither checked in nor called off afterwards. Source: our own choice; book another visit.
	NotNoShowed = refuse.Rule{ID: "intake.not_no_showed", Version: 1, Owner: "scheduling"}
	// NoShowDay: nobody has missed a visit before its day. One day is left for time zones, since today is a day of UTC. Source: our own choice.
	NoShowDay = refuse.Rule{ID: "intake.no_show_day", Version: 1, Owner: "scheduling"}
	// CheckInDay: nobody comes before the day. One day is left for time zones, since today is a day of UTC. Source: our own choice.
	CheckInDay = refuse.Rule{ID: "intake.check_in_day", Version: 1, Owner: "scheduling"}
)

// Known is what the decision to book is told of what lies outside the stream.
type Known struct {
	Patient, Clinician, Location bool
	BirthDate                    string                                  // the patient's
	Authorization                *authorizationv1.AuthorizationRequested // the one that is named; nil: there is no such
	ServiceDate                  string                                  // the day of the start at the location
	Responsible                  []*pb.ResponsiblePayer                  // the patient's payers on that day
}

const longest = 24 * 60 * 60 // seconds

var code = regexp.MustCompile(`^[0-9A-Z]{5}$`)

// Schedule books a visit.
func Schedule(s State, c *pb.ScheduleAppointmentRequest, id string, known Known) ([]es.Event, error) {
	units := int32(1)
	if c.Units != nil {
		units = *c.Units
	}
	length := c.EndAt.GetSeconds() - c.StartAt.GetSeconds()
	if length == 0 && c.EndAt.GetNanos() > c.StartAt.GetNanos() {
		length = 1
	}
	var no refuse.List
	no.If(s.Scheduled != nil, New, "", "appointment %s is booked already", id)
	no.If(!known.Patient, patient.Exists, "patient_id", "there is no patient %s: register the patient first", c.PatientId)
	no.If(!known.Clinician, ClinicianExists, "clinician_id", "there is no clinician %s: register the clinician first", c.ClinicianId)
	no.If(!known.Location, patient.LocationExists, "location_id", "there is no location %s: register it first", c.LocationId)
	no.If(known.Location && known.ServiceDate < known.BirthDate, AfterBirth, "start_at", "the patient was not born on %s: is it the right patient, the right day?", known.ServiceDate)
	no.If(length <= 0, Times, "end_at", "the visit ends before it starts")
	no.If(length > longest, Times, "end_at", "the visit lasts more than 24 hours")
	_, named := typev1.Modality_name[int32(c.Modality)]
	no.If(!named || c.Modality == 0, Modality, "modality", "say whether it is in person, by video or by phone, and where the patient is")
	no.If(!code.MatchString(c.ServiceCode), ServiceCode, "service_code", "%q is not a service code: 5 capitals and digits, without modifiers", c.ServiceCode)
	no.If(units < 1 || units > 999, ServiceCode, "units", "%d units: a visit has 1 to 999; left out, it has 1", units)
	if c.AuthorizationId != "" {
		no.If(known.Authorization == nil, AuthorizationOfPatient, "authorization_id", "there is no authorization %s: request it first", c.AuthorizationId)
		no.If(known.Authorization != nil && known.Authorization.PatientId != c.PatientId, AuthorizationOfPatient, "authorization_id", "authorization %s is another patient's", c.AuthorizationId)
	}
	return no.Or(&pb.AppointmentScheduled{
		AppointmentId: id, PatientId: c.PatientId, ClinicianId: c.ClinicianId, LocationId: c.LocationId, ServiceDate: known.ServiceDate,
		StartAt: c.StartAt, EndAt: c.EndAt, Modality: c.Modality, ServiceCode: c.ServiceCode, Units: units, AuthorizationId: c.AuthorizationId,
		ResponsiblePayers: known.Responsible,
	})
}

// Cancel calls a visit off.
func Cancel(s State, c *pb.CancelAppointmentRequest) ([]es.Event, error) {
	if s.Scheduled == nil {
		return nil, missing(c.AppointmentId)
	}
	if s.Cancelled {
		return nil, nil
	}
	var no refuse.List
	no.If(s.CheckedIn, NotCheckedIn, "", "the patient came: a visit that has begun is not cancelled")
	no.If(s.NoShowed, NotNoShowed, "", "the patient did not come: what was missed is not cancelled")
	return no.Or(&pb.AppointmentCancelled{
		AppointmentId: c.AppointmentId, PatientId: s.Scheduled.PatientId, AuthorizationId: s.Scheduled.AuthorizationId, Reason: c.Reason,
	})
}

// NoShow records that the day came and the patient did not.
func NoShow(s State, c *pb.RecordNoShowRequest) ([]es.Event, error) {
	if s.Scheduled == nil {
		return nil, missing(c.AppointmentId)
	}
	if s.NoShowed {
		return nil, nil
	}
	var no refuse.List
	no.If(s.CheckedIn, NotCheckedIn, "", "the patient came: a visit that has begun was not missed")
	no.If(s.Cancelled, NotCancelled, "", "the visit was cancelled: nobody was to come")
	no.If(date.Days(c.Today, s.Scheduled.ServiceDate) > 1, NoShowDay, "", "the visit is on %s, today is %s: wait for its day", s.Scheduled.ServiceDate, c.Today)
	return no.Or(&pb.AppointmentNoShowed{
		AppointmentId: c.AppointmentId, PatientId: s.Scheduled.PatientId, AuthorizationId: s.Scheduled.AuthorizationId, Reason: c.Reason,
	})
}

// CheckIn records that the patient is there.
func CheckIn(s State, c *pb.CheckInAppointmentRequest) ([]es.Event, error) {
	if s.Scheduled == nil {
		return nil, missing(c.AppointmentId)
	}
	if s.CheckedIn {
		return nil, nil
	}
	var no refuse.List
	no.If(s.Cancelled, NotCancelled, "", "the visit was cancelled: book another")
	no.If(s.NoShowed, NotNoShowed, "", "the visit was missed: book another")
	no.If(date.Days(c.Today, s.Scheduled.ServiceDate) > 1, CheckInDay, "", "the visit is on %s, today is %s", s.Scheduled.ServiceDate, c.Today)
	return no.Or(&pb.AppointmentCheckedIn{AppointmentId: c.AppointmentId, PatientId: s.Scheduled.PatientId})
}

func missing(id string) error {
	return refuse.Because(Exists, "appointment_id", "there is no appointment %s", id)
}
