// Package rules turns a signed session into codes, modifiers, units and dollars.
//
// A Visit is what the clinician says was done; Facts are what was in force on that day (payer policy, license, supervisor, prices); Derive gives a Coding: lines,
// who is named on the claim, and one Decision for each part of it, with the rule and the reason. What the rules leave open, or what can't be billed, comes back as
// reasons, all of them at once: a coder must say. Everything here is pure and dated: the same visit and facts give the same coding for ever. The promises are stated
// in rules_test.go: TestCodes (every threshold from both sides), TestEveryLineIsExplained (as a law).
package rules

import (
	"fmt"
	"slices"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Visit is a session, and what a coder said of it: the code of its primary line, and the modifier by which that stands beside the patient's other services. Empty: nothing.
type Visit struct {
	*codingv1.EncounterReceived
	CoderCode        string
	DistinctModifier string
}

// Facts are what was in force on the day of service. A nil is not known, or is not there.
type Facts struct {
	Location   *registryv1.LocationRegistered
	Clinician  *registryv1.ClinicianRegistered // who gave the service
	Supervisor *registryv1.ClinicianRegistered // of the clinician, on that day
	SelfPay    bool                            // no coverage is in force: no payer has rules
	PayerID    string                          // who adjudicates first
	Payer      *registryv1.PayerRegistered
	Policy     *registryv1.PayerPolicySet
	Charges    *registryv1.ChargeSchedulePublished
}

// Coding is what a visit becomes.
type Coding struct {
	Lines         []*typev1.ServiceLine
	Charge        int64 // cents, sum of the lines
	Decisions     []*codingv1.CodingDecision
	Minutes       int32 // therapy time
	RenderingID   string
	SupervisingID string
}

// Minutes are the whole minutes of a session.
func Minutes(v *codingv1.EncounterReceived) int32 {
	return int32((v.GetEndAt().GetSeconds() - v.GetStartAt().GetSeconds()) / 60)
}

// Derive codes a visit. With reasons there is no coding.
func Derive(v Visit, f Facts) (Coding, []*problemv1.Reason) {
	w := &work{visit: v, facts: f, minutes: Minutes(v.EncounterReceived)}
	if NeedsManagement(v.ServiceKind) {
		w.minutes -= v.EvaluationManagementMinutes
	}
	w.known()
	w.codes()
	w.who()
	place := w.place()
	licensed, telehealth := w.modifiers()
	w.lines(place, licensed, telehealth)
	if w.no.Any() {
		return Coding{}, w.no.Reasons()
	}
	w.out.Minutes = w.minutes
	return w.out, nil
}

// work is one derivation.
type work struct {
	visit   Visit
	facts   Facts
	minutes int32 // therapy time
	picked  []pick
	out     Coding
	no      refuse.List
}

// pick is a code and its units.
type pick struct {
	code  string
	units int32
}

func (w *work) decided(rule refuse.Rule, subject, format string, args ...any) {
	w.out.Decisions = append(w.out.Decisions, &codingv1.CodingDecision{
		RuleId: rule.ID, RuleVersion: rule.Version, Subject: subject, Reason: fmt.Sprintf(format, args...),
	})
}

func (w *work) pick(rule refuse.Rule, code string, units int32, format string, args ...any) {
	w.picked = append(w.picked, pick{code, units})
	w.decided(rule, code, format, args...)
}

// known says what is missing before anything can be said.
func (w *work) known() {
	f := w.facts
	w.no.If(f.Location == nil, LocationKnown, "location_id", "location %s is not known here: register it, then answer", w.visit.LocationId)
	w.no.If(f.Clinician == nil, ClinicianKnown, "clinician_id", "clinician %s is not known here: register the clinician, then answer", w.visit.ClinicianId)
	if f.SelfPay {
		w.decided(PayerKnown, "payer", "no coverage is in force on %s: self-pay, no payer rules", w.visit.ServiceDate)
		return
	}
	w.no.If(f.Payer == nil, PayerKnown, "payer_id", "payer %s is not registered: register it and its policy, then answer", f.PayerID)
	w.no.If(f.Payer != nil && f.Policy == nil, PolicyInForce, "payer_id", "payer %s has no policy in force on %s: set it, then answer", f.PayerID, w.visit.ServiceDate)
}

func (w *work) codes() {
	v, m := w.visit, w.minutes
	if v.CoderCode != "" {
		w.pick(CoderDecides, v.CoderCode, 1, "a coder said so")
		w.interactive()
		return
	}
	tooShort := func(rule refuse.Rule, least int32) {
		w.no.If(true, rule, "end_at", "%d minutes: at least %d are needed, say the code or that nothing is billed", m, least)
	}
	switch v.ServiceKind {
	case codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY:
		if t, ok := byTime(psychotherapy, m); ok {
			w.pick(PsychotherapyTime, t.code, 1, "%d minutes: %d or more", m, t.from)
		} else {
			tooShort(PsychotherapyTime, leastTherapy)
		}
	case codingv1.ServiceKind_SERVICE_KIND_EVALUATION:
		w.pick(Evaluation, "90791", 1, "diagnostic evaluation without medical services")
	case codingv1.ServiceKind_SERVICE_KIND_EVALUATION_MEDICAL:
		w.prescriber("90792")
		w.pick(Evaluation, "90792", 1, "diagnostic evaluation with medical services")
	case codingv1.ServiceKind_SERVICE_KIND_MEDICATION:
		w.management()
	case codingv1.ServiceKind_SERVICE_KIND_MEDICATION_AND_PSYCHOTHERAPY:
		w.management()
		if t, ok := byTime(addOn, m); ok {
			w.pick(AddOnTime, t.code, 1, "%d minutes beside %d of the E/M: %d or more", m, v.EvaluationManagementMinutes, t.from)
		} else {
			tooShort(AddOnTime, leastTherapy)
		}
	case codingv1.ServiceKind_SERVICE_KIND_CRISIS:
		switch {
		case m >= leastCrisis:
			w.pick(CrisisTime, "90839", 1, "%d minutes: %d or more", m, leastCrisis)
			if m > firstCrisis {
				w.pick(CrisisTime, "90840", (m-firstCrisis+moreCrisis-1)/moreCrisis, "%d minutes beyond %d, %d to a unit", m-firstCrisis, firstCrisis, moreCrisis)
			}
		case m >= leastTherapy:
			w.pick(CrisisTime, "90832", 1, "%d minutes: below %d a crisis session is psychotherapy", m, leastCrisis)
		default:
			tooShort(CrisisTime, leastTherapy)
		}
	case codingv1.ServiceKind_SERVICE_KIND_GROUP:
		most := w.facts.Policy.GetGroupSizeMax()
		w.no.If(most > 0 && v.GroupSize > most, GroupSize, "group_size", "%d patients, the payer allows %d: say the code or that nothing is billed", v.GroupSize, most)
		w.pick(GroupSize, "90853", 1, "group of %d, per patient and day", v.GroupSize)
	case codingv1.ServiceKind_SERVICE_KIND_FAMILY_WITH_PATIENT, codingv1.ServiceKind_SERVICE_KIND_FAMILY_WITHOUT_PATIENT:
		code, who := "90847", "with"
		if v.ServiceKind == codingv1.ServiceKind_SERVICE_KIND_FAMILY_WITHOUT_PATIENT {
			code, who = "90846", "without"
		}
		if m < leastFamily {
			tooShort(FamilyTime, leastFamily)
			return
		}
		w.pick(FamilyTime, code, 1, "family %s the patient, %d minutes: %d or more", who, m, leastFamily)
	default:
		w.no.If(true, CoderDecides, "service_kind", "service kind %d is not one we have rules for: say the code", v.ServiceKind)
	}
	w.interactive()
}

func (w *work) management() {
	code := w.visit.EvaluationManagementCode
	w.no.If(!IsManagement(code), EvaluationManagement, "evaluation_management_code", "%q is no E/M code: say the code", code)
	w.prescriber(code)
	w.pick(EvaluationManagement, code, 1, "chosen by the clinician")
}

func (w *work) prescriber(code string) {
	c := w.facts.Clinician
	w.no.If(c != nil && !slices.Contains(prescribers, c.LicenseType), Prescriber, "clinician_id",
		"%s is given by a physician or nurse practitioner, the clinician is licensed as %d: say the code", code, c.GetLicenseType())
}

func (w *work) interactive() {
	if !w.visit.InteractiveComplexity || len(w.picked) == 0 {
		return
	}
	for _, p := range w.picked {
		if slices.Contains(interactiveWith, p.code) {
			w.pick(Interactive, "90785", 1, "interactive complexity goes with %s", p.code)
			return
		}
	}
	w.decided(Interactive, "90785", "left out: interactive complexity does not go with %s", w.picked[0].code)
}

// who is named on the claim.
func (w *work) who() {
	f := w.facts
	w.out.RenderingID = w.visit.ClinicianId
	if f.Clinician.GetLicenseType() != typev1.LicenseType_LICENSE_TYPE_ASSOCIATE {
		w.decided(Supervised, "rendering "+w.out.RenderingID, "independently licensed")
		return
	}
	supervisor := f.Supervisor.GetClinicianId()
	if supervisor == "" {
		w.no.If(true, Supervised, "clinician_id", "the clinician is pre-licensed and had no registered supervisor on %s: assign one, then answer", w.visit.ServiceDate)
		return
	}
	if f.SelfPay {
		w.out.SupervisingID = supervisor
		w.decided(Supervised, "rendering "+w.out.RenderingID, "pre-licensed, supervised by %s; no payer has rules", supervisor)
		return
	}
	if f.Policy == nil {
		return // said already
	}
	switch f.Policy.SupervisedBilling {
	case registryv1.SupervisedBilling_SUPERVISED_BILLING_SUPERVISOR_RENDERS:
		w.out.RenderingID = supervisor
		w.decided(Supervised, "rendering "+supervisor, "the payer wants the supervisor named for pre-licensed clinicians (policy of %s)", f.Policy.FromDate)
	case registryv1.SupervisedBilling_SUPERVISED_BILLING_RENDERING_WITH_SUPERVISOR:
		w.out.SupervisingID = supervisor
		w.decided(Supervised, "supervising "+supervisor, "the payer wants clinician and supervisor named (policy of %s)", f.Policy.FromDate)
	case registryv1.SupervisedBilling_SUPERVISED_BILLING_NOT_COVERED:
		w.no.If(true, Supervised, "clinician_id", "the payer does not cover pre-licensed clinicians (policy of %s): say that nothing is billed", f.Policy.FromDate)
	default:
		w.no.If(true, Supervised, "clinician_id", "the payer's policy of %s does not say how pre-licensed clinicians bill: set it, then answer", f.Policy.FromDate)
	}
}

func (w *work) telehealth() bool {
	return w.visit.Modality != typev1.Modality_MODALITY_IN_PERSON
}

func (w *work) audio() bool { return w.visit.Modality == typev1.Modality_MODALITY_AUDIO_PATIENT_HOME }

func (w *work) place() string {
	place, why := w.facts.Location.GetPlaceOfService(), "in person: the location's"
	switch w.visit.Modality {
	case typev1.Modality_MODALITY_VIDEO_PATIENT_HOME, typev1.Modality_MODALITY_AUDIO_PATIENT_HOME:
		place, why = placeHome, "telehealth, the patient at home"
		if w.visit.ServiceDate < placeHomeFrom {
			place, why = placeElsewhere, "telehealth before "+placeHomeFrom+", when 10 began"
		}
	case typev1.Modality_MODALITY_VIDEO_ELSEWHERE:
		place, why = placeElsewhere, "telehealth, the patient not at home"
	}
	w.decided(PlaceOfService, "place of service "+place, "%s", why)
	return place
}

// modifiers of every line: of the license, and after those of telehealth.
func (w *work) modifiers() (licensed, telehealth []string) {
	policy := w.facts.Policy
	if policy == nil {
		return nil, nil
	}
	for _, m := range policy.LicenseModifiers {
		if m.LicenseType == w.facts.Clinician.GetLicenseType() && !slices.Contains(licensed, m.Modifier) {
			licensed = append(licensed, m.Modifier)
			w.decided(LicenseModifier, "modifier "+m.Modifier, "the payer wants it for the license of who gave the service (policy of %s)", policy.FromDate)
		}
	}
	if w.telehealth() {
		w.no.If(!policy.TelehealthCovered && w.visit.CoderCode == "", TelehealthCovered, "modality",
			"the payer does not cover telehealth (policy of %s): say the code or that nothing is billed", policy.FromDate)
		modifier, how := policy.TelehealthModifier, "video"
		if w.audio() {
			modifier, how = policy.AudioModifier, "audio only"
		}
		switch from := modifierFrom[modifier]; {
		case modifier == "":
			w.decided(TelehealthModifier, "modifier", "none: the payer wants none on %s (policy of %s)", how, policy.FromDate)
		case w.visit.ServiceDate < from:
			w.no.If(true, ModifierInForce, "modality", "the payer's policy of %s wants modifier %s, which exists from %s on: correct the policy, then answer", policy.FromDate, modifier, from)
		case slices.Contains(licensed, modifier):
		default:
			telehealth = append(telehealth, modifier)
			w.decided(TelehealthModifier, "modifier "+modifier, "%s, as the payer wants it (policy of %s)", how, policy.FromDate)
		}
	}
	n := len(licensed) + len(telehealth)
	if w.visit.DistinctModifier != "" {
		n++
	}
	w.no.If(n > mostModifiers, FourModifiers, "modality", "%d modifiers with those of the payer's policy of %s, a line carries four: correct the policy, or answer without one", n, policy.FromDate)
	return licensed, telehealth
}

const mostModifiers = 4

// lines puts the modifier of a distinct service on the primary line, among those that decide about the price: in front of telehealth ones.
func (w *work) lines(place string, licensed, telehealth []string) {
	pointers := make([]int32, min(4, len(w.visit.DiagnosisCodes)))
	for i := range pointers {
		pointers[i] = int32(i + 1)
	}
	w.decided(DiagnosisPointers, "diagnosis pointers", "the first %d diagnoses", len(pointers))
	for i, p := range w.picked {
		price := w.price(p.code)
		modifiers := slices.Clone(licensed)
		if i == 0 && w.visit.DistinctModifier != "" {
			modifiers = append(modifiers, w.visit.DistinctModifier)
		}
		modifiers = append(modifiers, telehealth...)
		line := &typev1.ServiceLine{
			LineId: fmt.Sprint("L", i+1), ServiceCode: p.code, Modifiers: modifiers, UnitsThousandths: p.units * 1000, PlaceOfService: place,
			ChargeAmount: price * int64(p.units), DiagnosisPointers: slices.Clone(pointers), ServiceDate: w.visit.ServiceDate,
		}
		w.out.Lines = append(w.out.Lines, line)
		w.out.Charge += line.ChargeAmount
	}
}

func (w *work) price(code string) int64 {
	if w.facts.Location == nil {
		return 0 // whose prices is not known, which was said
	}
	if w.facts.Charges == nil {
		w.no.If(true, Price, "service_code", "no charge schedule is in force on %s: publish one with %s, then answer", w.visit.ServiceDate, code)
		return 0
	}
	for _, r := range w.facts.Charges.Rates {
		if r.ServiceCode == code && r.ChargeAmount > 0 {
			w.decided(Price, "charge "+code, "charge schedule of %s", w.facts.Charges.FromDate)
			return r.ChargeAmount
		}
	}
	w.no.If(true, Price, "service_code", "the charge schedule of %s has no price for %s: publish it with one, then answer", w.facts.Charges.FromDate, code)
	return 0
}
