package rules

import (
	"slices"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Rules by which a code, a modifier, a place or a price is chosen; each decision carries one of them. Those that can fail become reasons of a coder query.
var (
	// PsychotherapyTime: 16 to 37 minutes, 38 to 52, 53 or more choose the code; below 16 nothing is reported.
	// Source: docs/domain.md, "Behavioral coding rules to encode first". Checked 2026-11-24.
	PsychotherapyTime = refuse.Rule{ID: "coding.psychotherapy_time", Version: 1, Owner: "coding"}
	// AddOnTime: therapy beside an E/M is an add-on by the same minutes; minutes of the E/M are not therapy minutes.
	// Source: docs/domain.md, same table, "With E/M". Checked 2026-11-24.
	AddOnTime = refuse.Rule{ID: "coding.add_on_time", Version: 1, Owner: "coding"}
	// EvaluationManagement: medication visits carry the E/M code that the clinician chose, and its minutes fit into the session; other visits carry none.
	// Source: as above.
	EvaluationManagement = refuse.Rule{ID: "coding.evaluation_management", Version: 1, Owner: "coding"}
	// Prescriber: E/M and the diagnostic evaluation with medical services are given by physicians and nurse practitioners.
	// Source: the services include medical decisions, which other behavioral licenses do not cover. Our reading, 2026-11-24; a coder decides otherwise.
	Prescriber = refuse.Rule{ID: "coding.prescriber", Version: 1, Owner: "coding"}
	// Evaluation: 90791 without, 90792 with medical services; not chosen by time. Source: docs/domain.md, same table.
	Evaluation = refuse.Rule{ID: "coding.evaluation", Version: 1, Owner: "coding"}
	// CrisisTime: the first 30 to 74 minutes once a day, then a unit for each further 30 begun beyond 74; below 30 minutes it is psychotherapy.
	// Source: docs/domain.md, same table, "Crisis". Checked 2026-11-24.
	CrisisTime = refuse.Rule{ID: "coding.crisis_time", Version: 1, Owner: "coding"}
	// FamilyTime: family sessions are reported from 26 minutes on. Source: docs/domain.md, "Family / group". Checked 2026-11-24.
	FamilyTime = refuse.Rule{ID: "coding.family_time", Version: 1, Owner: "coding"}
	// GroupSize: a group is not larger than the payer allows. Source: the payer's policy in force on the day.
	GroupSize = refuse.Rule{ID: "coding.group_size_within_cap", Version: 1, Owner: "coding"}
	// Interactive: 90785 goes with 90791, 90792, 90832 to 90838 and 90853, with nothing else. Source: docs/domain.md, same table. Checked 2026-11-24.
	Interactive = refuse.Rule{ID: "coding.interactive_complexity", Version: 1, Owner: "coding"}
	// PlaceOfService: in person the location's; telehealth 10 at the patient's home, 02 elsewhere; 10 exists from 2022-01-01 on.
	// Source: CMS place of service code set; docs/domain.md, "Telehealth". Checked 2026-11-24.
	PlaceOfService = refuse.Rule{ID: "coding.place_of_service", Version: 1, Owner: "coding"}
	// TelehealthCovered: the payer's policy of the day covers telehealth. Source: the payer's policy.
	TelehealthCovered = refuse.Rule{ID: "coding.telehealth_covered", Version: 1, Owner: "coding"}
	// TelehealthModifier: as the payer's policy of the day wants it (95 or GT on video, 93 on audio). Source: the payer's policy.
	TelehealthModifier = refuse.Rule{ID: "coding.telehealth_modifier", Version: 1, Owner: "coding"}
	// ModifierInForce: 95 exists from 2017-01-01 on, 93 from 2022-01-01 on. Source: effective dates of the modifiers. Checked 2026-11-24.
	ModifierInForce = refuse.Rule{ID: "coding.modifier_in_force", Version: 1, Owner: "registry"}
	// LicenseModifier: of who gave the service, as the payer's policy of the day wants it; in front of telehealth modifiers, because modifiers that
	// change the price come first and those that inform after them.
	// Source: Medicare contractors' modifier order (pricing modifiers first), followed by most payers. Our reading, 2026-11-24.
	LicenseModifier = refuse.Rule{ID: "coding.license_modifier", Version: 1, Owner: "coding"}
	// FourModifiers: a line carries at most four. Source: SV101-3 to -6 of the 837P.
	FourModifiers = refuse.Rule{ID: "coding.four_modifiers", Version: 1, Owner: "coding"}
	// Supervised: pre-licensed clinicians bill under the supervisor of that day, the way the payer's policy says. Source: the payer's policy.
	Supervised = refuse.Rule{ID: "coding.supervised", Version: 1, Owner: "credentialing"}
	// Price: every code has a price in the organization's charge schedule of the day. Source: the charge schedule.
	Price = refuse.Rule{ID: "coding.price", Version: 1, Owner: "registry"}
	// PayerKnown: the payer that adjudicates first is registered. Source: our own choice; nothing about it is guessed.
	PayerKnown = refuse.Rule{ID: "coding.payer_known", Version: 1, Owner: "registry"}
	// PolicyInForce: that payer has a policy in force on the day of service. Source: our own choice; nothing about it is guessed.
	PolicyInForce = refuse.Rule{ID: "coding.policy_in_force", Version: 1, Owner: "registry"}
	// ClinicianKnown and LocationKnown: who gave the service, and where, is registered. Source: our own choice.
	ClinicianKnown = refuse.Rule{ID: "coding.clinician_known", Version: 1, Owner: "registry"}
	LocationKnown  = refuse.Rule{ID: "coding.location_known", Version: 1, Owner: "registry"}
	// DiagnosisPointers: each line points at the first diagnoses, at most four. Source: SV107 of the 837P.
	DiagnosisPointers = refuse.Rule{ID: "coding.diagnosis_pointers", Version: 1, Owner: "coding"}
	// CoderDecides: a coder's answer decides the code of the primary line. Source: our own choice.
	CoderDecides = refuse.Rule{ID: "coding.coder_decides", Version: 1, Owner: "coding"}
)

// Thresholds in minutes.
const (
	leastTherapy = 16
	leastCrisis  = 30
	firstCrisis  = 74 // the first crisis code reaches that far
	moreCrisis   = 30
	leastFamily  = 26
)

// timed is a code by the minutes from which on it is reported.
type timed struct {
	from int32
	code string
}

// Highest first.
var (
	psychotherapy = []timed{{53, "90837"}, {38, "90834"}, {leastTherapy, "90832"}}
	addOn         = []timed{{53, "90838"}, {38, "90836"}, {leastTherapy, "90833"}}
)

func byTime(table []timed, minutes int32) (timed, bool) {
	for _, t := range table {
		if minutes >= t.from {
			return t, true
		}
	}
	return timed{}, false
}

// interactiveWith are the codes that 90785 may go with.
var interactiveWith = []string{"90791", "90792", "90832", "90833", "90834", "90836", "90837", "90838", "90853"}

// ranges of E/M codes: office, hospital, consultation, nursing facility, home.
var managementCodes = [][2]string{{"99202", "99205"}, {"99211", "99215"}, {"99221", "99223"}, {"99231", "99236"}, {"99238", "99239"}, {"99242", "99245"}, {"99252", "99255"}, {"99304", "99310"}, {"99341", "99350"}}

// IsManagement says whether a code is one of the E/M codes that a behavioral visit carries.
func IsManagement(code string) bool {
	return slices.ContainsFunc(managementCodes, func(r [2]string) bool { return len(code) == 5 && code >= r[0] && code <= r[1] })
}

// NeedsManagement says whether a kind of service carries an E/M code.
func NeedsManagement(k codingv1.ServiceKind) bool {
	return k == codingv1.ServiceKind_SERVICE_KIND_MEDICATION || k == codingv1.ServiceKind_SERVICE_KIND_MEDICATION_AND_PSYCHOTHERAPY
}

var prescribers = []typev1.LicenseType{typev1.LicenseType_LICENSE_TYPE_PSYCHIATRIST, typev1.LicenseType_LICENSE_TYPE_NURSE_PRACTITIONER}

// Places of service of telehealth.
const (
	placeElsewhere = "02"
	placeHome      = "10"
	placeHomeFrom  = "2022-01-01"
)

// modifierFrom are the days from which on telehealth modifiers exist.
var modifierFrom = map[string]string{"95": "2017-01-01", "93": "2022-01-01", "FQ": "2022-01-01"}
