// Package t837 is the typed view of professional claims (837P, 005010X222): the same types are read and written.
//
// Words: a Set holds BillingProviders, these hold Subscribers, these hold Claims, or Patients that do when the patient is someone else. A Claim
// has Lines, and OtherPayers when it is a secondary claim; a Line has Adjudications, what those payers said of it. Money is cents, units are
// thousandths, dates are CCYY-MM-DD. Source is the byte range in the file a value was read from.
//
// Promises: Parse reads every 837P and reports what it can't read, all at once; segments without a typed field stay as x12.Raw on their loop.
// Write gives canonical bytes and the byte range of each claim, and refuses claims that break a rule, with all problems at once. What Write
// wrote, Parse reads as the same values. Dental and institutional claims are refused by name.
//
// Standard: ASC X12 837 005010X222A1, structure from knowledge of the format. Tests: t837_test.go (golden samples, the law parse∘write = id,
// balance by one cent), FuzzParse.
package t837

import (
	"log/slog"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Version is GS08 and ST03 of what we write.
const Version = "005010X222A1"

// Set is one 837P from ST to SE.
type Set struct {
	Control   string            `json:"control"`           // ST02; empty when writing takes 0001, 0002 …
	Version   string            `json:"version,omitempty"` // ST03; empty when writing takes Version
	Purpose   string            `json:"purpose"`           // BHT02: 00 original, 18 sent again
	Reference string            `json:"reference"`         // BHT03, echoed by the 277CA
	Date      string            `json:"date"`              // BHT04
	Time      string            `json:"time"`              // BHT05, HHMM
	Type      string            `json:"type"`              // BHT06: CH charges, RP encounters without payment
	Submitter x12.Party         `json:"submitter"`         // 1000A
	Receiver  x12.Party         `json:"receiver"`          // 1000B
	Providers []BillingProvider `json:"providers"`
	Other     []x12.Raw         `json:"other,omitempty"`
	Source    x12.Source        `json:"source,omitzero"`
}

// BillingProvider is 2000A: who is paid.
type BillingProvider struct {
	Party        x12.Party    `json:"party"`                    // 2010AA, with the taxonomy of 2000A
	PayToAddress *x12.Party   `json:"pay_to_address,omitempty"` // 2010AB
	PayToPlan    *x12.Party   `json:"pay_to_plan,omitempty"`    // 2010AC
	Subscribers  []Subscriber `json:"subscribers"`
	Other        []x12.Raw    `json:"other,omitempty"`
	Source       x12.Source   `json:"source,omitzero"`
}

// Insured is an SBR: how a coverage stands in this claim.
type Insured struct {
	Sequence     string `json:"sequence"`                // SBR01: P primary, S secondary, T tertiary, A–H, U
	Relation     string `json:"relation,omitempty"`      // SBR02: 18 self; in 2000B only then
	Group        string `json:"group,omitempty"`         // SBR03
	GroupName    string `json:"group_name,omitempty"`    // SBR04
	MedicareType string `json:"medicare_type,omitempty"` // SBR05: why Medicare pays second
	Filing       string `json:"filing,omitempty"`        // SBR09: CI MB MC BL …
}

// Condition is a PAT without its relation.
type Condition struct {
	Death    string `json:"death,omitempty"`    // PAT06
	Pounds   *int64 `json:"pounds,omitempty"`   // PAT08, thousandths
	Pregnant string `json:"pregnant,omitempty"` // PAT09: Y
}

// Subscriber is 2000B: whose insurance it is.
type Subscriber struct {
	Insured   Insured    `json:"insured"`
	Condition *Condition `json:"condition,omitempty"`
	Person    x12.Party  `json:"person"`             // 2010BA
	Payer     x12.Party  `json:"payer"`              // 2010BB
	Claims    []Claim    `json:"claims,omitempty"`   // of the subscriber as patient
	Patients  []Patient  `json:"patients,omitempty"` // 2000C
	Other     []x12.Raw  `json:"other,omitempty"`
	Source    x12.Source `json:"source,omitzero"` // the whole loop, HL to its last claim
}

// LogValue keeps PHI out of logs.
func (s Subscriber) LogValue() slog.Value { return slog.StringValue("[phi]") }

// Patient is 2000C: a patient who isn't the subscriber.
type Patient struct {
	Relation  string     `json:"relation"` // PAT01: 01 spouse, 19 child, G8 other …
	Condition *Condition `json:"condition,omitempty"`
	Person    x12.Party  `json:"person"` // 2010CA
	Claims    []Claim    `json:"claims"`
	Other     []x12.Raw  `json:"other,omitempty"`
	Source    x12.Source `json:"source,omitzero"`
}

// LogValue keeps PHI out of logs.
func (p Patient) LogValue() slog.Value { return slog.StringValue("[phi]") }

// Claim is 2300.
type Claim struct {
	Number             string       `json:"number"` // CLM01, our claim number
	Charge             int64        `json:"charge"` // CLM02, cents
	PlaceOfService     string       `json:"place_of_service"`
	FacilityQualifier  string       `json:"facility_qualifier"`            // CLM05-2: B
	Frequency          string       `json:"frequency"`                     // CLM05-3: 1 original, 7 replacement, 8 void
	SignatureOnFile    string       `json:"signature_on_file,omitempty"`   // CLM06: Y N
	Assignment         string       `json:"assignment,omitempty"`          // CLM07: A B C
	BenefitsAssigned   string       `json:"benefits_assigned,omitempty"`   // CLM08: Y N W
	Release            string       `json:"release,omitempty"`             // CLM09: Y I
	PatientSignature   string       `json:"patient_signature,omitempty"`   // CLM10: P
	Accident           *Accident    `json:"accident,omitempty"`            // CLM11
	SpecialProgram     string       `json:"special_program,omitempty"`     // CLM12
	DelayReason        string       `json:"delay_reason,omitempty"`        // CLM20
	PriorAuthorization string       `json:"prior_authorization,omitempty"` // REF*G1
	PayerClaimNumber   string       `json:"payer_claim_number,omitempty"`  // REF*F8, of the claim replaced or voided
	Refs               []x12.Ref    `json:"refs,omitempty"`                // all others
	Dates              []x12.Dated  `json:"dates,omitempty"`               // 431 onset, 439 accident, 435 admission …
	Amounts            []x12.Amount `json:"amounts,omitempty"`             // F5 paid by the patient
	Notes              []Note       `json:"notes,omitempty"`
	Diagnoses          []Diagnosis  `json:"diagnoses"`              // at most 12, principal first
	Providers          []x12.Party  `json:"providers,omitempty"`    // 2310: DN referring, 82 rendering, 77 location, DQ supervising …
	OtherPayers        []OtherPayer `json:"other_payers,omitempty"` // 2320
	Lines              []Line       `json:"lines"`                  // 2400, at most 50
	Other              []x12.Raw    `json:"other,omitempty"`        // CR1, CRC, PWK, HCP …
	Segment            int          `json:"segment,omitempty"`      // ordinal of CLM in its set
	Source             x12.Source   `json:"source,omitzero"`        // CLM to the last segment of its last line
}

// LogValue keeps PHI out of logs.
func (c Claim) LogValue() slog.Value { return slog.StringValue("[phi]") }

// Provider gives the claim's provider in a role (82, DN, 77, DQ …), nil when it has none.
func (c Claim) Provider(role string) *x12.Party { return findParty(c.Providers, role) }

// Frequencies.
const (
	Original    = "1"
	Replacement = "7"
	Void        = "8"
)

// Accident is CLM11.
type Accident struct {
	Causes  []string `json:"causes"` // AA auto, EM employment, OA other
	State   string   `json:"state,omitempty"`
	Country string   `json:"country,omitempty"`
}

// Note is NTE.
type Note struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// Diagnosis is one composite of HI: ABK principal and ABF others (ICD-10, no point), BK and BF of ICD-9 in old claims.
type Diagnosis struct {
	Qualifier string `json:"qualifier"`
	Code      string `json:"code"`
}

// OtherPayer is 2320 with 2330: a payer that has decided, or will, beside the one that gets the claim.
type OtherPayer struct {
	Insured          Insured          `json:"insured"`
	Adjustments      []x12.Adjustment `json:"adjustments,omitempty"`        // of the claim as a whole
	Paid             *int64           `json:"paid,omitempty"`               // AMT*D
	PatientOwes      *int64           `json:"patient_owes,omitempty"`       // AMT*EAF
	NonCovered       *int64           `json:"non_covered,omitempty"`        // AMT*A8
	Amounts          []x12.Amount     `json:"amounts,omitempty"`            // all others
	BenefitsAssigned string           `json:"benefits_assigned,omitempty"`  // OI03
	PatientSignature string           `json:"patient_signature,omitempty"`  // OI04
	Release          string           `json:"release,omitempty"`            // OI06
	Outpatient       *x12.Outpatient  `json:"outpatient,omitempty"`         // MOA
	Subscriber       x12.Party        `json:"subscriber"`                   // 2330A
	Payer            x12.Party        `json:"payer"`                        // 2330B; its ID is the SVD01 of the lines
	Decided          string           `json:"decided,omitempty"`            // 2330B DTP*573, when the lines don't say
	PayerClaimNumber string           `json:"payer_claim_number,omitempty"` // 2330B REF*F8
	Providers        []x12.Party      `json:"providers,omitempty"`          // 2330C–G
	Other            []x12.Raw        `json:"other,omitempty"`
	Source           x12.Source       `json:"source,omitzero"`
}

// Line is 2400.
type Line struct {
	Procedure          x12.Procedure  `json:"procedure"`
	Charge             int64          `json:"charge"`                        // SV102, cents
	Basis              string         `json:"basis"`                         // SV103: UN units, MJ minutes
	Units              int64          `json:"units"`                         // SV104, thousandths
	PlaceOfService     string         `json:"place_of_service,omitempty"`    // SV105, when not the claim's
	Pointers           []int          `json:"pointers"`                      // SV107, 1 is the principal diagnosis
	Emergency          string         `json:"emergency,omitempty"`           // SV109: Y
	EPSDT              string         `json:"epsdt,omitempty"`               // SV111
	FamilyPlanning     string         `json:"family_planning,omitempty"`     // SV112
	CopayExempt        string         `json:"copay_exempt,omitempty"`        // SV115: 0
	Service            x12.Dates      `json:"service"`                       // DTP*472
	Control            string         `json:"control"`                       // REF*6R, our line number, echoed by the 835
	PriorAuthorization string         `json:"prior_authorization,omitempty"` // REF*G1
	Refs               []x12.Ref      `json:"refs,omitempty"`
	Dates              []x12.Dated    `json:"dates,omitempty"`
	Amounts            []x12.Amount   `json:"amounts,omitempty"`
	Notes              []Note         `json:"notes,omitempty"`
	Drug               []x12.Raw      `json:"drug,omitempty"`          // 2410, as it stands
	Providers          []x12.Party    `json:"providers,omitempty"`     // 2420
	Adjudications      []Adjudication `json:"adjudications,omitempty"` // 2430
	Forms              []x12.Raw      `json:"forms,omitempty"`         // 2440, as it stands
	Other              []x12.Raw      `json:"other,omitempty"`
	Segment            int            `json:"segment,omitempty"` // ordinal of LX in its set
	Source             x12.Source     `json:"source,omitzero"`
}

// Provider gives the line's provider in a role, nil when it has none.
func (l Line) Provider(role string) *x12.Party { return findParty(l.Providers, role) }

// Adjudication is 2430: what another payer said of the line.
type Adjudication struct {
	PayerID     string           `json:"payer_id"` // SVD01
	Paid        int64            `json:"paid"`
	Procedure   x12.Procedure    `json:"procedure"`
	Revenue     string           `json:"revenue,omitempty"`      // SVD04
	Units       *int64           `json:"units,omitempty"`        // SVD05, thousandths
	BundledInto int              `json:"bundled_into,omitempty"` // SVD06, a line's LX
	Adjustments []x12.Adjustment `json:"adjustments,omitempty"`
	Decided     string           `json:"decided,omitempty"`      // DTP*573
	PatientOwes *int64           `json:"patient_owes,omitempty"` // AMT*EAF
	Other       []x12.Raw        `json:"other,omitempty"`
	Source      x12.Source       `json:"source,omitzero"`
}

func findParty(parties []x12.Party, role string) *x12.Party {
	for i := range parties {
		if parties[i].Role == role {
			return &parties[i]
		}
	}
	return nil
}

// Placed is a claim with the people it is for.
type Placed struct {
	Provider   *BillingProvider
	Subscriber *Subscriber
	Patient    *Patient // nil: the subscriber
	Claim      *Claim
}

// Claims are all claims of the set, in order.
func (s *Set) Claims() []Placed {
	var all []Placed
	for i := range s.Providers {
		b := &s.Providers[i]
		for j := range b.Subscribers {
			sub := &b.Subscribers[j]
			for k := range sub.Claims {
				all = append(all, Placed{b, sub, nil, &sub.Claims[k]})
			}
			for p := range sub.Patients {
				pat := &sub.Patients[p]
				for k := range pat.Claims {
					all = append(all, Placed{b, sub, pat, &pat.Claims[k]})
				}
			}
		}
	}
	return all
}
