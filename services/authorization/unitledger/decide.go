package unitledger

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

var (
	// New: an authorization is requested once. Source: our own choice; a change is a new request.
	New = refuse.Rule{ID: "authorization.new", Version: 1, Owner: "authorizations"}
	// PatientExists: the patient is one of this tenant's. Source: our own choice.
	PatientExists = refuse.Rule{ID: "authorization.patient_exists", Version: 1, Owner: "intake", NotFound: true}
	// PayerExists: the payer is registered. Source: our own choice.
	PayerExists = refuse.Rule{ID: "authorization.payer_exists", Version: 1, Owner: "registry", NotFound: true}
	// Requested: only what was requested can be approved, denied or used. Source: our own choice.
	Requested = refuse.Rule{ID: "authorization.requested", Version: 1, Owner: "authorizations", NotFound: true}
	// Period: a period is two real days, the last not before the first. Source: arithmetic.
	Period = refuse.Rule{ID: "authorization.period", Version: 1, Owner: "authorizations"}
	// Undecided: an approved authorization is not denied afterwards. Source: our own choice; a payer's withdrawal is a void, which is another event.
	Undecided = refuse.Rule{ID: "authorization.undecided", Version: 1, Owner: "authorizations"}
	// WithinPeriod: an approval covers services from its first through its last day.
	// Source: the approval itself (278 response or letter). Checked 2026-11-24.
	WithinPeriod = refuse.Rule{ID: "authorization.within_period", Version: 1, Owner: "authorizations"}
	// UnitsWithinApproval: held + consumed units of a code never exceed the approved units.
	// Source: docs/domain.md, "Auth exhausted", invariant. Checked 2026-11-24.
	UnitsWithinApproval = refuse.Rule{ID: "authorization.units_within_approval", Version: 1, Owner: "authorizations"}
	// OneHoldPerVisit: a visit holds units once. Source: our own choice; a change is a release and a new hold.
	OneHoldPerVisit = refuse.Rule{ID: "authorization.one_hold_per_visit", Version: 1, Owner: "scheduling"}
	// OfPatient: an authorization covers the patient it was given for. Source: the approval itself. Checked 2026-11-24.
	OfPatient = refuse.Rule{ID: "authorization.of_patient", Version: 1, Owner: "authorizations"}
	// CodeApproved: an approval covers the codes it names. Source: the approval itself (278 response or letter). Checked 2026-11-24.
	CodeApproved = refuse.Rule{ID: "authorization.code_approved", Version: 1, Owner: "authorizations"}
	// AtLocation: an approval that names locations covers services there. Source: the approval itself. Checked 2026-11-24.
	AtLocation = refuse.Rule{ID: "authorization.at_location", Version: 1, Owner: "authorizations"}
)

// Known is what the decision to request is told of other services' facts.
type Known struct{ Patient, Payer bool }

// Request records that permission was asked for.
func Request(s State, c *pb.RequestAuthorizationRequest, id string, known Known) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Requested != nil, New, "", "authorization %s was requested already", id)
	no.If(!known.Patient, PatientExists, "patient_id", "there is no patient %s: register the patient first", c.PatientId)
	no.If(!known.Payer, PayerExists, "payer_id", "there is no payer %s: register the payer first", c.PayerId)
	period(&no, c.FromDate, c.ThruDate)
	return no.Or(&pb.AuthorizationRequested{
		AuthorizationId: id, PatientId: c.PatientId, PayerId: c.PayerId, FromDate: c.FromDate, ThruDate: c.ThruDate,
		UnitsByCode: c.UnitsByCode, DiagnosisCodes: c.DiagnosisCodes, Channel: c.Channel,
	})
}

