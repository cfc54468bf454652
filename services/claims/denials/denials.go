// Package denials says what a claim adjustment reason code (CARC) means for us: is it a denial, which of our own steps caused it, what is done about it.
//
// A Code is one row of a table; Of classifies one adjustment of an adjudicated line. The group code decides first: PR is the patient's and never a denial; reductions by
// contract are none either, nor is what earlier payers did. A code that is not in the table is kept: it is a denial of unknown origin, and a person decides, also where the rest of the line was paid. Labels are our own
// short words. The promises are in TestOf (every row of the sources) and TestNothingUnpaidIsLost.
package denials

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
)

// Code is what we know of a CARC.
type Code struct {
	CARC   string
	Label  string // our own words
	Origin pb.DenialOrigin
	Action string // what is done about it
}

const (
	eligibility   = pb.DenialOrigin_DENIAL_ORIGIN_ELIGIBILITY
	authorization = pb.DenialOrigin_DENIAL_ORIGIN_AUTHORIZATION
	credentialing = pb.DenialOrigin_DENIAL_ORIGIN_CREDENTIALING
	coding        = pb.DenialOrigin_DENIAL_ORIGIN_CODING
	submission    = pb.DenialOrigin_DENIAL_ORIGIN_SUBMISSION
	cob           = pb.DenialOrigin_DENIAL_ORIGIN_COB
	documentation = pb.DenialOrigin_DENIAL_ORIGIN_DOCUMENTATION
	payer         = pb.DenialOrigin_DENIAL_ORIGIN_PAYER
	unknown       = pb.DenialOrigin_DENIAL_ORIGIN_UNKNOWN
)

// Table are the denials we know. Source: docs/domain.md, "Denial codes: a starter map"; code meanings from the public CARC list. Checked 2026-11-24.
var Table = []Code{
	{"4", "modifier does not fit the code", coding, "Correct the modifier and send a replacement (7)"},
	{"5", "place of service does not fit the code", coding, "Check the telehealth rules of that day and send a replacement (7)"},
	{"11", "diagnosis does not fit the code", coding, "Check the diagnosis pointers and send a replacement (7)"},
	{"16", "information is missing or wrong", submission, "Read the remark codes, correct and send a replacement (7)"},
	{"18", "exact duplicate", submission, "Find the original; never send it again blindly"},
	{"22", "another payer comes first", cob, "Check the order of payers and bill the first one"},
	{"26", "before the coverage began", eligibility, "Check eligibility of that day; find the right coverage"},
	{"27", "after the coverage ended", eligibility, "Check eligibility of that day; find the right coverage"},
	{"29", "filing limit passed", submission, "Send the proof of timely filing, or accept the loss"},
	{"31", "patient not found with this payer", eligibility, "Check member id and birth date; bill the right payer"},
	{"50", "not seen as medically necessary", documentation, "File a clinical appeal with the documentation"},
	{"96", "not covered", eligibility, "Check the benefit; inform the patient"},
	{"97", "included in another service", coding, "Send a replacement with a modifier only if it is documented"},
	{"109", "wrong payer: behavioral benefits are run by another", eligibility, "Send it to the behavioral payer inside its filing limit"},
	{"119", "benefit maximum reached", eligibility, "Check the benefit; inform the patient"},
	{"150", "level of service not supported", documentation, "File a clinical appeal with the documentation"},
	{"151", "number of services not supported", documentation, "File a clinical appeal with the documentation"},
	{"170", "not covered for this type of clinician", credentialing, "Check license rules and supervision; hold similar claims"},
	{"185", "clinician not eligible for this service", credentialing, "Ask the payer to load the clinician for that day; hold similar claims"},
	{"197", "no authorization", authorization, "Ask for a retroactive authorization, else appeal"},
	{"198", "authorization used up", authorization, "Ask for an extension for that day; check the units"},
	{"204", "not in the plan's benefits", eligibility, "Check the benefit; inform the patient"},
	{"222", "more than the contracted units", authorization, "Check the authorization; inform the patient"},
	{"226", "we did not answer a question of the payer", documentation, "Answer inside the window"},
	{"227", "the patient did not answer a question of the payer", payer, "Reach the patient; the plan waits for an answer"},
	{"236", "code pair not allowed on one day", coding, "Send a replacement with a modifier only if it is documented"},
	{"242", "clinician out of network", credentialing, "Ask the payer to load the clinician for that day; hold similar claims"},
	{"252", "documents are wanted", documentation, "Send the documents the remark codes name"},
	{"A1", "denied: see the remark codes", payer, "Read the remark codes, then correct or appeal"},
	{"B7", "clinician not certified on that day", credentialing, "Ask the payer to load the clinician for that day; hold similar claims"},
}

// contractual are reductions by contract or law: never a denial, whatever was paid. The books know the same codes, so that what stays open there is somebody's work here.
// Source: the public CARC list; docs/domain.md names 45. Checked 2026-11-24.
var contractual = map[string]string{
	"24":  "paid by capitation",
	"42":  "above the fee schedule, before 45",
	"44":  "prompt-pay discount",
	"45":  "above the fee schedule",
	"59":  "multiple-procedure reduction",
	"94":  "paid above the charge",
	"104": "withheld by managed care",
	"105": "tax withheld",
	"131": "negotiated discount",
	"137": "surcharge or assessment",
	"144": "incentive",
	"161": "performance bonus",
	"172": "another specialty's price",
	"237": "penalty by law",
	"253": "sequestration",
}

// earlierPayers is the code of what payers before this one paid and took off: it was booked when they decided, and refuses nothing, whoever says it.
// Source: the public CARC list. Checked 2026-11-24.
const earlierPayers = "23"

// Adjustment is what is asked about.
type Adjustment struct {
	Group, CARC string
	Amount      int64 // cents
}

// Contractual says whether a code takes something off by contract or law.
func Contractual(carc string) bool { return contractual[carc] != "" }

// Of classifies an adjustment; false: it is no denial.
func Of(a Adjustment) (Code, bool) {
	if a.Amount <= 0 || a.Group == "PR" || Contractual(a.CARC) || a.CARC == earlierPayers {
		return Code{}, false
	}
	for _, c := range Table {
		if c.CARC == a.CARC {
			return c, true
		}
	}
	return Code{CARC: a.CARC, Origin: unknown, Action: "Not in our table: read the payer's text and decide"}, true
}
