package eligibility

import (
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/intake/coverage"
	"github.com/evenkeel/evenkeel/services/intake/known"
)

// React takes the payer's answer; where the payer says that another entity runs the benefit, and we know that one, the coverage is carved out and the other is asked.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *exchangev1.EligibilityAnswered:
		return []es.Command{es.Do(Stream, e.EligibilityCheckId, Answer, e)}, nil
	case *pb.EligibilityResponded:
		if e.Status != pb.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY {
			return nil, nil
		}
		first, there := es.Find(look, known.Checks, e.EligibilityCheckId)
		if !there {
			return nil, es.Wait(known.Checks, e.EligibilityCheckId)
		}
		administrator, there := es.Find(look, known.PayersByEDI, known.EDI(e.OtherEntityEdiPayerId))
		if !there || first.Hop != 1 || administrator.PayerId == e.PayerId { // readiness says what is to be done
			return nil, nil
		}
		return []es.Command{
			es.Do(coverage.Stream, e.PatientId, coverage.IdentifyCarveOut, coverage.CarveOut{
				CoverageID: e.CoverageId, BehavioralPayerID: administrator.PayerId, EligibilityCheckID: e.EligibilityCheckId,
			}),
			es.Do(Stream, NextID(e.EligibilityCheckId), Follow, second(first, administrator)),
		}, nil
	}
	return nil, nil
}
