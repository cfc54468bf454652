package rules

import (
	"slices"
	"strings"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Rules of what is billed beside a patient's other services. A coder decides otherwise: the record may show that both were given and stand.
// Source, where no other is named: docs/domain.md, "Behavioral coding rules"; which visits of a group count together is our reading, 2026-11-24.
var (
	// PsychotherapyOnce: of individual psychotherapy (90832, 90834, 90837) a group bills one session per patient and day.
	PsychotherapyOnce = refuse.Rule{ID: "coding.psychotherapy_once_a_day", Version: 1, Owner: "coding"}
	// GroupOnce: group psychotherapy (90853) is one unit per patient and day.
	GroupOnce = refuse.Rule{ID: "coding.group_once_a_day", Version: 1, Owner: "coding"}
	// CrisisOnce: the first crisis code (90839) is billed once per patient and day, however many sessions the crisis took.
	CrisisOnce = refuse.Rule{ID: "coding.crisis_once_a_day", Version: 1, Owner: "coding"}
	// CrisisAlone: on a day with crisis psychotherapy there is no other psychotherapy and no diagnostic evaluation.
	CrisisAlone = refuse.Rule{ID: "coding.crisis_alone", Version: 1, Owner: "coding"}
	// EvaluationGap: a diagnostic evaluation is not repeated on the same day, and by the same clinician or with the same code not within the gap of the payer's policy.
	// Source: docs/domain.md, "90791/90792"; how long is the payer's policy, none where it says nothing.
	EvaluationGap = refuse.Rule{ID: "coding.evaluation_gap", Version: 1, Owner: "coding"}
	// EvaluationAlone: a clinician does not bill an E/M on the day of a diagnostic evaluation of the same patient.
	EvaluationAlone = refuse.Rule{ID: "coding.evaluation_alone", Version: 1, Owner: "coding"}
	// TherapyAsAddOn: therapy by the clinician who gave an E/M that day is billed as its add-on, not as a session of its own.
	TherapyAsAddOn = refuse.Rule{ID: "coding.therapy_as_add_on", Version: 1, Owner: "coding"}
	// AddOnWithoutFamily: a therapy add-on and a family session of one clinician are not billed on one day.
	AddOnWithoutFamily = refuse.Rule{ID: "coding.add_on_without_family", Version: 1, Owner: "coding"}
	// ExactRepeat: the same code with the same times is the same session, sent twice. Source: payers deny the second as an exact duplicate (CARC 18).
	ExactRepeat = refuse.Rule{ID: "coding.exact_repeat", Version: 1, Owner: "coding"}
	// DistinctService: what a coder says stands beside the patient's other services is billed, with the modifier that says so.
	// Source: modifiers 59 and XE, XP, XS, XU (CMS, NCCI policy manual, chapter 1); 25, 76 and 77. Checked 2026-11-24.
	DistinctService = refuse.Rule{ID: "coding.distinct_service", Version: 1, Owner: "coding"}
)

type codes func(string) bool

func oneOf(list ...string) codes {
	return func(code string) bool { return slices.Contains(list, code) }
}

var (
	individualCodes = oneOf("90832", "90834", "90837")
	anyTherapy      = oneOf("90832", "90833", "90834", "90836", "90837", "90838")
	addOnCodes      = oneOf("90833", "90836", "90838")
	familyCodes     = oneOf("90846", "90847")
	evaluationCodes = oneOf("90791", "90792")
	firstCrisisCode = oneOf("90839")
	crisisCodes     = oneOf("90839", "90840")
	groupCodes      = oneOf("90853")
)

// who must have given both visits for a pair to count.
type who func(a, b *codingv1.ServicesEntered) bool

func anybody(_, _ *codingv1.ServicesEntered) bool { return true }

func oneGroup(a, b *codingv1.ServicesEntered) bool { return a.OrganizationId == b.OrganizationId }

func oneClinician(a, b *codingv1.ServicesEntered) bool {
	return oneGroup(a, b) && a.ClinicianId == b.ClinicianId
}

// pair are codes that two visits of one day do not both have.
type pair struct {
	rule       refuse.Rule
	one, other codes
	by         who
}

var pairs = []pair{
	{PsychotherapyOnce, individualCodes, individualCodes, oneGroup},
	{GroupOnce, groupCodes, groupCodes, anybody},
	{CrisisOnce, firstCrisisCode, firstCrisisCode, anybody},
	{CrisisAlone, crisisCodes, anyTherapy, oneGroup},
	{CrisisAlone, crisisCodes, evaluationCodes, oneGroup},
	{EvaluationGap, evaluationCodes, evaluationCodes, oneGroup},
	{EvaluationAlone, evaluationCodes, IsManagement, oneClinician},
	{TherapyAsAddOn, IsManagement, individualCodes, oneClinician},
	{AddOnWithoutFamily, addOnCodes, familyCodes, oneClinician},
}

// Beside says which of a patient's other visits a visit can't be billed with, as if nobody had decided: a reason for each rule and visit.
func Beside(visit *codingv1.ServicesEntered, others []*codingv1.ServicesEntered, policy *registryv1.PayerPolicySet) []*problemv1.Reason {
	var no refuse.List
	for _, o := range others {
		if o.EncounterId == visit.EncounterId {
			continue
		}
		if o.ServiceDate != visit.ServiceDate {
			gap(&no, visit, o, policy)
			continue
		}
		if i := slices.IndexFunc(visit.ServiceCodes, oneOf(o.ServiceCodes...)); i >= 0 {
			no.If(sameTimes(visit, o), ExactRepeat, "start_at", "encounter %s has %s at the same times: answer that nothing is billed for this one, or that both were given (distinct_service); when the other one was taken back, an answer without a code codes this one",
				o.EncounterId, visit.ServiceCodes[i])
		}
		for _, p := range pairs {
			a, b := p.apart(visit, o)
			no.If(a != "" && p.by(visit, o), p.rule, "service_date",
				"%s on the same day as %s of encounter %s: answer that nothing is billed, or that it stands beside it (distinct_service, with the modifier that says so)", a, b, o.EncounterId)
		}
	}
	return no.Reasons()
}

// apart are the first codes of the two visits that the pair keeps apart, either way round; empty: none.
func (p *pair) apart(visit, other *codingv1.ServicesEntered) (string, string) {
	for _, turned := range [][2]codes{{p.one, p.other}, {p.other, p.one}} {
		a, b := slices.IndexFunc(visit.ServiceCodes, turned[0]), slices.IndexFunc(other.ServiceCodes, turned[1])
		if a >= 0 && b >= 0 {
			return visit.ServiceCodes[a], other.ServiceCodes[b]
		}
	}
	return "", ""
}

func sameTimes(a, b *codingv1.ServicesEntered) bool {
	return a.StartAt != nil && b.StartAt != nil && a.StartAt.AsTime().Equal(b.StartAt.AsTime()) && a.EndAt.AsTime().Equal(b.EndAt.AsTime())
}

// gap checks a visit of another day.
func gap(no *refuse.List, visit, other *codingv1.ServicesEntered, policy *registryv1.PayerPolicySet) {
	days := int(policy.GetEvaluationGapDays())
	if days == 0 || !oneGroup(visit, other) || !date.Valid(other.ServiceDate) { // an imported day may be none
		return
	}
	a, b := slices.IndexFunc(visit.ServiceCodes, evaluationCodes), slices.IndexFunc(other.ServiceCodes, evaluationCodes)
	if a < 0 || b < 0 || visit.ServiceCodes[a] != other.ServiceCodes[b] && visit.ClinicianId != other.ClinicianId {
		return
	}
	apart := date.Days(other.ServiceDate, visit.ServiceDate)
	no.If(max(apart, -apart) < days, EvaluationGap, "service_date", "%s of encounter %s is %d days apart, the payer wants %d (policy of %s): say another code, that nothing is billed, or that it stands (distinct_service)",
		other.ServiceCodes[b], other.EncounterId, max(apart, -apart), days, policy.GetFromDate())
}

// Overruled records what a coder decided about a visit beside others: one decision, naming the rules that asked.
func Overruled(asked []*problemv1.Reason, modifier string) *codingv1.CodingDecision {
	var ids []string
	for _, r := range asked {
		if !slices.Contains(ids, r.RuleId) {
			ids = append(ids, r.RuleId)
		}
	}
	subject := "service"
	if modifier != "" {
		subject = "modifier " + modifier
	}
	return &codingv1.CodingDecision{RuleId: DistinctService.ID, RuleVersion: DistinctService.Version, Subject: subject, Reason: "a coder said that it stands beside others: " + strings.Join(ids, ", ")}
}
