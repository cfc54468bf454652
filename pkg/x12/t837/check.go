package t837

import (
	"fmt"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Residual is an equation of a claim that doesn't hold, or does when Cents is 0.
type Residual struct {
	Equation Equation `json:"equation"`
	Line     int      `json:"line,omitempty"`  // LX; 0 for the claim
	Payer    string   `json:"payer,omitempty"` // id of the other payer
	Cents    int64    `json:"cents"`           // left side minus right side
}

// Equation names one of the sums that must hold (x12.md section 5).
type Equation string

const (
	Charges     Equation = "claim charge = sum of line charges"
	LineDecided Equation = "line charge - line adjustments = line paid"
	ClaimPaid   Equation = "claim charge - all adjustments = claim paid"
)

// Balance gives the residual of every equation of a claim.
func Balance(c *Claim) []Residual {
	sum := int64(0)
	for _, l := range c.Lines {
		sum += l.Charge
	}
	all := []Residual{{Equation: Charges, Cents: c.Charge - sum}}
	for _, o := range c.OtherPayers {
		all = append(all, balancePayer(c, o)...)
	}
	return all
}

func balancePayer(c *Claim, o OtherPayer) []Residual {
	var all []Residual
	adjusted := int64(0)
	for _, a := range o.Adjustments {
		adjusted += a.Cents
	}
	// Lines that the payer bundled count together with the line that took them in.
	group := make([]int, len(c.Lines))
	for i := range group {
		group[i] = i
	}
	root := func(i int) int {
		for group[i] != i {
			i = group[i]
		}
		return i
	}
	decided := make([]bool, len(c.Lines))
	left := make([]int64, len(c.Lines))
	for i, l := range c.Lines {
		left[i] = l.Charge
		for _, a := range l.Adjudications {
			if a.PayerID != o.Payer.ID {
				continue
			}
			decided[i] = true
			left[i] -= a.Paid
			for _, adj := range a.Adjustments {
				left[i] -= adj.Cents
				adjusted += adj.Cents
			}
			if b := a.BundledInto; b >= 1 && b <= len(c.Lines) {
				group[root(i)] = root(b - 1)
			}
		}
	}
	sums := make([]int64, len(c.Lines))
	for i := range c.Lines {
		if decided[i] {
			sums[root(i)] += left[i]
		}
	}
	for i := range c.Lines {
		if root(i) == i && decided[i] {
			all = append(all, Residual{LineDecided, i + 1, o.Payer.ID, sums[i]})
		}
	}
	if o.Paid != nil {
		all = append(all, Residual{ClaimPaid, 0, o.Payer.ID, c.Charge - adjusted - *o.Paid})
	}
	return all
}

// Check gives the rules between values that a set breaks: errors for what a payer will refuse, warnings for what deserves a look. Findings carry
// the segment ordinals of the values; Diagnostics.Of places them in a file.
func Check(s *Set) x12.Diagnostics {
	k := &checker{}
	numbers := map[string]bool{}
	for i := range s.Providers {
		k.billing(&s.Providers[i])
	}
	for _, p := range s.Claims() {
		k.people(p)
		k.claim(p)
		if numbers[p.Claim.Number] {
			k.add(x12.GuideAdvice, "837p.claim_number_twice", p.Claim, "2300", "CLM", "the claim number stands twice in the set; acknowledgments and payments can't tell the claims apart")
		}
		numbers[p.Claim.Number] = true
	}
	return k.found
}

type checker struct{ found x12.Diagnostics }

func (k *checker) add(code x12.Code, rule string, c *Claim, loop, segment, format string, args ...any) {
	d := x12.NewDiagnostic(code, c.Source, format, args...)
	d.Rule, d.Loop, d.SegmentID, d.Segment = rule, loop, segment, c.Segment
	k.found = append(k.found, d)
}

// party is a finding about who somebody is, at the bytes that say so.
func (k *checker) party(code x12.Code, rule string, p x12.Party, loop, segment, format string, args ...any) {
	d := x12.NewDiagnostic(code, p.Source, format, args...)
	d.Rule, d.Loop, d.SegmentID = rule, loop, segment
	k.found = append(k.found, d)
}

func (k *checker) line(code x12.Code, rule string, l *Line, segment, format string, args ...any) {
	d := x12.NewDiagnostic(code, l.Source, format, args...)
	d.Rule, d.Loop, d.SegmentID, d.Segment = rule, "2400", segment, l.Segment
	k.found = append(k.found, d)
}

func (k *checker) billing(b *BillingProvider) {
	p := b.Party
	if p.Address == nil || p.Address.Line1 == "" || p.Address.City == "" {
		k.party(x12.GuideRule, "837p.billing_address", p, "2010AA", "N3", "the billing provider needs a street address and a city")
	}
	if p.Ref("EI") == "" && p.Ref("SY") == "" {
		k.party(x12.GuideRule, "837p.billing_tax_id", p, "2010AA", "REF", "the billing provider needs a tax id, REF*EI or REF*SY")
	}
	k.npi(p, "2010AA")
}

func (k *checker) npi(p x12.Party, loop string) {
	if p.IDQualifier == "XX" && !ValidNPI(p.ID) {
		k.party(x12.GuideAdvice, "837p.npi", p, loop, "NM1", "the id of the provider in role %s is no NPI: 10 digits, the last of them a check digit", p.Role)
	}
}

// ValidNPI says whether the text is a National Provider Identifier: ten digits, the last by the Luhn formula over 80840 and the others.
func ValidNPI(npi string) bool {
	if len(npi) != 10 || npi[0] != '1' && npi[0] != '2' {
		return false
	}
	sum := 24 // of the prefix 80840
	for i := 0; i < 10; i++ {
		if npi[i] < '0' || npi[i] > '9' {
			return false
		}
		n := int(npi[i] - '0')
		if i%2 == 0 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

func (k *checker) people(p Placed) {
	self := p.Subscriber.Insured.Relation == "18"
	switch {
	case p.Patient == nil && !self:
		k.add(x12.GuideRule, "837p.self", p.Claim, "2000B", "SBR", "a claim directly under the subscriber needs SBR02 18 (self)")
	case p.Patient != nil && p.Subscriber.Insured.Relation != "":
		k.add(x12.GuideRule, "837p.self", p.Claim, "2000B", "SBR", "SBR02 must be empty when the patient is someone else")
	}
	person, loop := p.Subscriber.Person, "2010BA"
	if p.Patient != nil {
		person, loop = p.Patient.Person, "2010CA"
	}
	if person.Address == nil || person.Address.Line1 == "" {
		k.add(x12.GuideRule, "837p.patient_address", p.Claim, loop, "N3", "the patient needs an address")
	}
	if person.Birth == "" || person.Sex == "" {
		k.add(x12.GuideRule, "837p.patient_birth", p.Claim, loop, "DMG", "the patient needs a birth date and a sex (F, M, U)")
	}
	if p.Subscriber.Person.ID == "" && p.Subscriber.Person.Role != "" {
		k.add(x12.GuideRule, "837p.member_id", p.Claim, "2010BA", "NM1", "the subscriber needs a member id, NM109")
	}
	if p.Subscriber.Payer.ID == "" && p.Subscriber.Payer.Role != "" {
		k.add(x12.GuideRule, "837p.payer_id", p.Claim, "2010BB", "NM1", "the payer needs an id, NM109")
	}
}

const icd10Start = "2015-10-01"

func (k *checker) claim(p Placed) {
	c := p.Claim
	if len(c.Number) > 20 {
		k.add(x12.GuideRule, "837p.claim_number", c, "2300", "CLM", "the claim number has at most 20 characters")
	}
	if c.Charge < 0 {
		k.add(x12.GuideRule, "837p.charge", c, "2300", "CLM", "the claim's charge must not be negative")
	}
	switch c.Frequency {
	case Original, "", "6", "9":
	case Replacement, Void:
		if c.PayerClaimNumber == "" {
			k.add(x12.GuideRule, "837p.original_number", c, "2300", "REF", "a replacement (7) or void (8) needs the payer's number of the claim it is about, REF*F8")
		}
	default:
		k.add(x12.GuideRule, "837p.frequency", c, "2300", "CLM", "the frequency must be 1 (original), 7 (replacement) or 8 (void)")
	}
	switch n := len(c.Diagnoses); {
	case n == 0:
		k.add(x12.GuideRule, "837p.diagnosis", c, "2300", "HI", "a claim needs a principal diagnosis, HI*ABK")
	case n > 12:
		k.add(x12.GuideRule, "837p.diagnosis", c, "2300", "HI", "a claim has at most 12 diagnoses")
	}
	for i, d := range c.Diagnoses {
		if principal := d.Qualifier == "ABK" || d.Qualifier == "BK"; principal != (i == 0) {
			k.add(x12.GuideRule, "837p.principal", c, "2300", "HI", "the first diagnosis is the principal one (ABK), and no other")
			break
		}
	}
	for _, r := range c.Providers {
		k.npi(r, "2310")
	}
	controls := map[string]bool{}
	payers := map[string]bool{}
	sequences := map[string]bool{p.Subscriber.Insured.Sequence: true}
	for _, o := range c.OtherPayers {
		payers[o.Payer.ID] = true
		if sequences[o.Insured.Sequence] {
			k.add(x12.GuideRule, "837p.payer_order", c, "2320", "SBR", "two payers of the claim have the same place in the order of payers, %q", o.Insured.Sequence)
		}
		sequences[o.Insured.Sequence] = true
	}
	icd9 := len(c.Diagnoses) > 0 && (c.Diagnoses[0].Qualifier == "BK" || c.Diagnoses[0].Qualifier == "BF")
	for i := range c.Lines {
		l := &c.Lines[i]
		switch {
		case icd9 && l.Service.From >= icd10Start:
			k.line(x12.GuideRule, "837p.icd_version", l, "HI", "services from 2015-10-01 on are explained by ICD-10 (ABK, ABF), not ICD-9 (BK, BF)")
		case !icd9 && len(c.Diagnoses) > 0 && l.Service.Thru != "" && l.Service.Thru < icd10Start:
			k.line(x12.GuideRule, "837p.icd_version", l, "HI", "services before 2015-10-01 are explained by ICD-9 (BK, BF), not ICD-10 (ABK, ABF)")
		}
		for _, n := range l.Pointers {
			if n > len(c.Diagnoses) && len(c.Diagnoses) > 0 {
				k.line(x12.GuideRule, "837p.pointer", l, "SV1", "a pointer names diagnosis %d, the claim has %d", n, len(c.Diagnoses))
			}
		}
		if len(l.Pointers) > 4 {
			k.line(x12.GuideRule, "837p.pointer", l, "SV1", "a line points to at most 4 diagnoses")
		}
		if l.Charge < 0 {
			k.line(x12.GuideRule, "837p.charge", l, "SV1", "the line's charge must not be negative")
		}
		switch {
		case l.Control == "":
			k.line(x12.GuideAdvice, "837p.line_number", l, "REF", "the line has no number of its own (REF*6R): its payment can only be found by code and date")
		case controls[l.Control]:
			k.line(x12.GuideRule, "837p.line_number", l, "REF", "the line's number (REF*6R) stands twice in the claim")
		case len(l.Control) > 30:
			k.line(x12.GuideRule, "837p.line_number", l, "REF", "the line's number (REF*6R) has at most 30 characters")
		}
		controls[l.Control] = true
		for _, a := range l.Adjudications {
			if !payers[a.PayerID] {
				k.line(x12.GuideRule, "837p.line_payer", l, "SVD", "SVD01 must be the id of one of the claim's other payers")
			}
		}
		for _, r := range l.Providers {
			k.npi(r, "2420")
		}
	}
	for _, r := range Balance(c) {
		if r.Cents == 0 {
			continue
		}
		where := "the claim"
		if r.Line > 0 {
			where = fmt.Sprintf("line %d", r.Line)
		}
		if r.Payer != "" {
			where += ", as another payer decided it"
		}
		k.add(x12.Unbalanced, "837p.balance", c, "2300", "CLM", "%s: %s fails by %s", where, r.Equation, x12.Money(r.Cents))
	}
}
