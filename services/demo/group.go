package demo

import (
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// The group as its registry knows it: data that no seed changes. All of it is made up; numbers have valid check digits, and belong to nobody.

const organizationName = "Willowbrook Example Behavioral Group"

var organization = &registryv1.RegisterOrganizationRequest{
	Name: organizationName, Npi: npi(100), TaxId: "990000001", Taxonomy: "261QM0801X", Phone: "3125550100",
	Address: &typev1.Address{Line1: "100 Sample Parkway", Line2: "Suite 200", City: "Chicago", State: "IL", PostalCode: "606010001"},
}

// place is a location.
type place struct {
	key     string
	request *registryv1.RegisterLocationRequest // without the organization
}

var places = []place{
	{"lakeside", &registryv1.RegisterLocationRequest{
		Name: "Lakeside", PlaceOfService: "11", TimeZone: "America/Chicago",
		Address: &typev1.Address{Line1: "12 Lake Example Street", City: "Chicago", State: "IL", PostalCode: "606140012"},
	}},
	{"midtown", &registryv1.RegisterLocationRequest{
		Name: "Midtown", PlaceOfService: "11", TimeZone: "America/Chicago",
		Address: &typev1.Address{Line1: "340 Midtown Sample Avenue", City: "Evanston", State: "IL", PostalCode: "602010340"},
	}},
	{"prairie", &registryv1.RegisterLocationRequest{
		Name: "Prairie Community Center", PlaceOfService: "53", TimeZone: "America/Chicago",
		Address: &typev1.Address{Line1: "7 Prairie Placeholder Road", City: "Naperville", State: "IL", PostalCode: "605400007"},
	}},
}

// prices are what the group charges everybody, in cents a unit, from 2025 on. Codes are CPT numbers.
var prices = map[string]int64{
	"90791": 26000, "90792": 30000,
	"90832": 11000, "90834": 15500, "90837": 21000,
	"90833": 9000, "90836": 11500, "90838": 15000,
	"90839": 23000, "90840": 11000,
	"90846": 16000, "90847": 17500, "90853": 6500, "90785": 2500,
	"99212": 8500, "99213": 13000, "99214": 19000, "99215": 25500,
}

// clinician is somebody who sees patients.
type clinician struct {
	key        string
	request    *registryv1.RegisterClinicianRequest // without locations
	places     []string                             // keys; the first is the usual one
	supervisor string                               // key; empty: none
	kinds      []kind                               // what the clinician does besides the first visit
}

// kind of a patient's regular visits.
type kind int

const (
	talk       kind = iota // individual psychotherapy
	medication             // E/M, sometimes with therapy
	family                 // the family comes along, now and then without the patient
	group                  // a weekly group
)

func person(first, last string) *typev1.PersonName {
	return &typev1.PersonName{First: first, Last: last}
}

const (
	psychiatrist  = typev1.LicenseType_LICENSE_TYPE_PSYCHIATRIST
	psychologist  = typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST
	nurse         = typev1.LicenseType_LICENSE_TYPE_NURSE_PRACTITIONER
	socialWorker  = typev1.LicenseType_LICENSE_TYPE_CLINICAL_SOCIAL_WORKER
	familyTherapy = typev1.LicenseType_LICENSE_TYPE_MARRIAGE_FAMILY_THERAPIST
	counselor     = typev1.LicenseType_LICENSE_TYPE_PROFESSIONAL_COUNSELOR
	associate     = typev1.LicenseType_LICENSE_TYPE_ASSOCIATE
)

// taxonomies by licence. Source: NUCC's code set. Checked 2026-11-24.
var taxonomies = map[typev1.LicenseType]string{
	psychiatrist: "2084P0800X", psychologist: "103TC0700X", nurse: "363LP0808X", socialWorker: "1041C0700X",
	familyTherapy: "106H00000X", counselor: "101YM0800X", associate: "101YM0800X",
}

func licensed(first, last string, l typev1.LicenseType, npi, number string) *registryv1.RegisterClinicianRequest {
	return &registryv1.RegisterClinicianRequest{
		Name: person(first, last), Npi: npi, Taxonomy: taxonomies[l], LicenseType: l, LicenseNumber: number, LicenseState: "IL", FromDate: "2024-01-01",
	}
}

var clinicians = []clinician{
	{"amberly", licensed("Amberly", "Mockford", psychiatrist, npi(1), "DEMO-036-1"), []string{"lakeside", "midtown"}, "", []kind{medication}},
	{"barnaby", licensed("Barnaby", "Testerfield", nurse, npi(2), "DEMO-209-2"), []string{"prairie", "midtown"}, "", []kind{medication}},
	{"clementine", licensed("Clementine", "Sampleton", psychologist, npi(3), "DEMO-071-3"), []string{"lakeside"}, "", []kind{talk}},
	{"dashiell", licensed("Dashiell", "Fixture", psychologist, npi(4), "DEMO-071-4"), []string{"midtown"}, "", []kind{talk, group}},
	{"eulalia", licensed("Eulalia", "Placeholder", socialWorker, npi(5), "DEMO-149-5"), []string{"lakeside"}, "", []kind{talk, group}},
	{"ferdinand", licensed("Ferdinand", "Demoor", socialWorker, npi(6), "DEMO-149-6"), []string{"midtown"}, "", []kind{talk}},
	{"guinevere", licensed("Guinevere", "Example", socialWorker, npi(7), "DEMO-149-7"), []string{"prairie"}, "", []kind{talk, group}},
	{"horatio", licensed("Horatio", "Trialwell", familyTherapy, npi(8), "DEMO-166-8"), []string{"prairie"}, "", []kind{talk, family}},
	{"imogen", licensed("Imogen", "Stubbs-Test", familyTherapy, npi(9), "DEMO-166-9"), []string{"lakeside"}, "", []kind{talk, family}},
	{"jericho", licensed("Jericho", "Sandboxer", counselor, npi(10), "DEMO-180-10"), []string{"midtown"}, "", []kind{talk}},
	{"karoline", licensed("Karoline", "Fakenham", counselor, npi(11), "DEMO-180-11"), []string{"prairie"}, "", []kind{talk}},
	{"leopold", licensed("Leopold", "Practice", associate, npi(12), "DEMO-178-12"), []string{"lakeside"}, "clementine", []kind{talk}},
}

// npi makes an identifier of the made-up series 199900… with its check digit (Luhn over 80840 and the first nine digits).
func npi(n int) string {
	digits := []byte("199900000")
	for i := len(digits) - 1; n > 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	sum := 24 // of the prefix 80840
	for i, c := range digits {
		d := int(c - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return string(digits) + string(rune('0'+(10-sum%10)%10))
}

// payer is who pays, with what we know of it. The simulated payers know for themselves what they want; where we know something else, claims are denied.
type payer struct {
	key         string
	request     *registryv1.RegisterPayerRequest
	contracted  map[string]int64 // cents a unit from 2026 on; none: no contract
	masters     map[string]int64 // the same with modifier HO
	policies    []learned
	card        string // what its member ids begin with
	copay       int64  // cents, taken at the desk; 0: none
	share       int    // of the patients, percent
	secondary   string // key of the payer behind it
	secondaries int    // percent of its patients who have that
}

// learned is a policy, and the day on which the group learned of it. Without a first day it holds from that day on.
type learned struct {
	learned int
	policy  *registryv1.SetPayerPolicyRequest
}
