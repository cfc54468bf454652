package encounter

import (
	"cmp"
	"maps"
	"slices"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Coverage is one coverage of a patient. What has no PayerID was told of before it was added, and is not there yet.
type Coverage struct {
	PayerID           string
	Sequence          typev1.PayerSequence
	From, Thru        string
	BehavioralPayerID string // of a carve-out that intake found; empty: none
}

// Patient is what coding knows of a patient.
type Patient struct {
	Registered bool
	BirthDate  string              // empty: not known
	Coverages  map[string]Coverage // by coverage_id
}

// PatientMirror has patients and their coverages, by patient_id.
var PatientMirror = es.Mirror[Patient]{
	Name: "coding.patient",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *intakev1.PatientRegistered:
			return key(e.PatientId)
		case *intakev1.CoverageAdded:
			return key(e.PatientId)
		case *intakev1.CoverageTerminated:
			return key(e.PatientId)
		case *intakev1.CarveOutIdentified:
			return key(e.PatientId)
		}
		return nil
	},
	Evolve: func(p Patient, event es.Event) Patient {
		if p.Coverages == nil {
			p.Coverages = map[string]Coverage{}
		}
		switch e := event.(type) {
		case *intakev1.PatientRegistered:
			p.Registered, p.BirthDate = true, e.BirthDate
		case *intakev1.CoverageAdded:
			c := p.Coverages[e.CoverageId]
			c.PayerID, c.Sequence, c.From, c.Thru = e.PayerId, e.PayerSequence, e.FromDate, e.ThruDate
			p.Coverages[e.CoverageId] = c
		case *intakev1.CoverageTerminated:
			c := p.Coverages[e.CoverageId]
			c.Thru = e.ThruDate
			p.Coverages[e.CoverageId] = c
		case *intakev1.CarveOutIdentified:
			c := p.Coverages[e.CoverageId]
			c.BehavioralPayerID = e.BehavioralPayerId
			p.Coverages[e.CoverageId] = c
		}
		return p
	},
}

// Responsible are the coverages in force on a day, in the order of payers. The payer is the coverage's, or of a carve-out intake found the behavioral one; what
// the registry says of carve-outs comes on top (Carved).
func (p Patient) Responsible(day string) []*intakev1.ResponsiblePayer {
	var out []*intakev1.ResponsiblePayer
	for _, id := range slices.Sorted(maps.Keys(p.Coverages)) {
		c := p.Coverages[id]
		if c.PayerID != "" && date.Within(day, c.From, c.Thru) {
			out = append(out, &intakev1.ResponsiblePayer{CoverageId: id, PayerId: cmp.Or(c.BehavioralPayerID, c.PayerID), PayerSequence: c.Sequence})
		}
	}
	slices.SortStableFunc(out, func(a, b *intakev1.ResponsiblePayer) int { return cmp.Compare(a.PayerSequence, b.PayerSequence) })
	return out
}

// Payer is a payer with its policies.
type Payer struct {
	Registered *registryv1.PayerRegistered
	Policies   []*registryv1.PayerPolicySet
}

// PayerMirror has payers and their policies, by payer_id.
var PayerMirror = es.Mirror[Payer]{
	Name: "coding.payer",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *registryv1.PayerRegistered:
			return key(e.PayerId)
		case *registryv1.PayerPolicySet:
			return key(e.PayerId)
		}
		return nil
	},
	Evolve: func(p Payer, event es.Event) Payer {
		switch e := event.(type) {
		case *registryv1.PayerRegistered:
			p.Registered = e
		case *registryv1.PayerPolicySet:
			p.Policies = append(p.Policies, e)
		}
		return p
	},
}

// PolicyOn is the policy in force on a day: the one that began last; of two that began the same day the later told. Nil: none.
func (p Payer) PolicyOn(day string) *registryv1.PayerPolicySet {
	var found *registryv1.PayerPolicySet
	for _, policy := range p.Policies {
		if policy.FromDate <= day && (found == nil || policy.FromDate >= found.FromDate) {
			found = policy
		}
	}
	return found
}

