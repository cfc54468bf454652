package edits

import (
	"fmt"
	"regexp"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

func diagnosisPresent(c *pb.ClaimContent, _ Facts, say Say) {
	codes := c.Person.GetDiagnosisCodes()
	if len(codes) == 0 || len(codes) > 12 {
		say("person.diagnosis_codes", "%d diagnoses, 1 to 12 are possible", len(codes))
	}
	for i, code := range codes {
		if slices.Contains(codes[:i], code) {
			say(fmt.Sprintf("person.diagnosis_codes[%d]", i), "number %d is there twice", i+1)
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
			say(fmt.Sprintf("person.diagnosis_codes[%d]", i), "number %d is not written like an ICD-%s-CM code without its dot", i+1, system(c))
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
				say(at(i, fmt.Sprintf("diagnosis_pointers[%d]", j)), "points at diagnosis %d, the claim has %d: correct the line's pointers", p, most)
			} else if slices.Contains(l.DiagnosisPointers[:j], p) {
				say(at(i, fmt.Sprintf("diagnosis_pointers[%d]", j)), "points at diagnosis %d twice", p)
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
				say(at(i, fmt.Sprintf("modifiers[%d]", j)), "%q has not two letters or digits", m)
			} else if slices.Contains(l.Modifiers[:j], m) {
				say(at(i, fmt.Sprintf("modifiers[%d]", j)), "%s is there twice", m)
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
