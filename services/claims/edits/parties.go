package edits

import (
	"regexp"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
)

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

func payerNamed(c *pb.ClaimContent, _ Facts, say Say) {
	if c.PayerId == Unnamed {
		say("payer_id", NamePayer, c.PayerSequence)
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
