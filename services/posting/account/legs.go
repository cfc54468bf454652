package account

import (
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// What each event does to the books. Debits are positive.
//
//	ChargePosted               Dr ar.insurance (first payer) or ar.patient   Cr revenue.gross
//	ChargeCorrected            the difference: Dr ar.insurance               Cr revenue.gross
//	ChargeVoided               Dr revenue.gross                              Cr ar.insurance (first payer) or ar.patient
//	InsurancePaymentPosted     Dr cash.clearing                              Cr ar.insurance
//	ContractualAdjusted        Dr contractual                                Cr ar.insurance
//	ResponsibilityTransferred  Dr ar.patient or ar.insurance (next payer)    Cr ar.insurance
//	UnderpaymentDetected       nothing: what is in dispute stays where it is (as BalanceBillingHeld, UnderpaymentRecovered, UnderpaymentLapsed)
//	UnderpaymentAccepted       Dr contractual                                Cr ar.insurance
//	AcceptedLossRecovered      Dr ar.insurance                               Cr contractual
//	BalanceMoved               Dr ar.patient                                 Cr ar.insurance (the payer whose claim was taken back)
//	BalanceReturned            Dr ar.insurance (who had left it)             Cr ar.patient or ar.insurance (where it was left)
//	DenialRecorded             nothing: the amount stays where it is
//	PriorAdjudicationPosted    Dr conversion, contractual, the next place    Cr ar.insurance (that payer)
//	PayersTold                 Dr ar.insurance (who stands there now)        Cr ar.insurance (who stood there)
//	PostingReversed            the mirror of every leg of one claim payment
//	ClaimPaymentUnmatched      Dr cash.clearing                              Cr unapplied.insurance
//	ClaimPaymentFound          Dr unapplied.insurance                        Cr cash.clearing, which its posting debits again
//	PatientPaymentAllocated    Dr unapplied.patient                          Cr ar.patient

// receivable is a leg on a payer's, or the patient's, receivable.
func receivable(p Place) *typev1.Leg {
	if p.Payer == (Payer{}) {
		return &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, LineId: p.LineID}
	}
	return &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, PayerId: p.ID, PayerSequence: p.Sequence, LineId: p.LineID}
}

// told says where in a file a leg comes from; nil: where its event does.
func told(source *typev1.Source, leg *typev1.Leg) *typev1.Leg {
	leg.Source = source
	return leg
}

func chargeLegs(p Payer, lines []*typev1.ServiceLine) []*typev1.Leg {
	var entry money.Entry
	for _, l := range lines {
		entry.Debit(l.ChargeAmount, told(l.Source, receivable(Place{p, l.LineId})))
		entry.Credit(l.ChargeAmount, told(l.Source, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, LineId: l.LineId}))
	}
	return entry.Legs()
}

func paymentLegs(from Place, remitter string, amount int64) []*typev1.Leg {
	return new(money.Entry).
		Debit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, PayerId: remitter, LineId: from.LineID}).
		Credit(amount, receivable(from)).Legs()
}

func contractualLegs(from Place, amount int64) []*typev1.Leg {
	return new(money.Entry).
		Debit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL, PayerId: from.ID, LineId: from.LineID}).
		Credit(amount, receivable(from)).Legs()
}

func transferLegs(from, to Place, amount int64) []*typev1.Leg {
	return new(money.Entry).Debit(amount, receivable(to)).Credit(amount, receivable(from)).Legs()
}

func unmatchedLegs(remitter string, amount int64) []*typev1.Leg {
	return new(money.Entry).
		Debit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, PayerId: remitter}).
		Credit(amount, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE, PayerId: remitter}).Legs()
}

// priorLegs: what an earlier payer paid reached the old system's books, so it is debited to conversion: no remittance and no deposit of ours will ever show it, and bank stays what
// the bank saw. (Events of before this account debited bank; they stay.) payer is who decided, also where what it decided of the claim as a whole lessens what has moved on to another.
func priorLegs(entry *money.Entry, payer string, source *typev1.Source, from, to Place, paid, contractual, moved int64) {
	entry.Debit(paid, told(source, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION, PayerId: payer, LineId: from.LineID})).
		Debit(contractual, told(source, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL, PayerId: payer, LineId: from.LineID})).
		Debit(moved, told(source, receivable(to))).
		Credit(paid+contractual+moved, told(source, receivable(from)))
}

// allocationLegs spread patient money over the patient's lines, as they are owed; shares sum to the amount.
func allocationLegs(shares []share) []*typev1.Leg {
	var entry money.Entry
	var sum int64
	for _, s := range shares {
		sum += s.amount
		entry.Credit(s.amount, receivable(Place{LineID: s.lineID}))
	}
	return entry.Debit(sum, &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT}).Legs()
}
