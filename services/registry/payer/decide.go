package payer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/registry/identifier"
)

var (
	// New: an EDI payer id is registered once in a tenant. Source: our own choice; two payers with one id could not be told apart in a remittance.
	New = refuse.Rule{ID: "registry.payer_new", Version: 1, Owner: "registry"}
	// Exists: policies and contracts are of registered payers. Source: our own choice.
	Exists = refuse.Rule{ID: "registry.payer_exists", Version: 1, Owner: "registry", NotFound: true}
	// EDIPayerID: 2 to 80 letters and digits, as NM109 carries it. Source: ASC X12 005010, element 67.
	EDIPayerID = refuse.Rule{ID: "registry.edi_payer_id", Version: 1, Owner: "registry"}
	// FilingIndicator: SBR09 has two capitals or digits. Source: ASC X12 005010, element 1032.
	FilingIndicator = refuse.Rule{ID: "registry.filing_indicator", Version: 1, Owner: "registry"}
	// Receiver: who gets the file is named in at most 15 characters without blanks. Source: ASC X12 005010, ISA08.
	Receiver = refuse.Rule{ID: "registry.receiver", Version: 1, Owner: "registry"}
	// BehavioralPayerExists: the payer that behavioral claims go to is registered before. Source: our own choice.
	BehavioralPayerExists = refuse.Rule{ID: "registry.behavioral_payer_exists", Version: 1, Owner: "registry", NotFound: true}
	// CarveOutOneHop: a carve-out's administrator pays itself: it is not the payer itself, and does not carve out further. Source: our own choice; a chain would leave open whom to bill.
	CarveOutOneHop = refuse.Rule{ID: "registry.carve_out_one_hop", Version: 1, Owner: "registry"}
	// SupervisedBilling: a policy says how services of supervised clinicians are billed. Source: payers differ, so silence would be a guess.
	SupervisedBilling = refuse.Rule{ID: "registry.supervised_billing", Version: 1, Owner: "contracting"}
	// LicenseModifierUnique: a licence has one modifier under a policy, and both are told. Source: our own choice.
	LicenseModifierUnique = refuse.Rule{ID: "registry.license_modifier_unique", Version: 1, Owner: "contracting"}
	// NotNegative: days and sizes are not below zero; 0 says that there is no limit. Source: arithmetic.
	NotNegative = refuse.Rule{ID: "registry.not_negative", Version: 1, Owner: "contracting"}
)

var (
	ediID    = regexp.MustCompile(`^[0-9A-Z]{2,80}$`)
	filing   = regexp.MustCompile(`^[0-9A-Z]{2}$`)
	receiver = regexp.MustCompile(`^[!-)+-9;-}]{2,15}$`) // no blank, and none of the usual separators * : ~
)

// Register records a payer. behavioral is the payer of the command's behavioral_payer_id, nil when there is none.
func Register(s State, c *pb.RegisterPayerRequest, behavioral *pb.PayerRegistered) ([]es.Event, error) {
	id := ID(c.EdiPayerId)
	var no refuse.List
	no.If(s.Registered != nil, New, "edi_payer_id", "%s is registered already, as %s", Capitals(c.EdiPayerId), id)
	identifier.Name(&no, "name", c.Name)
	no.If(!ediID.MatchString(Capitals(c.EdiPayerId)), EDIPayerID, "edi_payer_id", "%q has not 2 to 80 letters and digits", c.EdiPayerId)
	no.If(!filing.MatchString(c.FilingIndicator), FilingIndicator, "filing_indicator", "%q is not two capitals: CI commercial, MB Medicare part B, MC Medicaid …", c.FilingIndicator)
	no.If(!receiver.MatchString(c.ReceiverId), Receiver, "receiver_id", "%q is not 2 to 15 characters without blanks and separators", c.ReceiverId)
	if c.BehavioralPayerId != "" {
		no.If(behavioral == nil, BehavioralPayerExists, "behavioral_payer_id", "there is no payer %s: register it first", c.BehavioralPayerId)
		no.If(c.BehavioralPayerId == id, CarveOutOneHop, "behavioral_payer_id", "a payer that pays behavioral services itself has none")
		no.If(behavioral.GetBehavioralPayerId() != "", CarveOutOneHop, "behavioral_payer_id", "%s sends behavioral claims on to %s: name that one", c.BehavioralPayerId, behavioral.GetBehavioralPayerId())
	}
	return no.Or(&pb.PayerRegistered{
		PayerId: id, Name: c.Name, EdiPayerId: Capitals(c.EdiPayerId), FilingIndicator: c.FilingIndicator, ReceiverId: c.ReceiverId, BehavioralPayerId: c.BehavioralPayerId,
	})
}

// Import records a payer as another system's file names it, unless it is known.
func Import(s State, e *pb.PayerRegistered) ([]es.Event, error) {
	if s.Registered != nil {
		return nil, nil
	}
	return []es.Event{e}, nil
}

// SetPolicy records the payer's rules from a day on.
func SetPolicy(s State, c *pb.SetPayerPolicyRequest) ([]es.Event, error) {
	if s.Registered == nil {
		return nil, Missing(c.PayerId)
	}
	policy := &pb.PayerPolicySet{
		PayerId: c.PayerId, FromDate: c.FromDate, TimelyFilingDays: c.TimelyFilingDays, AuthorizationCodes: c.AuthorizationCodes,
		TelehealthModifier: c.TelehealthModifier, AudioModifier: c.AudioModifier, SupervisedBilling: c.SupervisedBilling,
		LicenseModifiers: c.LicenseModifiers, GroupSizeMax: c.GroupSizeMax, TelehealthCovered: c.TelehealthCovered,
		EvaluationGapDays: c.EvaluationGapDays,
	}
	if at, found := s.find(c.FromDate); found && proto.Equal(s.Policies[at], policy) {
		return nil, nil
	}
	var no refuse.List
	identifier.Day(&no, "from_date", c.FromDate)
	no.If(c.TimelyFilingDays < 0, NotNegative, "timely_filing_days", "%d days: 0 says that no limit is known", c.TimelyFilingDays)
	no.If(c.GroupSizeMax < 0, NotNegative, "group_size_max", "%d patients: 0 says that there is no cap", c.GroupSizeMax)
	for i, code := range c.AuthorizationCodes {
		identifier.Code(&no, fmt.Sprintf("authorization_codes[%d]", i), code)
	}
	identifier.Modifier(&no, "telehealth_modifier", c.TelehealthModifier)
	identifier.Modifier(&no, "audio_modifier", c.AudioModifier)
	_, named := pb.SupervisedBilling_name[int32(c.SupervisedBilling)]
	no.If(!named || c.SupervisedBilling == 0, SupervisedBilling, "supervised_billing", "say how services of supervised clinicians are billed")
	var seen []typev1.LicenseType
	for i, l := range c.LicenseModifiers {
		at := fmt.Sprintf("license_modifiers[%d]", i)
		no.If(l.LicenseType == 0 || l.Modifier == "", LicenseModifierUnique, at, "name the licence and its modifier")
		no.If(slices.Contains(seen, l.LicenseType), LicenseModifierUnique, at, "%s has a modifier already", strings.TrimPrefix(l.LicenseType.String(), "LICENSE_TYPE_"))
		identifier.Modifier(&no, at+".modifier", l.Modifier)
		seen = append(seen, l.LicenseType)
	}
	return no.Or(policy)
}

// Missing is the refusal of a payer that is not registered.
func Missing(id string) error {
	return refuse.Because(Exists, "payer_id", "there is no payer %s: register it first", id)
}
