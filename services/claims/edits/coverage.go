package edits

import (
	"cmp"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
)

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
