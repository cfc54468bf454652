package interchange

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
)

// eligibility reads a 271. Its trace number is the check's id.
func (r *reader) eligibility() {
	s, _ := t27x.Parse(r.set)
	if s == nil {
		return
	}
	for _, m := range s.Members() {
		if m.Member == nil {
			continue
		}
		id := m.Member.Trace(x12.K271)
		if id == "" {
			r.miss(m.Member.Source, "TRN", "271.trace_missing", "the answer names no question (TRN*2)")
			continue
		}
		asked, there := find(r, QuestionMirror, id)
		if !there {
			r.miss(m.Member.Source, "TRN", "271.question_unknown", "the answer is to no question of ours")
			continue
		}
		out := &pb.EligibilityAnswered{
			InterchangeId: r.received.InterchangeId, EligibilityCheckId: id, PatientId: asked.PatientId, Source: r.source(m.Member.Source, "EB"),
		}
		for _, a := range m.AllRejections() {
			if !slices.Contains(out.AaaCodes, a.Reason) {
				out.AaaCodes = append(out.AaaCodes, a.Reason)
			}
			out.AaaFollowUp = a.FollowUp
		}
		if len(out.AaaCodes) == 0 {
			benefits(out, m.Member.Benefits, asked.ServiceTypeCode)
		}
		r.facts = append(r.facts, out)
	}
}

// benefits reads what a plan says about one service type. What it says of that type counts; else what it says of the plan as a whole (30, or no type).
func benefits(out *pb.EligibilityAnswered, all []t27x.Benefit, serviceType string) {
	about := func(b t27x.Benefit) bool { return slices.Contains(b.ServiceTypes, serviceType) }
	whole := func(b t27x.Benefit) bool { return len(b.ServiceTypes) == 0 || slices.Contains(b.ServiceTypes, "30") }
	first := func(holds func(t27x.Benefit) bool) *t27x.Benefit {
		for _, scope := range []func(t27x.Benefit) bool{about, whole} {
			for i := range all {
				if scope(all[i]) && all[i].InNetwork != "N" && holds(all[i]) {
					return &all[i]
				}
			}
		}
		return nil
	}
	status := first(func(b t27x.Benefit) bool { return statuses[b.Info] != 0 })
	if status != nil {
		out.Status = statuses[status.Info]
		if slices.Contains(status.ServiceTypes, serviceType) || out.Status != intakev1.CoverageStatus_COVERAGE_STATUS_ACTIVE {
			out.AuthorizationRequired = status.Authorization == "Y"
		}
	}
	for i := range all { // whoever else runs this benefit counts more than that the plan is active
		if b := &all[i]; about(*b) && statuses[b.Info] == intakev1.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY {
			out.Status, status = intakev1.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY, b
		}
		if b := all[i]; about(b) && b.Authorization == "Y" {
			out.AuthorizationRequired = true
		}
	}
	if out.Status == intakev1.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY && len(status.Entities) > 0 {
		out.OtherEntityName, out.OtherEntityEdiPayerId = status.Entities[0].Name, status.Entities[0].ID
	}
	if b := first(func(b t27x.Benefit) bool { return b.Info == "B" && b.Cents != nil }); b != nil {
		out.CopayAmount = *b.Cents
	}
	if b := first(func(b t27x.Benefit) bool { return b.Info == "A" && b.Fraction != nil }); b != nil {
		out.CoinsuranceMillionths = int32(*b.Fraction)
	}
	if b := first(func(b t27x.Benefit) bool { return b.Info == "C" && b.Cents != nil && b.Period == "29" }); b != nil {
		out.DeductibleRemainingAmount = *b.Cents
	}
}

// statuses are what EB01 says of a benefit as a whole. Source: ASC X12 005010X279A1, element 1390, read 2026-11-24.
var statuses = map[string]intakev1.CoverageStatus{
	"1": intakev1.CoverageStatus_COVERAGE_STATUS_ACTIVE, "2": intakev1.CoverageStatus_COVERAGE_STATUS_ACTIVE, "3": intakev1.CoverageStatus_COVERAGE_STATUS_ACTIVE,
	"4": intakev1.CoverageStatus_COVERAGE_STATUS_ACTIVE, "5": intakev1.CoverageStatus_COVERAGE_STATUS_ACTIVE,
	"6": intakev1.CoverageStatus_COVERAGE_STATUS_INACTIVE, "7": intakev1.CoverageStatus_COVERAGE_STATUS_INACTIVE, "8": intakev1.CoverageStatus_COVERAGE_STATUS_INACTIVE,
	"I": intakev1.CoverageStatus_COVERAGE_STATUS_INACTIVE, "U": intakev1.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY,
}
