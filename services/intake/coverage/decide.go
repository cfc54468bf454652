package coverage

import (
	"fmt"
	"regexp"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/intake/patient"
	"github.com/evenkeel/evenkeel/services/intake/person"
)

var (
	// Exists: what is ended or asked about is a coverage of this tenant. Source: our own choice.
	Exists = refuse.Rule{ID: "intake.coverage_exists", Version: 1, Owner: "intake", NotFound: true}
	// PayerExists: a coverage is of a registered payer. Source: our own choice; a claim to nobody can't be sent.
	PayerExists = refuse.Rule{ID: "intake.payer_exists", Version: 1, Owner: "registry", NotFound: true}
	// PayerSequence: the place in the order of payers is told. Source: ASC X12 005010X222A1, SBR01. Checked 2026-11-24.
	PayerSequence = refuse.Rule{ID: "intake.payer_sequence", Version: 1, Owner: "intake"}
	// Day: a day is on the calendar, written YYYY-MM-DD. Source: our own choice of form (ISO 8601).
	Day = refuse.Rule{ID: "intake.day", Version: 1, Owner: "intake"}
	// Period: the last covered day is not before the first. Source: arithmetic.
	Period = refuse.Rule{ID: "intake.period", Version: 1, Owner: "intake"}
	// MemberID: the member id is 2 to 80 letters, digits, hyphens and inner blanks. Source: ASC X12 005010, NM109 (element 67); basic character set. Checked 2026-11-24.
	MemberID = refuse.Rule{ID: "intake.member_id", Version: 1, Owner: "intake"}
	// Relationship: how the patient relates to the subscriber is told. Source: ASC X12 005010X222A1, SBR02 and PAT01. Checked 2026-11-24.
	Relationship = refuse.Rule{ID: "intake.relationship", Version: 1, Owner: "intake"}
	// Subscriber: whoever is insured through somebody else tells who that is; whoever is insured oneself does not name another.
	// Source: ASC X12 005010X222A1, 2010BA. Checked 2026-11-24.
	Subscriber = refuse.Rule{ID: "intake.subscriber", Version: 1, Owner: "intake"}
	// OnePerSequence: on any day a patient has at most one coverage in each place of the order of payers. Source: coordination of benefits; a claim has one primary.
	OnePerSequence = refuse.Rule{ID: "intake.one_coverage_per_sequence", Version: 1, Owner: "intake"}
)

// OnePlacePerMember: one membership of a payer has one place in the order of payers at a time. Source: coordination of benefits is between plans; a payer asked twice
// for one membership denies the second claim as a duplicate (CARC 18). Our reading, 2026-11-24.
var OnePlacePerMember = refuse.Rule{ID: "intake.one_place_per_member_id", Version: 1, Owner: "intake"}

// Known is what the decision to add is told of what lies outside the stream; nil: there is no such.
type Known struct {
	Patient *pb.PatientRegistered
	Payer   *registryv1.PayerRegistered
}

