package posting_test

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// balance is what the ledger's table has of an account, by payer.
func (r rig) balance(account typev1.LedgerAccount, payer string) (sum int64) {
	r.Helper()
	err := r.p.Runtime("posting").DB.QueryRow(r.Context(), `SELECT coalesce(sum(amount), 0)::bigint FROM ledger_legs WHERE ledger_account = $1 AND payer_id = $2`, int32(account), payer).Scan(&sum)
	if err != nil {
		r.Fatal(err)
	}
	return sum
}

func (r rig) deposits(status pb.DepositStatus) []*pb.Deposit {
	r.Helper()
	list, err := r.api.ListDeposits(hosttest.As(r.Context(), r.p, ""), &pb.ListDepositsRequest{Status: status})
	if err != nil {
		r.Fatal(err)
	}
	return list.Deposits
}

// The bank shows money of no payer, a file that is off comes, then the mended one, on PostgreSQL: the mended one is booked and has the money, under its payer. The deposit was a
// mistake: the remittance waits for its money again.
func TestTheMendedFileHasTheMoney(t *testing.T) {
	const clearing = typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING
	r := start(t)
	deposit := &pb.RecordDepositRequest{TraceNumber: "M1", Amount: money.Of(9000), DepositDate: "2026-03-19"}
	recorded, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, "k1"), deposit)
	if err != nil {
		t.Fatal(err)
	}
	unknown, off := paid(), paid()
	unknown.ClaimId, off.ClaimId = "", ""
	off.PaidAmount += 100
	r.tell("exchange", "interchange/itc_1", advice("rem_bad", "M1", 9000, off))
	r.remittance("rem_bad", func(m *pb.Remittance) bool {
		return m.Status == pb.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED && m.DepositId == ""
	})
	r.tell("exchange", "interchange/itc_2", advice("rem_good", "M1", 9000, unknown))
	r.remittance("rem_good", func(m *pb.Remittance) bool {
		return m.Status == pb.RemittanceStatus_REMITTANCE_STATUS_BALANCED && m.DepositId == recorded.Id
	})
	if matched := r.deposits(pb.DepositStatus_DEPOSIT_STATUS_MATCHED); len(matched) != 1 || matched[0].RemittanceId != "rem_good" || matched[0].PayerId != "pay_1" {
		t.Fatalf("%v", matched)
	}
	if blank, payer := r.balance(clearing, ""), r.balance(clearing, "pay_1"); blank != 0 || payer != 0 {
		t.Fatalf("left in clearing: %d of no payer, %d of the payer", blank, payer)
	}
	r.tell("exchange", "interchange/itc_3", advice("rem_other", "M1", 9100, unknown))
	r.remittance("rem_other", func(m *pb.Remittance) bool {
		return m.Status == pb.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED && m.DepositId == ""
	})

	undo := func(key, id string) error {
		_, err := r.api.ReverseDeposit(hosttest.As(t.Context(), r.p, key), &pb.ReverseDepositRequest{DepositId: id, Reason: "another group's"})
		return err
	}
	if err := undo("k2", recorded.Id); err != nil {
		t.Fatal(err)
	}
	r.remittance("rem_good", func(m *pb.Remittance) bool { return m.DepositId == "" })
	if gone := r.deposits(pb.DepositStatus_DEPOSIT_STATUS_REVERSED); len(gone) != 1 || gone[0].RemittanceId != "" {
		t.Fatalf("%v", gone)
	}
	if blank, payer, bank := r.balance(clearing, ""), r.balance(clearing, "pay_1"), r.balance(typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, ""); blank != 0 || payer != 9000 || bank != 0 {
		t.Fatalf("clearing: %d of no payer, %d of the payer; bank %d", blank, payer, bank)
	}
	if err := undo("k3", recorded.Id); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("taken back twice: %v", err)
	}
	if err := undo("k4", "dep_x"); status.Code(err) != codes.NotFound {
		t.Fatalf("what nobody recorded was taken back: %v", err)
	}
	repeated, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, "k1"), deposit)
	if err != nil || !repeated.Replayed || repeated.Id != recorded.Id {
		t.Fatalf("a repeated request is answered as the first: %v, %v", repeated, err)
	}
	again, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, "again"), deposit)
	if err != nil || again.Id == recorded.Id {
		t.Fatalf("the same money after the reversal: %v, %v", again, err)
	}
	r.remittance("rem_good", func(m *pb.Remittance) bool { return m.DepositId == again.Id })
	if blank, payer, bank := r.balance(clearing, ""), r.balance(clearing, "pay_1"), r.balance(typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, ""); blank != 0 || payer != 0 || bank != 9000 {
		t.Fatalf("clearing: %d of no payer, %d of the payer; bank %d", blank, payer, bank)
	}
	for key, replayed := range map[string]bool{"again": true, "twice": false} {
		receipt, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, key), deposit)
		if err != nil || receipt.Id != again.Id || receipt.Replayed != replayed || len(receipt.Events) > 0 && !replayed {
			t.Errorf("%s: %v, %v", key, receipt, err)
		}
	}
	if _, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, "k2"), deposit); err == nil {
		t.Error("the key of another request recorded a deposit")
	}
	for key, wrong := range map[string]*pb.RecordDepositRequest{
		"future": {TraceNumber: "X", Amount: money.Of(1), DepositDate: "2099-12-31"},
		"much":   {TraceNumber: "X", Amount: money.Of(999_999_999_99), DepositDate: "2026-03-19"},
	} {
		if _, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, key), wrong); status.Code(err) != codes.FailedPrecondition {
			t.Errorf("%s: %v", key, err)
		}
	}
	if _, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, "k5"), &pb.RecordDepositRequest{PayerId: "pay_x", TraceNumber: "X", Amount: money.Of(1), DepositDate: "2026-03-19"}); status.Code(err) != codes.NotFound {
		t.Errorf("a payer that is not known: %v", err)
	}
}