// Approve records the payer's approval, or its extension.
func Approve(s State, c *pb.ApproveAuthorizationRequest) ([]es.Event, error) {
	if s.Requested == nil {
		return nil, missing(c.AuthorizationId)
	}
	approved := &pb.AuthorizationApproved{
		AuthorizationId: c.AuthorizationId, PatientId: s.Requested.PatientId, PayerId: s.Requested.PayerId,
		AuthNo: c.AuthNo, FromDate: c.FromDate, ThruDate: c.ThruDate, UnitsByCode: c.UnitsByCode,
		LocationIds: c.LocationIds,
	}
	if proto.Equal(s.Approved, approved) {
		return nil, nil
	}
	var no refuse.List
	period(&no, c.FromDate, c.ThruDate)
	inUse := used(s)
	for _, code := range slices.Sorted(maps.Keys(inUse)) {
		no.If(inUse[code] > c.UnitsByCode[code], UnitsWithinApproval, "units_by_code",
			"%d units of %s are held or used already, %d would be approved: release visits first", inUse[code], code, c.UnitsByCode[code])
	}
	return no.Or(approved)
}

// Deny records the payer's no.
func Deny(s State, c *pb.DenyAuthorizationRequest) ([]es.Event, error) {
	if s.Requested == nil {
		return nil, missing(c.AuthorizationId)
	}
	if s.Denied {
		return nil, nil
	}
	var no refuse.List
	no.If(s.Approved != nil, Undecided, "", "the authorization was approved as %s", s.Approved.GetAuthNo())
	return no.Or(&pb.AuthorizationDenied{
		AuthorizationId: c.AuthorizationId, PatientId: s.Requested.PatientId, PayerId: s.Requested.PayerId, Reason: c.Reason,
	})
}

// Reserve holds units for one visit. The same request again changes nothing.
func Reserve(s State, c *pb.ReserveUnitsRequest) ([]es.Event, error) {
	if s.Requested == nil {
		return nil, missing(c.AuthorizationId)
	}
	want := &pb.UnitsReserved{
		AuthorizationId: c.AuthorizationId, AppointmentId: c.AppointmentId, ServiceCode: c.ServiceCode, ServiceDate: c.ServiceDate, Units: c.Units,
		PatientId: s.Requested.PatientId,
	}
	held, left := s.Held[c.AppointmentId], s.Left[c.ServiceCode]
	same := held != nil && held.ServiceCode == c.ServiceCode && held.ServiceDate == c.ServiceDate && held.Units == c.Units
	if same || s.Used[c.AppointmentId] { // what was given already needs no hold: its coding came before its booking
		return nil, nil
	}
	var no refuse.List
	no.If(held != nil, OneHoldPerVisit, "appointment_id", "%s already holds %d units", c.AppointmentId, held.GetUnits())
	covers(&no, s, c.ServiceCode, c.ServiceDate, c.LocationId)
	no.If(c.Units > left && s.mayCover(c.ServiceCode), UnitsWithinApproval, "units", "%d asked, %d left of %s", c.Units, left, c.ServiceCode)
	return no.Or(want)
}

// Release gives a visit's units back. A visit that holds none changes nothing.
func Release(s State, c *pb.ReleaseUnitsRequest) ([]es.Event, error) {
	if s.Requested == nil {
		return nil, missing(c.AuthorizationId)
	}
	held := s.Held[c.AppointmentId]
	if held == nil {
		return nil, nil
	}
	return []es.Event{&pb.UnitsReleased{
		AuthorizationId: c.AuthorizationId, AppointmentId: c.AppointmentId, ServiceCode: held.ServiceCode, Units: held.Units, Reason: c.Reason,
		PatientId: s.Requested.PatientId,
	}}, nil
}

// Use is what an encounter uses of one code, in all.
type Use struct {
	AuthorizationID, EncounterID, AppointmentID     string
	PatientID, ServiceCode, ServiceDate, LocationID string
	Units                                           int32
}

