package patient

import (
	"testing"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

var (
	name    = &typev1.PersonName{Last: "Doe", First: "Pat"}
	address = &typev1.Address{Line1: "12 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}
	doe     = &pb.PatientRegistered{PatientId: "pat_1", Name: name, BirthDate: "1990-05-01", Sex: typev1.Sex_SEX_FEMALE, Address: address, MedicalRecordNumber: "M1", LocationId: "loc_1"}
)

func ask(born string) *pb.RegisterPatientRequest {
	return &pb.RegisterPatientRequest{
		Name: name, BirthDate: born, Sex: typev1.Sex_SEX_FEMALE, Address: address, MedicalRecordNumber: "M1", LocationId: "loc_1", Today: "2026-03-02",
	}
}

func TestRegister(t *testing.T) {
	decide := func(known Known) func(State, *pb.RegisterPatientRequest) ([]es.Event, error) {
		return func(s State, c *pb.RegisterPatientRequest) ([]es.Event, error) { return Register(s, c, "pat_1", known) }
	}
	estest.Run(t, Stream, decide(Known{Location: true}), []estest.Case[*pb.RegisterPatientRequest]{
		{Name: "a patient is registered", When: ask("1990-05-01"), Then: events{doe}},
		{Name: "once", Given: events{doe}, When: ask("1990-05-01"), Refused: "intake.patient_new"},
		{Name: "nobody is born tomorrow", When: ask("2026-03-03"), Refused: "intake.birth_date"},
		{
			Name: "everything that is wrong is said at once", When: &pb.RegisterPatientRequest{Phone: "1", Today: "2026-03-02"},
			Refused: "intake.named intake.named intake.birth_date intake.sex intake.address intake.address intake.address intake.address intake.phone",
		},
	})
	estest.Run(t, Stream, decide(Known{SameNumber: "pat_9"}), []estest.Case[*pb.RegisterPatientRequest]{
		{Name: "the home location exists, and the EHR's number is nobody else's", When: ask("1990-05-01"), Refused: "intake.location_exists intake.medical_record_number_unique"},
	})
}

func TestReactToAnImportedClaim(t *testing.T) {
	when := es.Recorded{Event: &exchangev1.ClaimImported{PatientId: "pat_1", LocationId: "loc_1", Person: &claimsv1.ClaimPerson{PatientName: &typev1.PersonName{Last: "Doe"}}}}
	commands, err := React(when, es.Known{})
	if err != nil || len(commands) != 1 {
		t.Fatalf("%d commands, %v", len(commands), err)
	}
	got, err := commands[0].Decide(State{})
	if err != nil {
		t.Fatal(err)
	}
	estest.Same(t, got, events{&pb.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Doe"}, LocationId: "loc_1"}})
	if got, err = commands[0].Decide(estest.Fold(Stream, events{doe})); err != nil || len(got) > 0 {
		t.Fatalf("a patient who is known is not touched: %v, %v", got, err)
	}
}
