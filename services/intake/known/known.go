// Package known has copies of other services' facts that intake decides with, under the keys by which it looks them up.
//
// A copy may lag behind the service that owns the fact; it is never ahead. Checks alone copies intake's own events: the question that an answer belongs to.
package known

import (
	"strings"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Payers, by payer_id.
var Payers = es.Mirror[*registryv1.PayerRegistered]{
	Name: "intake.payer",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.PayerRegistered); ok {
			return []string{e.PayerId}
		}
		return nil
	},
	Evolve: last[*registryv1.PayerRegistered],
}

// PayersByEDI has payers by the id that files name them by, in capitals: see EDI.
var PayersByEDI = es.Mirror[*registryv1.PayerRegistered]{
	Name: "intake.payer_by_edi",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.PayerRegistered); ok && e.EdiPayerId != "" {
			return []string{EDI(e.EdiPayerId)}
		}
		return nil
	},
	Evolve: last[*registryv1.PayerRegistered],
}

// EDI is an EDI payer id as a key.
func EDI(id string) string { return strings.ToUpper(strings.TrimSpace(id)) }

// Organizations, by organization_id.
var Organizations = es.Mirror[*registryv1.OrganizationRegistered]{
	Name: "intake.organization",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.OrganizationRegistered); ok {
			return []string{e.OrganizationId}
		}
		return nil
	},
	Evolve: last[*registryv1.OrganizationRegistered],
}

// Locations, by location_id.
var Locations = es.Mirror[*registryv1.LocationRegistered]{
	Name: "intake.location",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.LocationRegistered); ok {
			return []string{e.LocationId}
		}
		return nil
	},
	Evolve: last[*registryv1.LocationRegistered],
}

// Clinicians, by clinician_id.
var Clinicians = es.Mirror[*registryv1.ClinicianRegistered]{
	Name: "intake.clinician",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*registryv1.ClinicianRegistered); ok {
			return []string{e.ClinicianId}
		}
		return nil
	},
	Evolve: last[*registryv1.ClinicianRegistered],
}

// Authorizations has whose an authorization is, by authorization_id.
var Authorizations = es.Mirror[*authorizationv1.AuthorizationRequested]{
	Name: "intake.authorization",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*authorizationv1.AuthorizationRequested); ok {
			return []string{e.AuthorizationId}
		}
		return nil
	},
	Evolve: last[*authorizationv1.AuthorizationRequested],
}

// Checks has what was asked, by eligibility_check_id.
var Checks = es.Mirror[*pb.EligibilityRequested]{
	Name: "intake.eligibility_check",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.EligibilityRequested); ok {
			return []string{e.EligibilityCheckId}
		}
		return nil
	},
	Evolve: last[*pb.EligibilityRequested],
}

// last keeps the event that came last.
func last[E es.Event](_ E, event es.Event) E { return event.(E) }

// Mirrors are all copies.
func Mirrors() []es.AnyMirror {
	return []es.AnyMirror{Payers, PayersByEDI, Organizations, Locations, Clinicians, Authorizations, Checks}
}