// Consume turns the hold of a visit into use, or uses units that were never held. A visit that has units already uses, or gives back, the difference.
func Consume(s State, c Use) ([]es.Event, error) {
	if s.Requested == nil {
		return nil, missing(c.AuthorizationID)
	}
	has := s.Consumed[c.EncounterID]
	more := c.Units
	if has.ServiceCode == c.ServiceCode {
		more -= has.Units
	}
	if has.Units > 0 && more <= 0 {
		return restore(s, c, -more, fmt.Sprintf("%d are billed now, not %d", c.Units, has.Units)), nil
	}
	held := s.Held[c.AppointmentID]
	left := s.Left[c.ServiceCode]
	if held.GetServiceCode() == c.ServiceCode {
		left += held.GetUnits()
	}
	var no refuse.List
	no.If(c.PatientID != s.Requested.PatientId, OfPatient, "patient_id", "%s is another patient's", c.AuthorizationID)
	covers(&no, s, c.ServiceCode, c.ServiceDate, c.LocationID)
	no.If(more > left && s.mayCover(c.ServiceCode), UnitsWithinApproval, "units", "%d needed, %d left of %s", more, left, c.ServiceCode)
	if no.Any() {
		return no.Or()
	}
	var events []es.Event
	if has.ServiceCode != c.ServiceCode {
		events = restore(s, c, has.Units, "the visit is billed as "+c.ServiceCode)
	}
	events = append(events, &pb.UnitsConsumed{
		AuthorizationId: c.AuthorizationID, EncounterId: c.EncounterID, AppointmentId: c.AppointmentID, ServiceCode: c.ServiceCode, PatientId: c.PatientID,
		ServiceDate: c.ServiceDate, Units: more, ReleasedUnits: held.GetUnits(), ReleasedServiceCode: held.GetServiceCode(),
	})
	if left == more {
		events = append(events, &pb.AuthorizationExhausted{AuthorizationId: c.AuthorizationID, PatientId: c.PatientID, ServiceCode: c.ServiceCode})
	}
	return events, nil
}

// restore gives units back that an encounter has used; none: nothing.
func restore(s State, c Use, units int32, reason string) []es.Event {
	has := s.Consumed[c.EncounterID]
	if units == 0 {
		return nil
	}
	return []es.Event{&pb.UnitsRestored{
		AuthorizationId: c.AuthorizationID, EncounterId: c.EncounterID, AppointmentId: has.AppointmentID, PatientId: s.Requested.PatientId,
		ServiceCode: has.ServiceCode, ServiceDate: has.ServiceDate, Units: units, Reason: reason,
	}}
}

func missing(id string) error {
	return refuse.Because(Requested, "authorization_id", "there is no authorization %s: request it first", id)
}

func period(no *refuse.List, from, thru string) {
	no.If(!date.Valid(from), Period, "from_date", "%q is not a day", from)
	no.If(!date.Valid(thru), Period, "thru_date", "%q is not a day", thru)
	no.If(date.Valid(from) && date.Valid(thru) && thru < from, Period, "thru_date", "%s is before %s", thru, from)
}

func covers(no *refuse.List, s State, code, day, location string) {
	a := s.Approved
	if a == nil {
		no.If(true, WithinPeriod, "service_date", "the payer has not approved it")
		return
	}
	no.If(!date.Within(day, a.FromDate, a.ThruDate), WithinPeriod, "service_date", "%s is not within %s to %s", day, a.FromDate, a.ThruDate)
	no.If(a.UnitsByCode[code] == 0, CodeApproved, "service_code", "%s is not approved, only %s", code, strings.Join(slices.Sorted(maps.Keys(a.UnitsByCode)), ", "))
	elsewhere := len(a.LocationIds) > 0 && location != "" && !slices.Contains(a.LocationIds, location)
	no.If(elsewhere, AtLocation, "location_id", "%s is not one of the locations it is approved for: %s", location, strings.Join(a.LocationIds, ", "))
}

// mayCover is false of a code that was not approved: how many units are left of it is no news then.
func (s State) mayCover(code string) bool {
	return s.Approved == nil || s.Approved.UnitsByCode[code] > 0
}

func used(s State) map[string]int32 {
	n := map[string]int32{}
	for _, h := range s.Held {
		n[h.ServiceCode] += h.Units
	}
	for _, c := range s.Consumed {
		n[c.ServiceCode] += c.Units
	}
	return n
}
