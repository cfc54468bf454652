// Package edits scrubs a claim before it is sent: every failed edit at once.
//
// An Edit is a rule, whether it blocks, and a check of a claim's content; Table has all of them, Scrub runs them. An edit that blocks holds the claim until the content
// or a fact changes, or a person releases it; a warning goes along. Edits with dates are judged by the date of service, so that an old claim that was right then is right now.
// Messages never say anything about a person. Pack names the table and its version, which every scrub records. The promises are in edits_test.go: TestEachEdit (each edit fails
// for its own reason and no other), TestACleanClaim.
package edits

import (
	"fmt"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Pack is the table's id and version, as ClaimScrubbed records it. The version rises with every change of an edit.
const Pack = "claims.scrub@7"

// Facts are what a claim is judged by, besides what is on it.
type Facts struct {
	Policy               *registryv1.PayerPolicySet // of the payer, in force on the day of service; nil: none
	TimelyFilingDue      string                     // last day on which it may reach the payer; empty: no limit known
	Today                string
	Imported             bool                       // it came coded from another billing system
	Coverage             *pb.CoverageChangeDetected // how the coverages of the day are other than the claim's; nil: they are not
	Modality             typev1.Modality            // of the visit; unspecified: not known
	RenderingClinicianID string
	SameDay              []*codingv1.CodingCompleted // the patient's other visits of the day
	Authorizations       []Authorization             // of ours that were asked for units for the visit; of this payer, as far as is known
	Ours                 map[string][]Permission     // by number: authorizations of ours whose number a person typed
}

// Authorization is what one of ours said of the visit.
type Authorization struct {
	ID, Number string // the number is the payer's; empty: not approved
	Covers     bool
	Reasons    []*problemv1.Reason // why not
	Codes      []string            // that the payer approved
	Code       string              // of which it has given units
	Used, Left int32               // for the visit; for any
}

// Permission is an authorization of ours, as it is now.
type Permission struct {
	Approved *authorizationv1.AuthorizationApproved
	InUse    map[string]int32 // by code: units held or used
}

// Edit is one rule of the table.
type Edit struct {
	refuse.Rule
	Blocking bool
	// Carried: on an imported claim it is a warning. The fact came from the other system as it is, payers took it there, and the payer answers for it here.
	Carried bool
	// Void: it is also asked of a void, which bills nothing and only has to reach the payer and name what it takes back.
	Void  bool
	Check func(c *pb.ClaimContent, f Facts, say Say)
}

// Say reports what is wrong with a field.
type Say func(field, format string, args ...any)

// Scrub runs all edits.
func Scrub(c *pb.ClaimContent, f Facts) []*pb.EditFailure {
	var out []*pb.EditFailure
	for _, e := range Table {
		if c.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_VOID && !e.Void {
			continue
		}
		e.Check(c, f, func(field, format string, args ...any) {
			out = append(out, &pb.EditFailure{Blocking: e.Blocking && !(e.Carried && f.Imported), Reason: &problemv1.Reason{
				RuleId: e.ID, RuleVersion: e.Version, Owner: e.Owner, Field: field, Message: fmt.Sprintf(format, args...),
			}})
		})
	}
	return out
}

// Blocking are the reasons for which a claim is held.
func Blocking(failures []*pb.EditFailure) []*problemv1.Reason {
	var out []*problemv1.Reason
	for _, f := range failures {
		if f.Blocking {
			out = append(out, f.Reason)
		}
	}
	return out
}

// ReplacesKnown: a replacement or void names the payer's number of what it replaces. Source: REF*F8 of the 837P. Checked 2026-11-24.
var ReplacesKnown = refuse.Rule{ID: "claims.replaces_known", Version: 1, Owner: "billing"}

// PayerNamed: a claim goes to a payer that a file named. Source: 2010BB of the 837P; our own choice: who pays is never guessed, and what is told of a patient is told nobody else.
// Checked 2026-11-24.
var PayerNamed = refuse.Rule{ID: "claims.payer_named", Version: 1, Owner: "billing"}

// NamePayer is what to do about a payer that no file named.
const NamePayer = "the other billing system's file names no payer number %d, so the claim goes nowhere: bring in a claim of this visit, under its number there, that names it (POST /v1/interchanges); or void this one"

// Unnamed is the payer of a coverage in whose loop the file names none. Exchange calls every payer after what the file calls it.
var Unnamed = es.Derive("pay", "UNNAMED")

func edit(id, owner string, check func(*pb.ClaimContent, Facts, Say)) Edit {
	return Edit{Rule: refuse.Rule{ID: "claims." + id, Version: 1, Owner: owner}, Blocking: true, Check: check}
}

func carried(id, owner string, check func(*pb.ClaimContent, Facts, Say)) Edit {
	e := edit(id, owner, check)
	e.Rule.Version, e.Carried = 2, true
	return e
}

// revised is the edit in a later version of its rule, or for one that was carried from the first version on in that.
func (e Edit) revised(version int32) Edit {
	e.Rule.Version = version
	return e
}

// ofVoids is the edit, asked of voids too.
func (e Edit) ofVoids() Edit {
	e.Void = true
	return e
}

func warning(id, owner string, check func(*pb.ClaimContent, Facts, Say)) Edit {
	e := edit(id, owner, check)
	e.Blocking = false
	return e
}

// Table has all edits. Sources: structure of the 837P (docs/x12.md) where no other is named. Checked 2026-11-24.
var Table = []Edit{
	// Who is billed, where the file goes.
	edit("payer_addressed", "registry", payerAddressed).ofVoids(),
	{Rule: PayerNamed, Blocking: true, Check: payerNamed},
	// NPIs have ten digits, the last a Luhn check digit over 80840 and the others. Source: CMS, NPI check digit standard.
	carried("npi_valid", "registry", npis),
	// The billing provider has a tax id of nine digits.
	carried("tax_id", "registry", taxID),
	// The billing provider has a name and a street address; a P.O. box belongs into the pay-to address.
	carried("billing_address", "registry", billingAddress),
	// A taxonomy has ten letters and digits.
	warning("taxonomy", "registry", taxonomy),
	// A group names who gave the service. An individual who bills for themselves is both.
	warning("rendering_named", "registry", renderingNamed),
	// The subscriber is known by the member id.
	edit("member_id", "intake", memberID).ofVoids(),
	// The coverage under which the claim is made is in force on the day of service. Source: our own choice; payers take such payments back (CARC 26, 27).
	edit("coverage_in_force", "intake", coverageInForce),
	// No coverage that was not known when the visit was coded comes before the claim's. Source: coordination of benefits; payers deny (CARC 22) or take back.
	edit("payer_order", "intake", payerOrder),
	// Patient and subscriber have names.
	edit("person_named", "intake", personNamed),
	// Nobody is treated before birth.
	edit("birth_date", "intake", birthDates),
	// The person whose address the claim carries has one: the subscriber, and a patient who is somebody else.
	edit("person_address", "intake", personAddress),
	// 1 to 12 diagnoses, each once.
	edit("diagnosis_present", "coding", diagnosisPresent).revised(2),
	// ICD-10-CM for services from 2015-10-01 on, ICD-9-CM before. Source: 45 CFR 162.1002.
	edit("diagnosis_version", "coding", diagnosisVersion),
	// Codes are written like codes of their version.
	edit("diagnosis_format", "coding", diagnosisFormat).revised(2),
	// Each line points at one to four of the claim's diagnoses.
	edit("pointers", "coding", pointers).revised(2),
	// 1 to 50 lines, told apart by their ids.
	edit("lines", "coding", lines),
	// Lines cost something.
	edit("line_charge", "coding", lineCharges),
	// The claim costs what its lines cost.
	edit("charge_total", "billing", chargeTotal),
	// Codes have five letters and digits.
	edit("service_code", "coding", serviceCodes),
	// Modifiers have two letters or digits, at most four a line, each once.
	edit("modifiers", "coding", modifiers).revised(2),
	// Lines have units.
	edit("units", "coding", units),
	// Places of service have two digits; 02 exists from 2017-01-01, 10 from 2022-01-01 on. Source: CMS place of service code set.
	edit("place_of_service", "coding", places),
	// A telehealth modifier goes with a telehealth place, for services from 2024-01-01 on (until then visits carried the place they would have had in person).
	// Source: CMS, telehealth billing after the public health emergency.
	edit("telehealth_place", "coding", telehealthPlace),
	// A telehealth place carries a modifier where the payer's policy wants one for the visit's modality.
	edit("telehealth_modifier", "coding", telehealthModifier).revised(2),
	// A telehealth modifier is the one of the visit's modality: what the payer's policy says; where it says nothing 95 on video and 93 on audio. GT and GQ are a policy's word only,
	// FQ is for rural and federally qualified health centers. Source: docs/domain.md, "Telehealth"; CMS, telehealth modifiers. Checked 2026-11-24.
	carried("telehealth_modifier_fits", "coding", telehealthFits).revised(1),
	// The place of a visit by telehealth is where the patient was, 10 at home and 02 elsewhere; a visit in person has neither place nor modifier. Source: CMS place of service code
	// set. For services from 2024-01-01 on, as above. Checked 2026-11-24.
	carried("telehealth_place_fits", "coding", telehealthPlaceFits).revised(1),
	// No other visit of the patient's day has the same code by the same clinician, unless a modifier says that it is another service. Visits that were coded here were asked about
	// already (coding.exact_repeat and the rules beside it). Source: payers deny the second as a duplicate (CARC 18). Checked 2026-11-24.
	warning("repeated_service", "coding", repeated),
	// Services that the payer's policy lists carry an authorization number; one of ours only where that authorization has given its units, and for the codes that it was approved for.
	edit("authorization_number", "authorizations", authorizationNumber).revised(3),
	// An authorization that was named covers the visit. Where the payer wants one, the edit above holds the claim for it.
	warning("authorization_covers", "authorizations", authorizationCovers),
	// The date of service is a day, not in the future; lines are of that day or later ones that have passed.
	edit("service_date", "clinic", serviceDates),
	// An original reaches the payer inside its filing limit (FilingLimit).
	edit("timely_filing", "billing", func(c *pb.ClaimContent, f Facts, say Say) { late(c, f, say, true) }).revised(2),
	// A replacement or void after the limit: payers count those from their decision, so a person is told and it goes.
	warning("timely_filing_of_change", "billing", func(c *pb.ClaimContent, f Facts, say Say) { late(c, f, say, false) }).revised(2).ofVoids(),
	{Rule: ReplacesKnown, Blocking: true, Void: true, Check: replacesKnown},
	// A later payer is told what the earlier ones decided.
	edit("earlier_payers_told", "posting", earlierTold),
	// What an earlier payer paid and took off is what was charged, for each line and for the claim.
	edit("earlier_payers_balance", "posting", earlierBalance),
	// An earlier payer's decision has amounts.
	warning("earlier_payers_amounts", "posting", earlierAmounts),
}
