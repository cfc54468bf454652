package patientbalance

import (
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/explain"
)

// undone remembers what a claim payment did, so that its reversal can take it back.
type undone struct {
	remittanceID string
	ordinal      int32
	shares       []explain.Share
}

// Story is how an account's balance came about.
type Story struct {
	explain.Account
	LocationID string
	posted     []undone
}

// StoryMirror has the story of each account, by account_id.
var StoryMirror = es.Mirror[Story]{
	Name: "collections.account",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *postingv1.ChargePosted, *postingv1.ChargeCorrected, *postingv1.ChargeVoided, *postingv1.BalanceMoved, *postingv1.BalanceReturned, *postingv1.PriorAdjudicationPosted, *postingv1.InsurancePaymentPosted, *postingv1.ContractualAdjusted, *postingv1.UnderpaymentAccepted, *postingv1.AcceptedLossRecovered,
			*postingv1.ResponsibilityTransferred, *postingv1.PostingReversed, *postingv1.PatientPaymentAllocated:
			return []string{e.(interface{ GetAccountId() string }).GetAccountId()}
		}
		return nil
	},
	Evolve: func(s Story, event es.Event) Story {
		legs := event.(interface{ GetLegs() []*typev1.Leg }).GetLegs()
		if e, ok := event.(*postingv1.PatientPaymentAllocated); ok {
			s.WithPatient += moved(legs)
			s.PatientPaid += e.Amount
			return s
		}
		if s.WithPlans == nil {
			s.WithPlans = map[typev1.PayerSequence]int64{}
		}
		for _, l := range legs {
			switch l.Account {
			case typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS:
				s.Charge -= l.Amount
			case typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION, typev1.LedgerAccount_LEDGER_ACCOUNT_BANK:
				s.Paid += l.Amount
			case typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL:
				s.Discount += l.Amount
			case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT:
				s.WithPatient += l.Amount
			case typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE:
				s.WithPlans[l.PayerSequence] += l.Amount
			}
		}
		switch e := event.(type) {
		case *postingv1.ChargePosted:
			s.ServiceDate, s.LocationID = e.ServiceDate, e.LocationId
		case *postingv1.ChargeVoided:
			s.Voided = true
		case *postingv1.BalanceMoved:
			s.share(explain.Share{Amount: e.Amount})
		case *postingv1.PriorAdjudicationPosted:
			s.Before += moved(legs)
		case *postingv1.ResponsibilityTransferred:
			if e.ToPayerId == "" {
				s.share(explain.Share{Carc: e.Carc, Amount: e.Amount})
				s.remember(e)
			}
		case *postingv1.PostingReversed:
			for _, u := range s.posted {
				if u.remittanceID == e.ReversedRemittanceId && u.ordinal == e.ReversedClaimOrdinal {
					for _, x := range u.shares {
						s.share(explain.Share{Carc: x.Carc, Amount: -x.Amount})
					}
				}
			}
		}
		return s
	},
}

func (s *Story) share(x explain.Share) {
	i := slices.IndexFunc(s.Shares, func(o explain.Share) bool { return o.Carc == x.Carc })
	if i < 0 {
		s.Shares = append(s.Shares, x)
		return
	}
	s.Shares[i].Amount += x.Amount
}

func (s *Story) remember(e *postingv1.ResponsibilityTransferred) {
	for i := range s.posted {
		if s.posted[i].remittanceID == e.RemittanceId && s.posted[i].ordinal == e.ClaimOrdinal {
			s.posted[i].shares = append(s.posted[i].shares, explain.Share{Carc: e.Carc, Amount: e.Amount})
			return
		}
	}
	s.posted = append(s.posted, undone{e.RemittanceId, e.ClaimOrdinal, []explain.Share{{Carc: e.Carc, Amount: e.Amount}}})
}

// Line explains an account's balance. The balance is the stream's; the words are the story's.
func (s Story) Line(a Account) *pb.StatementLine {
	s.ServiceDate, s.WithPatient = a.ServiceDate, a.Amount
	shared := s.Shared()
	return &pb.StatementLine{
		AccountId: a.ID, ServiceDate: a.ServiceDate, Explanation: s.Sentence(), ChargeAmount: s.Charge, InsurancePaidAmount: s.Paid, AdjustedAmount: s.Discount,
		PatientPaidAmount: s.PatientPaid, BalanceAmount: a.Amount,
		CopayAmount: shared.Copay, CoinsuranceAmount: shared.Coinsurance, DeductibleAmount: shared.Deductible, OtherShareAmount: shared.Other,
	}
}

// WithInsurance is what is still asked of plans.
func (s Story) WithInsurance() (sum int64) {
	for _, amount := range s.WithPlans {
		sum += amount
	}
	return sum
}