// Money for a number that is not ours is held, and somebody finds its claim, on PostgreSQL: the claim's account and the remittance are as if the payer had named it.
func TestHeldMoneyFindsItsClaim(t *testing.T) {
	const clearing, unapplied = typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE
	r := start(t)
	r.tell("coding", "encounter/enc_1", &codingv1.CodingCompleted{
		EncounterId: "enc_1", PatientId: "pat_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: march, ChargeAmount: 15000,
		Lines:             []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, ChargeAmount: 15000, ServiceDate: march}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}},
	})
	r.account("insurance 15000 patient 0 settled false")
	token := r.tell("claims", "claim/clm_1", &claimsv1.ClaimCreated{
		ClaimId: "clm_1", AccountId: "enc_1", EncounterId: "enc_1", PatientId: "pat_1", Content: &claimsv1.ClaimContent{PayerId: "pay_1", PayerSequence: primary, PatientControlNumber: "E1"},
	})
	cut := paid()
	cut.ClaimId, cut.PatientControlNumber = "", "E"
	r.tell("exchange", "interchange/itc_1", advice("rem_1", "T1", 9000, cut))
	r.remittance("rem_1", func(m *pb.Remittance) bool { return m.Unapplied.GetAmountMinor() == 9000 })
	assign := func(key string, ordinal int32, number string) (*typev1.Receipt, error) {
		return r.api.AssignHeldPayment(hosttest.As(t.Context(), r.p, key, token), &pb.AssignHeldPaymentRequest{RemittanceId: "rem_1", ClaimOrdinal: ordinal, PatientControlNumber: number, Reason: "the number was cut off"})
	}
	for key, wrong := range map[string]struct {
		ordinal int32
		number  string
	}{"claim": {1, "E2"}, "ordinal": {2, "E1"}} {
		if _, err := assign(key, wrong.ordinal, wrong.number); status.Code(err) != codes.NotFound {
			t.Errorf("%s: %v", key, err)
		}
	}
	first, err := assign("k1", 1, "E1")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := assign("k1", 1, "E1"); err != nil || !again.Replayed || again.Id != first.Id {
		t.Errorf("a repeated request: %v, %v", again, err)
	}
	if _, err := assign("k2", 1, "E1"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("assigned twice: %v", err)
	}
	a := r.account("insurance 0 patient 2000 settled false")
	if l := a.Lines[0]; l.InsurancePaid.AmountMinor != 9000 || l.Adjusted.AmountMinor != 4000 || l.PatientShare.AmountMinor != 2000 {
		t.Errorf("line %v", l)
	}
	m := r.remittance("rem_1", func(m *pb.Remittance) bool { return m.Unapplied.AmountMinor == 0 })
	var cash int64
	for _, l := range m.Legs {
		if l.Account == clearing {
			cash += l.Amount.AmountMinor
		}
	}
	if held := r.balance(unapplied, "pay_1"); cash != 9000 || held != 0 {
		t.Errorf("cash of the remittance %d, held %d", cash, held)
	}
}

