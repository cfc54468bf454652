// Package edits scrubs a claim before it is sent: every failed edit at once.
//
// An Edit is a rule, whether it blocks, and a check of a claim's content; Table has all of them, Scrub runs them. An edit that blocks holds the claim until the content
// or a fact changes, or a person releases it; a warning goes along. Edits with dates are judged by the date of service, so that an old claim that was right then is right now.
// Messages never say anything about a person. Pack names the table and its version, which every scrub records. The promises are in edits_test.go: TestEachEdit (each edit fails
// for its own reason and no other), TestACleanClaim.
package edits

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Pack is the table's id and version, as ClaimScrubbed records it. The version rises with every change of an edit.
const Pack = "claims.scrub@4"

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
	Check   func(c *pb.ClaimContent, f Facts, say Say)
}

// Say reports what is wrong with a field.
type Say func(field, format string, args ...any)

// Scrub runs all edits.
func Scrub(c *pb.ClaimContent, f Facts) []*pb.EditFailure {
	var out []*pb.EditFailure
	for _, e := range Table {
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

func warning(id, owner string, check func(*pb.ClaimContent, Facts, Say)) Edit {
	e := edit(id, owner, check)
	e.Blocking = false
	return e
}

// Table has all edits. Sources: structure of the 837P (docs/x12.md) where no other is named. Checked 2026-11-24.
var Table = []Edit{
	// Who is billed, where the file goes.
	edit("payer_addressed", "registry", payerAddressed),
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
	edit("member_id", "intake", memberID),
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
	edit("diagnosis_present", "coding", diagnosisPresent),
	// ICD-10-CM for services from 2015-10-01 on, ICD-9-CM before. Source: 45 CFR 162.1002.
	edit("diagnosis_version", "coding", diagnosisVersion),
	// Codes are written like codes of their version.
	edit("diagnosis_format", "coding", diagnosisFormat),
	// Each line points at one to four of the claim's diagnoses.
	edit("pointers", "coding", pointers),
	// 1 to 50 lines, told apart by their ids.
	edit("lines", "coding", lines),
	// Lines cost something.
	edit("line_charge", "coding", lineCharges),
	// The claim costs what its lines cost.
	edit("charge_total", "billing", chargeTotal),
	// Codes have five letters and digits.
	edit("service_code", "coding", serviceCodes),
	// Modifiers have two letters or digits, at most four a line, each once.
	edit("modifiers", "coding", modifiers),
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
	// Services that the payer's policy lists carry an authorization number; one of ours only where that authorization has given its units.
	edit("authorization_number", "authorizations", authorizationNumber).revised(2),
	// An authorization that was named covers the visit. Where the payer wants one, the edit above holds the claim for it.
	warning("authorization_covers", "authorizations", authorizationCovers),
	// The date of service is a day, not in the future; lines are of that day or later ones that have passed.
	edit("service_date", "clinic", serviceDates),
	// An original reaches the payer inside its filing limit (FilingLimit).
	edit("timely_filing", "billing", func(c *pb.ClaimContent, f Facts, say Say) { late(c, f, say, true) }).revised(2),
	// A replacement or void after the limit: payers count those from their decision, so a person is told and it goes.
	warning("timely_filing_of_change", "billing", func(c *pb.ClaimContent, f Facts, say Say) { late(c, f, say, false) }).revised(2),
	{Rule: ReplacesKnown, Blocking: true, Check: replacesKnown},
	// A later payer is told what the earlier ones decided.
	edit("earlier_payers_told", "posting", earlierTold),
	// What an earlier payer paid and took off is what was charged, for each line and for the claim.
	edit("earlier_payers_balance", "posting", earlierBalance),
	// An earlier payer's decision has amounts.
	warning("earlier_payers_amounts", "posting", earlierAmounts),
}

func payerAddressed(c *pb.ClaimContent, _ Facts, say Say) {
	if c.EdiPayerId == "" {
		say("edi_payer_id", "payer %s has no EDI payer id: register it", c.PayerId)
	}
	if c.ReceiverId == "" {
		say("receiver_id", "payer %s has no receiver: register to whom its claims are sent", c.PayerId)
	}
	if c.FilingIndicator == "" {
		say("filing_indicator", "payer %s has no filing indicator: register it", c.PayerId)
	}
	if c.PayerName == "" {
		say("payer_name", "payer %s has no name: register it", c.PayerId)
	}
}

// ValidNPI says whether s is a national provider identifier, by its check digit.
func ValidNPI(s string) bool {
	if len(s) != 10 || strings.Trim(s, "0123456789") != "" {
		return false
	}
	sum := 24 // of the prefix 80840
	for i := range 10 {
		d := int(s[i] - '0')
		if i%2 == 0 { // counted from the check digit, every second is doubled
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

func npis(c *pb.ClaimContent, _ Facts, say Say) {
	check := func(field string, p *pb.Provider, needed bool) {
		if p == nil || p.Npi == "" && !needed {
			return
		}
		if !ValidNPI(p.Npi) {
			say(field+".npi", "%q is no NPI: ten digits with their check digit", p.Npi)
		}
	}
	if c.BillingProvider == nil {
		say("billing_provider", "nobody bills: register the organization")
	}
	check("billing_provider", c.BillingProvider, true)
	check("rendering_provider", c.RenderingProvider, true)
	check("supervising_provider", c.SupervisingProvider, true)
	check("service_location", c.ServiceLocation, false)
}

var (
	nineDigits = regexp.MustCompile(`^\d{9}$`)
	tenChars   = regexp.MustCompile(`^[A-Z0-9]{10}$`)
	postal     = regexp.MustCompile(`^\d{5}(\d{4})?$`)
	stateCode  = regexp.MustCompile(`^[A-Z]{2}$`)
	postBox    = regexp.MustCompile(`(?i)^\s*(p\.?\s*o\.?\s*box|post office box)\b`)
)

func taxID(c *pb.ClaimContent, _ Facts, say Say) {
	if p := c.BillingProvider; p != nil && !nineDigits.MatchString(p.TaxId) {
		say("billing_provider.tax_id", "the tax id has not nine digits: correct the organization")
	}
}

func billingAddress(c *pb.ClaimContent, _ Facts, say Say) {
	p := c.BillingProvider
	if p == nil {
		return
	}
	if p.OrganizationName == "" && p.Name.GetLast() == "" {
		say("billing_provider.organization_name", "who bills has no name: correct the organization")
	}
	if wrong := address(p.Address); wrong != "" {
		say("billing_provider.address", "%s: correct the organization", wrong)
	}
	if postBox.MatchString(p.Address.GetLine1()) {
		say("billing_provider.address.line1", "a P.O. box is no street: give the organization its street address")
	}
}

// address says what is wrong with one; empty: nothing.
func address(a *typev1.Address) string {
	var wrong []string
	if a.GetLine1() == "" {
		wrong = append(wrong, "no street")
	}
	if a.GetCity() == "" {
		wrong = append(wrong, "no city")
	}
	if !stateCode.MatchString(a.GetState()) {
		wrong = append(wrong, "no state of two letters")
	}
	if !postal.MatchString(a.GetPostalCode()) {
		wrong = append(wrong, "no postal code of 5 or 9 digits")
	}
	return strings.Join(wrong, ", ")
}

func taxonomy(c *pb.ClaimContent, _ Facts, say Say) {
	if p := c.BillingProvider; p != nil && !tenChars.MatchString(p.Taxonomy) {
		say("billing_provider.taxonomy", "the taxonomy has not ten letters and digits: some payers refuse the claim")
	}
	if p := c.RenderingProvider; p != nil && !tenChars.MatchString(p.Taxonomy) {
		say("rendering_provider.taxonomy", "the taxonomy has not ten letters and digits: some payers refuse the claim")
	}
}

func renderingNamed(c *pb.ClaimContent, _ Facts, say Say) {
	if c.RenderingProvider == nil && c.BillingProvider.GetOrganizationName() != "" {
		say("rendering_provider", "a group bills and nobody is named who gave the service")
	}
}

func memberID(c *pb.ClaimContent, _ Facts, say Say) {
	if n := len(strings.TrimSpace(c.Person.GetMemberId())); n < 2 || n > 80 {
		say("person.member_id", "the member id has %d characters, 2 to 80 are possible: correct the coverage", n)
	}
}

// Ids of the edits that fail when coverages of the day of service change.
const (
	CoverageInForce = "claims.coverage_in_force"
	PayerOrder      = "claims.payer_order"
)

func coverageInForce(_ *pb.ClaimContent, f Facts, say Say) {
	if c := f.Coverage; c.GetChange() == pb.CoverageChange_COVERAGE_CHANGE_RETRO_TERMINATION {
		say("coverage_id", "coverage %s is not in force on %s, its last day is %s: find who covered that day, void this claim and bill the visit anew; or correct the end", c.CoverageId, c.ServiceDate, cmp.Or(c.ThruDate, "open"))
	}
}

func payerOrder(_ *pb.ClaimContent, f Facts, say Say) {
	if c := f.Coverage; c.GetChange() == pb.CoverageChange_COVERAGE_CHANGE_EARLIER_PAYER {
		say("payer_sequence", "coverage %s of payer %s comes before this one on %s: void this claim and bill the visit anew, to that payer first; or correct the order", c.OtherCoverageId, c.OtherPayerId, c.ServiceDate)
	}
}

func personNamed(c *pb.ClaimContent, _ Facts, say Say) {
	if c.Person.GetSubscriberName().GetLast() == "" {
		say("person.subscriber_name", "the subscriber has no last name: correct the coverage")
	}
	if c.Person.GetPatientName().GetLast() == "" {
		say("person.patient_name", "the patient has no last name: correct the patient")
	}
}

func birthDates(c *pb.ClaimContent, _ Facts, say Say) {
	check := func(field, day string, needed bool) {
		switch {
		case day == "" && !needed:
		case !date.Valid(day):
			say(field, "the birth date is missing or no day: correct it")
		case day > c.ServiceDate:
			say(field, "the birth date is after the date of service %s: correct it", c.ServiceDate)
		}
	}
	self := c.Relationship == typev1.Relationship_RELATIONSHIP_SELF
	check("person.patient_birth_date", c.Person.GetPatientBirthDate(), true)
	check("person.subscriber_birth_date", c.Person.GetSubscriberBirthDate(), self)
}

func personAddress(c *pb.ClaimContent, _ Facts, say Say) {
	if c.Relationship == typev1.Relationship_RELATIONSHIP_SELF {
		if wrong := address(c.Person.GetSubscriberAddress()); wrong != "" {
			say("person.subscriber_address", "%s: correct the coverage", wrong)
		}
		return
	}
	if wrong := address(c.Person.GetPatientAddress()); wrong != "" {
		say("person.patient_address", "%s: correct the patient", wrong)
	}
}

func diagnosisPresent(c *pb.ClaimContent, _ Facts, say Say) {
	codes := c.Person.GetDiagnosisCodes()
	if len(codes) == 0 || len(codes) > 12 {
		say("person.diagnosis_codes", "%d diagnoses, 1 to 12 are possible", len(codes))
	}
	for i, code := range codes {
		if slices.Contains(codes[:i], code) {
			say("person.diagnosis_codes", "number %d is there twice", i+1)
		}
	}
}

const icd10From = "2015-10-01"

func system(c *pb.ClaimContent) string {
	if s := c.Person.GetDiagnosisCodeSystem(); s != "" {
		return s
	}
	return "10"
}

func diagnosisVersion(c *pb.ClaimContent, _ Facts, say Say) {
	want := "10"
	if c.ServiceDate < icd10From {
		want = "9"
	}
	if s := system(c); s != want {
		say("person.diagnosis_code_system", "ICD-%s codes for a service of %s: ICD-%s holds then", s, c.ServiceDate, want)
	}
}

var diagnosisForms = map[string]*regexp.Regexp{
	"10": regexp.MustCompile(`^[A-Z][0-9][0-9AB][0-9A-Z]{0,4}$`),
	"9":  regexp.MustCompile(`^([0-9]{3}|V[0-9]{2})[0-9]{0,2}$|^E[0-9]{3}[0-9]?$`),
}

func diagnosisFormat(c *pb.ClaimContent, _ Facts, say Say) {
	form := diagnosisForms[system(c)]
	for i, code := range c.Person.GetDiagnosisCodes() {
		if form == nil || !form.MatchString(code) {
			say("person.diagnosis_codes", "number %d is not written like an ICD-%s-CM code without its dot", i+1, system(c))
		}
	}
}

func at(i int, field string) string { return fmt.Sprintf("lines[%d].%s", i, field) }

func pointers(c *pb.ClaimContent, _ Facts, say Say) {
	most := int32(len(c.Person.GetDiagnosisCodes()))
	for i, l := range c.Lines {
		if n := len(l.DiagnosisPointers); n < 1 || n > 4 {
			say(at(i, "diagnosis_pointers"), "%d pointers, 1 to 4 are possible", n)
		}
		for j, p := range l.DiagnosisPointers {
			if p < 1 || p > most {
				say(at(i, "diagnosis_pointers"), "points at diagnosis %d, the claim has %d: correct the line's pointers", p, most)
			} else if slices.Contains(l.DiagnosisPointers[:j], p) {
				say(at(i, "diagnosis_pointers"), "points at diagnosis %d twice", p)
			}
		}
	}
}

func lines(c *pb.ClaimContent, _ Facts, say Say) {
	if n := len(c.Lines); n < 1 || n > 50 {
		say("lines", "%d lines, 1 to 50 are possible", n)
	}
	seen := map[string]bool{}
	for i, l := range c.Lines {
		if l.LineId == "" || seen[l.LineId] {
			say(at(i, "line_id"), "the line has no id of its own: answers to it could not be told apart")
		}
		seen[l.LineId] = true
	}
}

func lineCharges(c *pb.ClaimContent, _ Facts, say Say) {
	for i, l := range c.Lines {
		if l.ChargeAmount <= 0 {
			say(at(i, "charge_amount"), "%s costs nothing: set its price", l.ServiceCode)
		}
	}
}

func chargeTotal(c *pb.ClaimContent, _ Facts, say Say) {
	var sum int64
	for _, l := range c.Lines {
		sum += l.ChargeAmount
	}
	if sum != c.ChargeAmount {
		say("charge_amount", "the lines cost %d cents, the claim says %d", sum, c.ChargeAmount)
	}
}

var (
	fiveChars = regexp.MustCompile(`^[A-Z0-9]{5}$`)
	twoChars  = regexp.MustCompile(`^[A-Z0-9]{2}$`)
	twoDigits = regexp.MustCompile(`^[0-9]{2}$`)
)

func serviceCodes(c *pb.ClaimContent, _ Facts, say Say) {
	for i, l := range c.Lines {
		if !fiveChars.MatchString(l.ServiceCode) {
			say(at(i, "service_code"), "%q has not five letters and digits", l.ServiceCode)
		}
	}
}

func modifiers(c *pb.ClaimContent, _ Facts, say Say) {
	for i, l := range c.Lines {
		if len(l.Modifiers) > 4 {
			say(at(i, "modifiers"), "%d modifiers, a line carries 4", len(l.Modifiers))
		}
		for j, m := range l.Modifiers {
			if !twoChars.MatchString(m) {
				say(at(i, "modifiers"), "%q has not two letters or digits", m)
			} else if slices.Contains(l.Modifiers[:j], m) {
				say(at(i, "modifiers"), "%s is there twice", m)
			}
		}
	}
}

func units(c *pb.ClaimContent, _ Facts, say Say) {
	for i, l := range c.Lines {
		if l.UnitsThousandths <= 0 {
			say(at(i, "units_thousandths"), "%s has no units", l.ServiceCode)
		}
	}
}

// placeFrom are the days from which on places exist.
var placeFrom = map[string]string{"02": "2017-01-01", "10": "2022-01-01"}

// place of a line: its own, or the claim's.
func place(c *pb.ClaimContent, l *typev1.ServiceLine) string {
	if l.PlaceOfService != "" {
		return l.PlaceOfService
	}
	return c.PlaceOfService
}

func places(c *pb.ClaimContent, _ Facts, say Say) {
	if !twoDigits.MatchString(c.PlaceOfService) {
		say("place_of_service", "%q has not two digits", c.PlaceOfService)
	}
	for i, l := range c.Lines {
		p := place(c, l)
		if l.PlaceOfService != "" && !twoDigits.MatchString(p) {
			say(at(i, "place_of_service"), "%q has not two digits", p)
		}
		if from := placeFrom[p]; c.ServiceDate < from {
			say(at(i, "place_of_service"), "%s exists from %s on, the service was on %s", p, from, c.ServiceDate)
		}
	}
}

var (
	telehealth          = []string{"95", "GT", "GQ", "93", "FQ"}
	telehealthPlaceFrom = "2024-01-01"
)

func isTelehealth(m string) bool { return slices.Contains(telehealth, m) }

func telehealthPlace(c *pb.ClaimContent, _ Facts, say Say) {
	for i, l := range c.Lines {
		p := place(c, l)
		if c.ServiceDate >= telehealthPlaceFrom && p != "02" && p != "10" && slices.ContainsFunc(l.Modifiers, isTelehealth) {
			say(at(i, "place_of_service"), "a telehealth modifier at place %s: telehealth is 02 or 10", p)
		}
	}
}

const audio = typev1.Modality_MODALITY_AUDIO_PATIENT_HOME

func isPlace(p string) bool { return p == "02" || p == "10" }

func telehealthModifier(c *pb.ClaimContent, f Facts, say Say) {
	want, how := f.Policy.GetTelehealthModifier(), "video"
	if f.Modality == audio {
		want, how = f.Policy.GetAudioModifier(), "audio only"
	}
	if want == "" {
		return
	}
	for i, l := range c.Lines {
		if isPlace(place(c, l)) && !slices.ContainsFunc(l.Modifiers, isTelehealth) {
			say(at(i, "modifiers"), "telehealth without a modifier: the payer wants %s on %s (policy of %s)", want, how, f.Policy.FromDate)
		}
	}
}

// Taxonomies of those who may say FQ. Source: NUCC, bare codes.
var ruralOrQualified = []string{"261QR1300X", "261QF0400X"}

func telehealthFits(c *pb.ClaimContent, f Facts, say Say) {
	for i, l := range c.Lines {
		for _, m := range l.Modifiers {
			switch {
			case !isTelehealth(m):
			case m == "FQ" && !slices.Contains(ruralOrQualified, c.BillingProvider.GetTaxonomy()):
				say(at(i, "modifiers"), "FQ is for rural and federally qualified health centers: correct it to 93, or the organization's taxonomy")
			case f.Modality == typev1.Modality_MODALITY_UNSPECIFIED:
				policy := []string{f.Policy.GetTelehealthModifier(), f.Policy.GetAudioModifier()}
				if (m == "GT" || m == "GQ") && !slices.Contains(policy, m) {
					say(at(i, "modifiers"), "%s, which the payer's policy does not ask for: correct it to 95 on video, 93 on audio only", m)
				}
			case f.Modality == typev1.Modality_MODALITY_IN_PERSON:
				say(at(i, "modifiers"), "%s on a visit in person: take it off", m)
			default:
				fits, how := cmp.Or(f.Policy.GetTelehealthModifier(), "95"), "video"
				if f.Modality == audio {
					fits, how = cmp.Or(f.Policy.GetAudioModifier(), "93"), "audio only"
				}
				if m != fits && !(m == "FQ" && f.Modality == audio) {
					say(at(i, "modifiers"), "%s on a visit by %s: it takes %s", m, how, fits)
				}
			}
		}
	}
}

func telehealthPlaceFits(c *pb.ClaimContent, f Facts, say Say) {
	if c.ServiceDate < telehealthPlaceFrom {
		return
	}
	for i, l := range c.Lines {
		p := place(c, l)
		switch f.Modality {
		case typev1.Modality_MODALITY_IN_PERSON:
			if isPlace(p) {
				say(at(i, "place_of_service"), "%s on a visit in person: it takes the location's place", p)
			}
		case typev1.Modality_MODALITY_VIDEO_ELSEWHERE:
			if p != "02" {
				say(at(i, "place_of_service"), "%s on a telehealth visit with the patient not at home: it takes 02", p)
			}
		case typev1.Modality_MODALITY_VIDEO_PATIENT_HOME, audio:
			if p != "10" {
				say(at(i, "place_of_service"), "%s on a telehealth visit with the patient at home: it takes 10", p)
			}
		}
	}
}

// distinct are the modifiers that say that a repeated code is another service.
var distinct = []string{"59", "XE", "XP", "XS", "XU", "76", "77"}

func repeated(c *pb.ClaimContent, f Facts, say Say) {
	for i, l := range c.Lines {
		if slices.ContainsFunc(l.Modifiers, func(m string) bool { return slices.Contains(distinct, m) }) {
			continue
		}
		for _, v := range f.SameDay {
			if v.RenderingClinicianId == f.RenderingClinicianID && slices.ContainsFunc(v.Lines, func(o *typev1.ServiceLine) bool { return o.ServiceCode == l.ServiceCode }) {
				say(at(i, "service_code"), "encounter %s of the day has %s by the same clinician: is it the same visit?", v.EncounterId, l.ServiceCode)
			}
		}
	}
}

func authorizationNumber(c *pb.ClaimContent, f Facts, say Say) {
	for i, l := range c.Lines {
		if !slices.Contains(f.Policy.GetAuthorizationCodes(), l.ServiceCode) {
			continue
		}
		number := l.AuthorizationNumber
		if number == "" {
			number = c.AuthorizationNumber
		}
		known := slices.DeleteFunc(slices.Clone(f.Authorizations), func(a Authorization) bool { return number != "" && a.Number != number })
		covers := slices.ContainsFunc(known, func(a Authorization) bool { return a.Covers })
		switch why := uncovered(known); {
		case number == "" && why != "":
			say(at(i, "authorization_number"), "the payer wants an authorization for %s (policy of %s), and what there is does not cover the visit: %s", l.ServiceCode, f.Policy.FromDate, why)
		case number == "":
			say(at(i, "authorization_number"), "the payer wants an authorization for %s (policy of %s): get one, then scrub again", l.ServiceCode, f.Policy.FromDate)
		case why != "" && !covers: // a number that we don't know is taken as it is
			say(at(i, "authorization_number"), "the number on the claim does not cover the visit: %s", why)
		}
	}
	for _, a := range f.Authorizations {
		if billed := BilledUnits(c.Lines, a.Code); a.Covers && a.Number == c.AuthorizationNumber && billed > a.Used+a.Left {
			say("authorization_number", "%s (%s) is exhausted: %d units of %s are billed, it has given %d and has %d left", a.ID, a.Number, billed, a.Code, a.Used, a.Left)
		}
	}
}

// BilledUnits of a code on lines; a part of one counts as a whole.
func BilledUnits(lines []*typev1.ServiceLine, code string) int32 {
	var n int32
	for _, l := range lines {
		if l.ServiceCode == code {
			n += l.UnitsThousandths
		}
	}
	return (n + 999) / 1000
}

// uncovered says of each authorization of ours that does not cover the visit why; empty: there is none.
func uncovered(authorizations []Authorization) string {
	var out []string
	for _, a := range authorizations {
		if a.Covers || len(a.Reasons) == 0 {
			continue
		}
		name := a.ID
		if a.Number != "" {
			name += " (" + a.Number + ")"
		}
		for _, r := range a.Reasons {
			out = append(out, fmt.Sprintf("%s: %s (%s)", name, r.Message, r.RuleId))
		}
	}
	return strings.Join(out, "; ")
}

func authorizationCovers(c *pb.ClaimContent, f Facts, say Say) {
	if slices.ContainsFunc(c.Lines, func(l *typev1.ServiceLine) bool {
		return slices.Contains(f.Policy.GetAuthorizationCodes(), l.ServiceCode)
	}) {
		return
	}
	if why := uncovered(f.Authorizations); why != "" && c.AuthorizationNumber == "" {
		say("authorization_number", "no authorization covers the visit, and the payer wants none: %s", why)
	}
}

func serviceDates(c *pb.ClaimContent, f Facts, say Say) {
	check := func(field, day string) {
		switch {
		case !date.Valid(day):
			say(field, "%q is not a day", day)
		case f.Today != "" && day > date.Add(f.Today, 1): // a day is ahead of UTC somewhere
			say(field, "%s is in the future", day)
		}
	}
	check("service_date", c.ServiceDate)
	for i, l := range c.Lines {
		if l.ServiceDate != "" {
			check(at(i, "service_date"), l.ServiceDate)
		}
		if l.ServiceThruDate != "" {
			check(at(i, "service_thru_date"), l.ServiceThruDate)
			if l.ServiceThruDate < l.ServiceDate {
				say(at(i, "service_thru_date"), "it ends before it begins")
			}
		}
	}
}

// FilingLimit is the last day on which a claim may reach a payer, by the policy of the day of service; empty: no limit known. The first payer's days count from the date of
// service, a later payer's from the day on which the payer before it decided: until then it can't be billed.
// Source: the manuals of most commercial and Medicare Advantage payers say so of coordination of benefits; payers that count otherwise need a policy of their own. Our reading, 2026-11-24.
func FilingLimit(policy *registryv1.PayerPolicySet, serviceDate string, earlier []*pb.PriorPayer) string {
	from := serviceDate
	for _, p := range earlier {
		if date.Valid(p.AdjudicationDate) && p.AdjudicationDate > from {
			from = p.AdjudicationDate
		}
	}
	days := int(policy.GetTimelyFilingDays())
	if days == 0 || !date.Valid(from) {
		return ""
	}
	return date.Add(from, days)
}

func late(c *pb.ClaimContent, f Facts, say Say, original bool) {
	isOriginal := c.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL
	if isOriginal == original && f.TimelyFilingDue != "" && f.Today > f.TimelyFilingDue {
		since := ""
		if len(c.PriorPayers) > 0 {
			since = ", counted from the earlier payer's decision"
		}
		say("service_date", "the payer's filing limit for %s was %s%s, today is %s", c.ServiceDate, f.TimelyFilingDue, since, f.Today)
	}
}

func replacesKnown(c *pb.ClaimContent, _ Facts, say Say) {
	if c.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL && c.PayerClaimControlNumber == "" {
		say("payer_claim_control_number", "a replacement or void without the payer's claim number")
	}
}

func earlierTold(c *pb.ClaimContent, _ Facts, say Say) {
	if n := int(c.PayerSequence) - 1; n > 0 && len(c.PriorPayers) < n {
		say("prior_payers", "payer number %d, and %d earlier decisions are known: post the earlier payers' remittances first", c.PayerSequence, len(c.PriorPayers))
	}
}

func told(p *pb.PriorPayer) bool {
	return p.PaidAmount != 0 || len(p.Adjustments) > 0 || len(p.Lines) > 0
}

func sum(adjustments []*typev1.Adjustment) int64 {
	var n int64
	for _, a := range adjustments {
		n += a.Amount
	}
	return n
}

func earlierBalance(c *pb.ClaimContent, _ Facts, say Say) {
	for i, p := range c.PriorPayers {
		if !told(p) {
			continue
		}
		field := fmt.Sprintf("prior_payers[%d]", i)
		off := c.ChargeAmount - p.PaidAmount - sum(p.Adjustments)
		for _, l := range p.Lines {
			off -= sum(l.Adjustments)
			n := slices.IndexFunc(c.Lines, func(s *typev1.ServiceLine) bool { return s.LineId == l.LineId })
			if n < 0 {
				say(field+".lines", "payer number %d decided a line that the claim does not have", p.PayerSequence)
				continue
			}
			if rest := c.Lines[n].ChargeAmount - l.PaidAmount - sum(l.Adjustments); rest != 0 && len(p.Adjustments) == 0 {
				say(field+".lines", "line %d of payer number %d is off by %d cents", n+1, p.PayerSequence, rest)
			}
		}
		if off != 0 {
			say(field+".paid_amount", "payer number %d is off by %d cents: charged %d, paid %d, the rest taken off", p.PayerSequence, off, c.ChargeAmount, p.PaidAmount)
		}
	}
}

func earlierAmounts(c *pb.ClaimContent, _ Facts, say Say) {
	for i, p := range c.PriorPayers {
		if !told(p) {
			say(fmt.Sprintf("prior_payers[%d]", i), "payer number %d is said to have decided, without amounts", p.PayerSequence)
		}
	}
}
