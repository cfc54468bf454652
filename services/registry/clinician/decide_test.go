package clinician

import (
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

const (
	associate = typev1.LicenseType_LICENSE_TYPE_ASSOCIATE
	social    = typev1.LicenseType_LICENSE_TYPE_CLINICAL_SOCIAL_WORKER
)

func clinician(id string, l typev1.LicenseType) *pb.ClinicianRegistered {
	return &pb.ClinicianRegistered{
		ClinicianId: id, Name: &typev1.PersonName{Last: "Ames", First: "Rita"}, Npi: "1234567893", Taxonomy: "101YM0800X",
		LicenseType: l, LicenseNumber: "L1", LicenseState: "IL", LocationIds: []string{"loc_1"}, FromDate: "2026-01-01",
	}
}

func TestRegister(t *testing.T) {
	ask := func(l typev1.LicenseType) *pb.RegisterClinicianRequest {
		return &pb.RegisterClinicianRequest{
			Name: &typev1.PersonName{Last: "Ames", First: "Rita"}, Npi: "1234567893", Taxonomy: "101YM0800X",
			LicenseType: l, LicenseNumber: "L1", LicenseState: "IL", LocationIds: []string{"loc_1"}, FromDate: "2026-01-01",
		}
	}
	decide := func(missing ...string) func(State, *pb.RegisterClinicianRequest) ([]es.Event, error) {
		return func(s State, c *pb.RegisterClinicianRequest) ([]es.Event, error) {
			return Register(s, c, "cli_1", missing)
		}
	}
	estest.Run(t, Stream, decide(), []estest.Case[*pb.RegisterClinicianRequest]{
		{Name: "a licensed clinician is registered", When: ask(social), Then: events{clinician("cli_1", social)}},
		{Name: "so is an associate, before there is a supervisor", When: ask(associate), Then: events{clinician("cli_1", associate)}},
		{Name: "once", Given: events{clinician("cli_1", social)}, When: ask(social), Refused: "registry.clinician_new"},
		{Name: "the licence must be told", When: ask(0), Refused: "registry.license"},
		{
			Name: "everything that is wrong is said at once", When: &pb.RegisterClinicianRequest{},
			Refused: "registry.named registry.named registry.npi registry.taxonomy registry.license registry.license registry.license registry.location_exists registry.day",
		},
	})
	estest.Run(t, Stream, decide("loc_1"), []estest.Case[*pb.RegisterClinicianRequest]{
		{Name: "a clinician works at locations that exist", When: ask(social), Refused: "registry.location_exists"},
	})
}

func TestSupervise(t *testing.T) {
	ask := func(who, from, thru string) *pb.AssignSupervisionRequest {
		return &pb.AssignSupervisionRequest{ClinicianId: "cli_1", SupervisorClinicianId: who, FromDate: from, ThruDate: thru}
	}
	said := func(who, from, thru string) es.Event {
		return &pb.SupervisionAssigned{ClinicianId: "cli_1", SupervisorClinicianId: who, FromDate: from, ThruDate: thru}
	}
	by := func(s *pb.ClinicianRegistered) func(State, *pb.AssignSupervisionRequest) ([]es.Event, error) {
		return func(st State, c *pb.AssignSupervisionRequest) ([]es.Event, error) { return Supervise(st, c, s) }
	}
	one := clinician("cli_1", associate)
	estest.Run(t, Stream, by(clinician("cli_2", social)), []estest.Case[*pb.AssignSupervisionRequest]{
		{Name: "a licensed clinician supervises", Given: events{one}, When: ask("cli_2", "2026-01-01", ""), Then: events{said("cli_2", "2026-01-01", "")}},
		{Name: "the same again changes nothing", Given: events{one, said("cli_2", "2026-01-01", "")}, When: ask("cli_2", "2026-01-01", "")},
		{Name: "a supervision is ended by its last day", Given: events{one, said("cli_2", "2026-01-01", "")}, When: ask("cli_2", "2026-01-01", "2026-06-30"), Then: events{said("cli_2", "2026-01-01", "2026-06-30")}},
		{Name: "on any day there is one supervisor", Given: events{one, said("cli_3", "2026-01-01", "")}, When: ask("cli_2", "2026-07-01", ""), Refused: "registry.one_supervisor"},
		{
			Name: "the next begins when the last has ended", Given: events{one, said("cli_3", "2026-01-01", ""), said("cli_3", "2026-01-01", "2026-06-30")},
			When: ask("cli_2", "2026-07-01", ""), Then: events{said("cli_2", "2026-07-01", "")},
		},
		{Name: "a supervision ends after it begins", Given: events{one}, When: ask("cli_2", "2026-07-01", "2026-06-30"), Refused: "registry.period"},
		{Name: "who is supervised must be registered", When: ask("cli_2", "2026-07-01", ""), Refused: "registry.clinician_exists"},
	})
	estest.Run(t, Stream, by(clinician("cli_2", associate)), []estest.Case[*pb.AssignSupervisionRequest]{
		{Name: "an associate supervises nobody", Given: events{one}, When: ask("cli_2", "2026-01-01", ""), Refused: "registry.supervisor_licensed"},
	})
	estest.Run(t, Stream, by(clinician("cli_1", social)), []estest.Case[*pb.AssignSupervisionRequest]{
		{Name: "nobody supervises oneself", Given: events{one}, When: ask("cli_1", "2026-01-01", ""), Refused: "registry.supervisor_other"},
	})
	estest.Run(t, Stream, by(nil), []estest.Case[*pb.AssignSupervisionRequest]{
		{Name: "the supervisor is a clinician of this tenant", Given: events{one}, When: ask("cli_9", "2026-01-01", ""), Refused: "registry.supervisor_exists"},
	})
}

func TestReactToAnImportedClaim(t *testing.T) {
	commands, err := React(es.Recorded{Event: &exchangev1.ClaimImported{
		RenderingClinicianId: "cli_1", SupervisingClinicianId: "cli_2", LocationId: "loc_1", ServiceDate: "2026-03-02",
		RenderingProvider:   &claimsv1.Provider{Npi: "123456789", Name: &typev1.PersonName{Last: "Ames"}},
		SupervisingProvider: &claimsv1.Provider{OrganizationName: "A Group"},
	}}, es.Known{})
	if err != nil || len(commands) != 2 {
		t.Fatalf("%d commands, %v", len(commands), err)
	}
	want := events{
		&pb.ClinicianRegistered{ClinicianId: "cli_1", Name: &typev1.PersonName{Last: "Ames"}, Npi: "123456789", LocationIds: []string{"loc_1"}, FromDate: "2026-03-02"},
		&pb.ClinicianRegistered{ClinicianId: "cli_2", Name: &typev1.PersonName{Last: "A Group"}, LocationIds: []string{"loc_1"}, FromDate: "2026-03-02"},
	}
	for i, c := range commands {
		got, err := c.Decide(State{})
		if err != nil {
			t.Fatal(err)
		}
		estest.Same(t, got, want[i:i+1])
		if got, err = c.Decide(estest.Fold(Stream, events{clinician(c.ID, social)})); err != nil || len(got) > 0 {
			t.Fatalf("a clinician who is known is not touched: %v, %v", got, err)
		}
	}
}