var memberID = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z \-]{0,78}[0-9A-Za-z]$`)

// Add records a coverage, and with it the carve-out that the registry knows of.
func Add(s State, c *pb.AddCoverageRequest, id string, known Known) ([]es.Event, error) {
	added := &pb.CoverageAdded{
		CoverageId: id, PatientId: c.PatientId, PayerId: c.PayerId, PayerSequence: c.PayerSequence, PlanName: c.PlanName, FromDate: c.FromDate, ThruDate: c.ThruDate,
		Relationship: c.Relationship, MemberId: c.MemberId, GroupNumber: c.GroupNumber, SubscriberName: c.SubscriberName,
		SubscriberBirthDate: c.SubscriberBirthDate, SubscriberSex: c.SubscriberSex, SubscriberAddress: c.SubscriberAddress,
	}
	var no refuse.List
	no.If(known.Patient == nil, patient.Exists, "patient_id", "there is no patient %s: register the patient first", c.PatientId)
	no.If(known.Payer == nil, PayerExists, "payer_id", "there is no payer %s: register the payer first", c.PayerId)
	_, named := typev1.PayerSequence_name[int32(c.PayerSequence)]
	no.If(!named || c.PayerSequence == 0, PayerSequence, "payer_sequence", "say whether the payer comes first, second or third")
	no.If(!memberID.MatchString(c.MemberId), MemberID, "member_id", "a member id has 2 to 80 letters, digits and hyphens, as on the card")
	_, named = typev1.Relationship_name[int32(c.Relationship)]
	no.If(!named || c.Relationship == 0, Relationship, "relationship", "say how the patient relates to the subscriber")
	subscriber(&no, c, added, known.Patient)
	real := period(&no, c.FromDate, c.ThruDate)
	if real {
		alone(&no, s, added, c.ThruDate)
	}
	events := []es.Event{added}
	if to := known.Payer.GetBehavioralPayerId(); to != "" {
		events = append(events, &pb.CarveOutIdentified{CoverageId: id, PatientId: c.PatientId, BehavioralPayerId: to})
	}
	return no.Or(events...)
}

// subscriber checks who is insured, and fills it in where it is the patient.
func subscriber(no *refuse.List, c *pb.AddCoverageRequest, added *pb.CoverageAdded, who *pb.PatientRegistered) {
	if c.Relationship == typev1.Relationship_RELATIONSHIP_SELF {
		given := c.SubscriberName != nil || c.SubscriberBirthDate != "" || c.SubscriberSex != 0 || c.SubscriberAddress != nil
		no.If(given, Subscriber, "relationship", "the patient is the subscriber: leave the subscriber fields out")
		added.SubscriberName, added.SubscriberBirthDate, added.SubscriberSex, added.SubscriberAddress = who.GetName(), who.GetBirthDate(), who.GetSex(), who.GetAddress()
		return
	}
	if _, named := typev1.Relationship_name[int32(c.Relationship)]; !named || c.Relationship == 0 {
		return // who is insured is not told, so nobody is missed
	}
	no.If(c.SubscriberName == nil, Subscriber, "subscriber_name", "name the subscriber: the patient is insured through somebody else")
	if c.SubscriberName != nil {
		person.CheckName(no, "subscriber_name", c.SubscriberName)
	}
	no.If(c.SubscriberBirthDate == "", Subscriber, "subscriber_birth_date", "tell the subscriber's birth date")
	if c.SubscriberBirthDate != "" {
		person.CheckBirthDate(no, "subscriber_birth_date", c.SubscriberBirthDate, c.Today)
	}
	no.If(c.SubscriberSex == 0, Subscriber, "subscriber_sex", "tell the subscriber's sex, or that it is unknown: a claim carries it")
	if c.SubscriberAddress == nil {
		added.SubscriberAddress = who.GetAddress()
		return
	}
	person.CheckAddress(no, "subscriber_address", c.SubscriberAddress)
}

// Terminate records the last covered day.
func Terminate(s State, c *pb.TerminateCoverageRequest) ([]es.Event, error) {
	held, ok := s.Find(c.CoverageId)
	if !ok {
		return nil, Missing(c.CoverageId)
	}
	if held.ThruDate == c.ThruDate && c.ThruDate != "" {
		return nil, nil
	}
	var no refuse.List
	no.If(c.ThruDate == "", Day, "thru_date", "tell the last covered day")
	if c.ThruDate != "" && ending(&no, held.Added.FromDate, c.ThruDate) {
		alone(&no, s, held.Added, c.ThruDate)
	}
	return no.Or(&pb.CoverageTerminated{CoverageId: c.CoverageId, PatientId: held.Added.PatientId, ThruDate: c.ThruDate, Reason: c.Reason})
}

// CarveOut says that another payer runs behavioral services of a coverage.
type CarveOut struct{ CoverageID, BehavioralPayerID, EligibilityCheckID string }

// IdentifyCarveOut records it, unless it is known.
func IdentifyCarveOut(s State, c CarveOut) ([]es.Event, error) {
	held, ok := s.Find(c.CoverageID)
	if !ok || held.Payer() == c.BehavioralPayerID {
		return nil, nil
	}
	return []es.Event{&pb.CarveOutIdentified{
		CoverageId: c.CoverageID, PatientId: held.Added.PatientId, BehavioralPayerId: c.BehavioralPayerID, EligibilityCheckId: c.EligibilityCheckID,
	}}, nil
}

// Imported is a coverage that another billing system's claim names, and who pays its behavioral services by the registry (empty: its payer).
type Imported struct {
	Added             *pb.CoverageAdded
	BehavioralPayerID string
}

// Import records coverages as another system's file names them, unless they are known. They may share a place in the order of payers: it is their history.
func Import(s State, all []Imported) ([]es.Event, error) {
	var events []es.Event
	for i, c := range all {
		_, known := s.Find(c.Added.CoverageId)
		for _, earlier := range all[:i] {
			known = known || earlier.Added.CoverageId == c.Added.CoverageId
		}
		if known {
			continue
		}
		events = append(events, c.Added)
		if c.BehavioralPayerID != "" {
			events = append(events, &pb.CarveOutIdentified{CoverageId: c.Added.CoverageId, PatientId: c.Added.PatientId, BehavioralPayerId: c.BehavioralPayerID})
		}
	}
	return events, nil
}

// Missing is the refusal of a coverage that does not exist.
func Missing(id string) error {
	return refuse.Because(Exists, "coverage_id", "there is no coverage %s", id)
}

// period checks two days and says whether they are a period.
func period(no *refuse.List, from, thru string) bool {
	no.If(!date.Valid(from), Day, "from_date", "%q is not a day: write YYYY-MM-DD", from)
	if thru == "" {
		return date.Valid(from)
	}
	return ending(no, from, thru) && date.Valid(from)
}

// ending checks a last covered day and says whether it is one. The first may be unknown: an imported claim need not tell it.
func ending(no *refuse.List, from, thru string) bool {
	if !date.Valid(thru) {
		no.If(true, Day, "thru_date", "%q is not a day: write YYYY-MM-DD", thru)
		return false
	}
	early := date.Valid(from) && thru < from
	no.If(early, Period, "thru_date", "%s is before the first covered day, %s", thru, from)
	return !early
}

// alone checks that no other coverage has the place, and none the membership, on a day of the period.
func alone(no *refuse.List, s State, c *pb.CoverageAdded, thru string) {
	for _, h := range s.All {
		if h.Added.CoverageId == c.CoverageId || h.ThruDate != "" && c.FromDate > h.ThruDate || thru != "" && h.Added.FromDate > thru {
			continue // itself, or at another time
		}
		if h.Added.PayerSequence == c.PayerSequence {
			no.If(true, OnePerSequence, "payer_sequence", "%s (payer %s) is %s %s, %s (payer %s) would be %s: end one before the other begins",
				h.Added.CoverageId, h.Added.PayerId, place(c.PayerSequence), span(h.Added.FromDate, h.ThruDate), c.CoverageId, c.PayerId, span(c.FromDate, thru))
			continue
		}
		no.If(h.Added.PayerId == c.PayerId && membership(h.Added) == membership(c) && membership(c) != "", OnePlacePerMember, "member_id",
			"%s is the same membership of payer %s as %s, %s: send the other plan's member id, or end that coverage first", h.Added.CoverageId, c.PayerId, place(h.Added.PayerSequence), span(h.Added.FromDate, h.ThruDate))
	}
}

// membership is a member id as payers compare it; empty: not known, the patient's key was destroyed.
func membership(c *pb.CoverageAdded) string {
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(c.MemberId))
}

func place(s typev1.PayerSequence) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "PAYER_SEQUENCE_"))
}

func span(from, thru string) string {
	if thru == "" {
		return fmt.Sprintf("from %s on", from)
	}
	return fmt.Sprintf("from %s to %s", from, thru)
}