// LocationMirror has locations, by location_id.
var LocationMirror = es.Mirror[*registryv1.LocationRegistered]{
	Name: "coding.location",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.LocationRegistered); ok {
			return key(e.LocationId)
		}
		return nil
	},
	Evolve: func(_ *registryv1.LocationRegistered, event es.Event) *registryv1.LocationRegistered {
		return event.(*registryv1.LocationRegistered)
	},
}

// Clinician is a clinician with the supervisors of all times.
type Clinician struct {
	Registered   *registryv1.ClinicianRegistered
	Supervisions []*registryv1.SupervisionAssigned
}

// ClinicianMirror has clinicians, by clinician_id.
var ClinicianMirror = es.Mirror[Clinician]{
	Name: "coding.clinician",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *registryv1.ClinicianRegistered:
			return key(e.ClinicianId)
		case *registryv1.SupervisionAssigned:
			return key(e.ClinicianId)
		}
		return nil
	},
	Evolve: func(c Clinician, event es.Event) Clinician {
		switch e := event.(type) {
		case *registryv1.ClinicianRegistered:
			c.Registered = e
		case *registryv1.SupervisionAssigned:
			c.Supervisions = append(c.Supervisions, e)
		}
		return c
	},
}

// SupervisorOn is the supervisor of a day: of several the one that began last. Empty: none.
func (c Clinician) SupervisorOn(day string) string {
	var found *registryv1.SupervisionAssigned
	for _, s := range c.Supervisions {
		if date.Within(day, s.FromDate, s.ThruDate) && (found == nil || s.FromDate >= found.FromDate) {
			found = s
		}
	}
	return found.GetSupervisorClinicianId()
}

// ChargesMirror has an organization's charge schedules, by organization_id.
var ChargesMirror = es.Mirror[[]*registryv1.ChargeSchedulePublished]{
	Name: "coding.charges",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.ChargeSchedulePublished); ok {
			return key(e.OrganizationId)
		}
		return nil
	},
	Evolve: func(all []*registryv1.ChargeSchedulePublished, event es.Event) []*registryv1.ChargeSchedulePublished {
		return append(all, event.(*registryv1.ChargeSchedulePublished))
	},
}

// ChargesOn is the charge schedule of a day: the one that began last; of two that began the same day the later published. Nil: none.
func ChargesOn(all []*registryv1.ChargeSchedulePublished, day string) *registryv1.ChargeSchedulePublished {
	var found *registryv1.ChargeSchedulePublished
	for _, s := range all {
		if s.FromDate <= day && (found == nil || s.FromDate >= found.FromDate) {
			found = s
		}
	}
	return found
}

// AuthorizationMirror has the last approval, by authorization_id.
var AuthorizationMirror = es.Mirror[*authorizationv1.AuthorizationApproved]{
	Name: "coding.authorization",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*authorizationv1.AuthorizationApproved); ok {
			return key(e.AuthorizationId)
		}
		return nil
	},
	Evolve: func(_ *authorizationv1.AuthorizationApproved, event es.Event) *authorizationv1.AuthorizationApproved {
		return event.(*authorizationv1.AuthorizationApproved)
	},
}

// AppointmentMirror has what was scheduled, by appointment_id.
var AppointmentMirror = es.Mirror[*intakev1.AppointmentScheduled]{
	Name: "coding.appointment",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*intakev1.AppointmentScheduled); ok {
			return key(e.AppointmentId)
		}
		return nil
	},
	Evolve: func(_ *intakev1.AppointmentScheduled, event es.Event) *intakev1.AppointmentScheduled {
		return event.(*intakev1.AppointmentScheduled)
	},
}

func key(id string) []string {
	if id == "" {
		return nil
	}
	return []string{id}
}