// A patient's check bounces after it paid a visit, on PostgreSQL: the visit is owed again, the bank and what is held are as before.
func TestABouncedCheckIsOwedAgain(t *testing.T) {
	r := start(t)
	token := r.tell("intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Doe"}})
	payment, err := r.api.RecordPatientPayment(hosttest.As(t.Context(), r.p, "k1", token), &pb.RecordPatientPaymentRequest{PatientId: "pat_1", Amount: money.Of(2500), Method: "check"})
	if err != nil {
		t.Fatal(err)
	}
	r.tell("coding", "encounter/enc_1", &codingv1.CodingCompleted{
		EncounterId: "enc_1", PatientId: "pat_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: march, ChargeAmount: 15000,
		Lines:             []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, ChargeAmount: 15000, ServiceDate: march}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}},
	})
	r.tell("claims", "claim/clm_1", &claimsv1.ClaimCreated{ClaimId: "clm_1", AccountId: "enc_1", EncounterId: "enc_1", PatientId: "pat_1", Content: &claimsv1.ClaimContent{PayerId: "pay_1", PayerSequence: primary}})
	r.tell("exchange", "interchange/itc_1", advice("rem_1", "T1", 9000, paid()))
	r.account("insurance 0 patient 0 settled true")
	undo := func(key, id string) error {
		_, err := r.api.ReversePatientPayment(hosttest.As(t.Context(), r.p, key), &pb.ReversePatientPaymentRequest{PatientPaymentId: id, Reason: "the check bounced"})
		return err
	}
	if err := undo("k2", payment.Id); err != nil {
		t.Fatal(err)
	}
	a := r.account("insurance 0 patient 2000 settled false")
	for _, l := range a.Legs {
		if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT && l.LineId != "L1" {
			t.Errorf("it is owed on another line: %v", l)
		}
	}
	hosttest.Until(t, "the payment is taken back", func() error {
		list, err := r.api.ListPatientPayments(hosttest.As(t.Context(), r.p, ""), &pb.ListPatientPaymentsRequest{PatientId: "pat_1"})
		if err != nil {
			return err
		}
		if p := list.PatientPayments[0]; p.ReversedDate != "2026-03-20" || p.Allocated.AmountMinor != 0 || p.Unallocated.AmountMinor != 0 {
			return fmt.Errorf("it is %v", p)
		}
		return nil
	})
	if bank, held := r.balance(typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, ""), r.balance(typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, ""); bank != 0 || held != 0 {
		t.Fatalf("the bank has %d, %d are held", bank, held)
	}
	if err := undo("k3", payment.Id); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("taken back twice: %v", err)
	}
	if err := undo("k4", "ppm_x"); status.Code(err) != codes.NotFound {
		t.Fatalf("what nobody paid was taken back: %v", err)
	}
	// Money that comes later pays what is owed again, and settles the account.
	if _, err := r.api.RecordPatientPayment(hosttest.As(t.Context(), r.p, "k5", token), &pb.RecordPatientPaymentRequest{PatientId: "pat_1", Amount: money.Of(2000), Method: "cash", AccountId: "enc_1"}); err != nil {
		t.Fatal(err)
	}
	r.account("insurance 0 patient 0 settled true")
}
