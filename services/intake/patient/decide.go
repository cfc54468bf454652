package patient

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/intake/person"
)

var (
	// New: a patient is registered once. Source: our own choice.
	New = refuse.Rule{ID: "intake.patient_new", Version: 1, Owner: "intake"}
	// Exists: coverages and visits are of registered patients of the caller's tenant. Source: our own choice.
	Exists = refuse.Rule{ID: "intake.patient_exists", Version: 1, Owner: "intake", NotFound: true}
	// LocationExists: a patient's home location, and a visit's, is registered. Source: our own choice.
	LocationExists = refuse.Rule{ID: "intake.location_exists", Version: 1, Owner: "registry", NotFound: true}
	// NumberUnique: the EHR's number names one patient. Source: our own choice; two patients under one number would mix two people's bills.
	NumberUnique = refuse.Rule{ID: "intake.medical_record_number_unique", Version: 1, Owner: "intake"}
)

// Known is what the decision to register is told of what lies outside the stream.
type Known struct {
	Location   bool
	SameNumber string // the patient who has the medical record number already; empty: nobody
	// Keyed hashes by which the patient is to be found: of the medical record number (nil: none), and of name and birth date.
	NumberHash, PersonHash []byte
}

// Register records who it is.
func Register(s State, c *pb.RegisterPatientRequest, id string, known Known) ([]es.Event, error) {
	var no refuse.List
	no.If(s.Registered != nil, New, "", "patient %s is registered already", id)
	person.CheckName(&no, "name", c.Name)
	person.CheckBirthDate(&no, "birth_date", c.BirthDate, c.Today)
	person.CheckSex(&no, "sex", c.Sex)
	person.CheckAddress(&no, "address", c.Address)
	person.CheckPhone(&no, "phone", c.Phone)
	no.If(!known.Location, LocationExists, "location_id", "there is no location %s: register it first", c.LocationId)
	no.If(known.SameNumber != "" && known.SameNumber != id, NumberUnique, "medical_record_number", "patient %s has this number already", known.SameNumber)
	return no.Or(&pb.PatientRegistered{
		PatientId: id, Name: c.Name, BirthDate: c.BirthDate, Sex: c.Sex, Address: c.Address, Phone: c.Phone,
		MedicalRecordNumber: c.MedicalRecordNumber, LocationId: c.LocationId,
		MedicalRecordNumberHash: known.NumberHash, PersonHash: known.PersonHash,
	})
}

// Import records a patient as another system's file names it, unless it is known.
func Import(s State, e *pb.PatientRegistered) ([]es.Event, error) {
	if s.Registered != nil {
		return nil, nil
	}
	return []es.Event{e}, nil
}
