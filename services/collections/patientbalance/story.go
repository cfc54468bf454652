package patientbalance

import (
	"fmt"
	"slices"
	"strings"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Share is what a plan left to the patient for one reason.
type Share struct {
	Carc   string
	Amount int64
}

// undone remembers what a claim payment did, so that its reversal can take it back.
type undone struct {
	remittanceID string
	ordinal      int32
	shares       []Share
}

// Story is how an account's balance came about.
type Story struct {
	ServiceDate, LocationID   string
	Charge, Paid, Adjusted    int64
	Shares                    []Share // by reason
	PatientPaid, PatientOwing int64
	posted                    []undone
}

// StoryMirror has the story of each account, by account_id.
var StoryMirror = es.Mirror[Story]{
	Name: "collections.account",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *postingv1.ChargePosted, *postingv1.PriorAdjudicationPosted, *postingv1.InsurancePaymentPosted, *postingv1.ContractualAdjusted,
			*postingv1.ResponsibilityTransferred, *postingv1.PostingReversed, *postingv1.PatientPaymentAllocated:
			return []string{e.(interface{ GetAccountId() string }).GetAccountId()}
		}
		return nil
	},
	Evolve: func(s Story, event es.Event) Story {
		legs := event.(interface{ GetLegs() []*typev1.Leg }).GetLegs()
		s.PatientOwing += moved(legs)
		if e, ok := event.(*postingv1.PatientPaymentAllocated); ok {
			s.PatientPaid += e.Amount
			return s
		}
		for _, l := range legs {
			switch l.Account {
			case typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS:
				s.Charge -= l.Amount
			case typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, typev1.LedgerAccount_LEDGER_ACCOUNT_BANK:
				s.Paid += l.Amount
			case typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL:
				s.Adjusted += l.Amount
			}
		}
		switch e := event.(type) {
		case *postingv1.ChargePosted:
			s.ServiceDate, s.LocationID = e.ServiceDate, e.LocationId
		case *postingv1.ResponsibilityTransferred:
			if e.ToPayerId == "" {
				s.share(Share{e.Carc, e.Amount})
				s.remember(e)
			}
		case *postingv1.PostingReversed:
			for _, u := range s.posted {
				if u.remittanceID == e.ReversedRemittanceId && u.ordinal == e.ReversedClaimOrdinal {
					for _, x := range u.shares {
						s.share(Share{x.Carc, -x.Amount})
					}
				}
			}
		}
		return s
	},
}

func (s *Story) share(x Share) {
	i := slices.IndexFunc(s.Shares, func(o Share) bool { return o.Carc == x.Carc })
	if i < 0 {
		s.Shares = append(s.Shares, x)
		return
	}
	s.Shares[i].Amount += x.Amount
}

func (s *Story) remember(e *postingv1.ResponsibilityTransferred) {
	for i := range s.posted {
		if s.posted[i].remittanceID == e.RemittanceId && s.posted[i].ordinal == e.ClaimOrdinal {
			s.posted[i].shares = append(s.posted[i].shares, Share{e.Carc, e.Amount})
			return
		}
	}
	s.posted = append(s.posted, undone{e.RemittanceId, e.ClaimOrdinal, []Share{{e.Carc, e.Amount}}})
}

// Reasons of a patient's share that have a name of their own.
const (
	deductible  = "1"
	coinsurance = "2"
	copay       = "3"
)

// Line explains an account's balance. The balance is the stream's; the words are the story's.
func (s Story) Line(a Account) *pb.StatementLine {
	out := &pb.StatementLine{
		AccountId: a.ID, ServiceDate: a.ServiceDate, ChargeAmount: s.Charge, InsurancePaidAmount: s.Paid, AdjustedAmount: s.Adjusted,
		PatientPaidAmount: s.PatientPaid, BalanceAmount: a.Amount,
	}
	for _, x := range s.Shares {
		switch x.Carc {
		case deductible:
			out.DeductibleAmount += x.Amount
		case coinsurance:
			out.CoinsuranceAmount += x.Amount
		case copay:
			out.CopayAmount += x.Amount
		default:
			out.OtherShareAmount += x.Amount
		}
	}
	var parts []string
	say := func(words string, amount int64) {
		if amount != 0 {
			parts = append(parts, words+" "+money.Format(amount))
		}
	}
	say("charged", s.Charge)
	say("plan paid", s.Paid)
	say("plan discount", s.Adjusted)
	say("your deductible", out.DeductibleAmount)
	say("your coinsurance", out.CoinsuranceAmount)
	say("your copay", out.CopayAmount)
	say("not covered by your plan", out.OtherShareAmount)
	say("you paid", s.PatientPaid)
	out.Explanation = fmt.Sprintf("Session of %s: %s", Day(a.ServiceDate), strings.Join(parts, ", "))
	return out
}

// Day writes a date as people do: 2 March 2026.
func Day(s string) string {
	if !date.Valid(s) {
		return s
	}
	return date.Time(s).Format("2 January 2006")
}
