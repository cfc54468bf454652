package clinician

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/registry/identifier"
	"github.com/evenkeel/evenkeel/services/registry/location"
)

var (
	// New: a clinician is registered once. Source: our own choice.
	New = refuse.Rule{ID: "registry.clinician_new", Version: 1, Owner: "registry"}
	// Exists: who is supervised is registered. Source: our own choice.
	Exists = refuse.Rule{ID: "registry.clinician_exists", Version: 1, Owner: "registry", NotFound: true}
	// License: a clinician has a licence of a known type, a number and the state that gave it; an associate's registration counts as one.
	// Source: state licensing boards. Checked 2026-11-24.
	License = refuse.Rule{ID: "registry.license", Version: 1, Owner: "credentialing"}
	// SupervisorExists: the supervisor is a clinician of this tenant. Source: our own choice.
	SupervisorExists = refuse.Rule{ID: "registry.supervisor_exists", Version: 1, Owner: "registry", NotFound: true}
	// SupervisorLicensed: who supervises may bill without a supervisor. Source: payers' supervised billing policies and state boards alike; Medicare: 42 CFR 410.26(b).
	// Checked 2026-11-24.
	SupervisorLicensed = refuse.Rule{ID: "registry.supervisor_licensed", Version: 1, Owner: "credentialing"}
	// SupervisorOther: nobody supervises oneself. Source: as above.
	SupervisorOther = refuse.Rule{ID: "registry.supervisor_other", Version: 1, Owner: "credentialing"}
	// OneSupervisor: on any day a clinician has one supervisor, since a claim names one. Source: 837P loop 2310D occurs once.
	OneSupervisor = refuse.Rule{ID: "registry.one_supervisor", Version: 1, Owner: "credentialing"}
)

// NeedsSupervisor says whether a licence does not allow to bill without a supervisor. An unknown licence (imported) is not a full one.
func NeedsSupervisor(l typev1.LicenseType) bool {
	return l == typev1.LicenseType_LICENSE_TYPE_ASSOCIATE || l == typev1.LicenseType_LICENSE_TYPE_UNSPECIFIED
}

// Register records a clinician. missing are those of the command's locations that do not exist.
func Register(s State, c *pb.RegisterClinicianRequest, id string, missing []string) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Registered != nil, New, "", "clinician %s is registered already", id)
	identifier.Person(&no, "name", c.Name)
	identifier.NPI(&no, "npi", c.Npi)
	identifier.Taxonomy(&no, "taxonomy", c.Taxonomy)
	_, named := typev1.LicenseType_name[int32(c.LicenseType)]
	no.If(!named || c.LicenseType == typev1.LicenseType_LICENSE_TYPE_UNSPECIFIED, License, "license_type", "say which licence it is: it decides who may bill, and at which rate")
	no.If(strings.TrimSpace(c.LicenseNumber) == "", License, "license_number", "the licence number is empty")
	identifier.State(&no, License, "license_state", c.LicenseState)
	no.If(len(c.LocationIds) == 0, location.Exists, "location_ids", "name at least one location where the clinician sees patients")
	for i, l := range c.LocationIds {
		no.If(slices.Contains(missing, l), location.Exists, fmt.Sprintf("location_ids[%d]", i), "there is no location %s: register it first", l)
	}
	identifier.Day(&no, "from_date", c.FromDate)
	return no.Or(&pb.ClinicianRegistered{
		ClinicianId: id, Name: c.Name, Npi: c.Npi, Taxonomy: c.Taxonomy, LicenseType: c.LicenseType, LicenseNumber: c.LicenseNumber,
		LicenseState: c.LicenseState, LocationIds: c.LocationIds, FromDate: c.FromDate,
	})
}

// Import records a clinician as another system's file names it, unless it is known.
func Import(s State, e *pb.ClinicianRegistered) ([]es.Event, error) {
	if s.Registered != nil {
		return nil, nil
	}
	return []es.Event{e}, nil
}

// Supervise records who supervises. supervisor is nil when there is no such clinician.
func Supervise(s State, c *pb.AssignSupervisionRequest, supervisor *pb.ClinicianRegistered) ([]es.Event, error) {
	assigned := &pb.SupervisionAssigned{
		ClinicianId: c.ClinicianId, SupervisorClinicianId: c.SupervisorClinicianId, FromDate: c.FromDate, ThruDate: c.ThruDate,
	}
	for _, old := range s.Supervisions {
		if proto.Equal(old, assigned) {
			return nil, nil
		}
	}
	var no refuse.List
	no.If(s.Registered == nil, Exists, "clinician_id", "there is no clinician %s: register the clinician first", c.ClinicianId)
	no.If(supervisor == nil, SupervisorExists, "supervisor_clinician_id", "there is no clinician %s: register the supervisor first", c.SupervisorClinicianId)
	no.If(c.SupervisorClinicianId == c.ClinicianId, SupervisorOther, "supervisor_clinician_id", "nobody supervises oneself")
	no.If(supervisor != nil && NeedsSupervisor(supervisor.LicenseType), SupervisorLicensed, "supervisor_clinician_id",
		"%s needs a supervisor too: name a fully licensed clinician", c.SupervisorClinicianId)
	identifier.Period(&no, c.FromDate, c.ThruDate)
	if no.Any() {
		return no.Or()
	}
	for _, old := range s.Supervisions {
		no.If(!same(old, assigned) && overlap(old, assigned), OneSupervisor, "from_date", "%s supervises %s: end that first, by sending it again with its thru_date",
			old.SupervisorClinicianId, span(old.FromDate, old.ThruDate))
	}
	return no.Or(assigned)
}

func overlap(a, b *pb.SupervisionAssigned) bool {
	return (a.ThruDate == "" || b.FromDate <= a.ThruDate) && (b.ThruDate == "" || a.FromDate <= b.ThruDate)
}

func span(from, thru string) string {
	if thru == "" {
		return fmt.Sprintf("from %s on", from)
	}
	return fmt.Sprintf("from %s to %s", from, thru)
}
