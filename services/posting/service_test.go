package posting_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	payersimv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/posting"
	"github.com/evenkeel/evenkeel/services/posting/settlement"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func noon() time.Time { return time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC) }

const (
	primary = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	march   = "2026-03-02"
)

type rig struct {
	*testing.T
	p   *host.Process
	api pb.PostingServiceClient
}

func start(t *testing.T) rig { return startAt(t, noon) }

func startAt(t *testing.T, clock func() time.Time) rig {
	t.Helper()
	p := hosttest.Start(t, clock, posting.New())
	r := rig{t, p, pb.NewPostingServiceClient(hosttest.Conn(t, p, "posting"))}
	r.tell("registry", "payer/pay_1", &registryv1.PayerRegistered{PayerId: "pay_1", EdiPayerId: "E1"})
	r.tell("registry", "clinician/cli_1", &registryv1.ClinicianRegistered{ClinicianId: "cli_1", LicenseType: typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST})
	return r
}

func (r rig) tell(service, stream string, e es.Event) string {
	r.Helper()
	return hosttest.Publish(r.T, r.p, service, stream, e)
}

func (r rig) account(want string) *pb.Account {
	r.Helper()
	var a *pb.Account
	hosttest.Until(r.T, "the account is "+want, func() (err error) {
		if a, err = r.api.GetAccount(hosttest.As(r.Context(), r.p, ""), &pb.GetAccountRequest{AccountId: "enc_1"}); err != nil {
			return err
		}
		if got := fmt.Sprintf("insurance %d patient %d settled %v", a.InsuranceBalance.AmountMinor, a.PatientBalance.AmountMinor, a.Settled); got != want {
			return fmt.Errorf("it is %s", got)
		}
		return nil
	})
	return a
}

func (r rig) remittance(id string, holds func(*pb.Remittance) bool) *pb.Remittance {
	r.Helper()
	var m *pb.Remittance
	hosttest.Until(r.T, "remittance "+id, func() (err error) {
		if m, err = r.api.GetRemittance(hosttest.As(r.Context(), r.p, ""), &pb.GetRemittanceRequest{RemittanceId: id}); err != nil {
			return err
		}
		if !holds(m) {
			return fmt.Errorf("it is %v", m)
		}
		return nil
	})
	return m
}

func advice(id, trace string, payment int64, claims ...*exchangev1.RemittanceClaim) *exchangev1.RemittanceRead {
	return &exchangev1.RemittanceRead{
		RemittanceId: id, InterchangeId: "itc_1", PayerId: "pay_1", PayerName: "Blue", PayerIdentifier: "1123", TraceNumber: trace, PaymentAmount: payment, EffectiveDate: "2026-03-19",
		Claims: claims, Source: &typev1.Source{InterchangeId: "itc_1", FileSha256: "ab", Offset: 10, Length: 20},
	}
}

func paid() *exchangev1.RemittanceClaim {
	return &exchangev1.RemittanceClaim{
		Ordinal: 1, ClaimId: "clm_1", StatusCode: "1", ChargeAmount: 15000, PaidAmount: 9000, PayerClaimControlNumber: "ICN1",
		Lines: []*exchangev1.RemittanceLine{{Ordinal: 1, LineId: "L1", ServiceCode: "90837", ChargeAmount: 15000, PaidAmount: 9000, Adjustments: []*typev1.Adjustment{
			{GroupCode: "CO", Carc: "45", Amount: 4000}, {GroupCode: "PR", Carc: "3", Amount: 2000},
		}, Source: &typev1.Source{InterchangeId: "itc_1", Offset: 100, Length: 40, Segment: "SVC"}}},
	}
}

// The service through its API, on PostgreSQL and a broker: a copay comes in, a visit is charged, the payer pays, the bank shows it, the copay pays the rest. The remittance comes
// before the claim is known and waits for it.
func TestEveryCentFromChargeToSettled(t *testing.T) {
	r := start(t)
	token := r.tell("intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Doe"}})
	payment, err := r.api.RecordPatientPayment(hosttest.As(t.Context(), r.p, "k1", token), &pb.RecordPatientPaymentRequest{PatientId: "pat_1", Amount: money.Of(2500), Method: "card"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.api.RecordPatientPayment(hosttest.As(t.Context(), r.p, "k2", token), &pb.RecordPatientPaymentRequest{PatientId: "pat_x", Amount: money.Of(0), Method: "card"}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("a payment of nobody: %v", err)
	}
	r.tell("exchange", "interchange/itc_1", advice("rem_1", "T1", 9000, paid()))
	r.remittance("rem_1", func(m *pb.Remittance) bool { return m.Status == pb.RemittanceStatus_REMITTANCE_STATUS_BALANCED })
	r.tell("coding", "encounter/enc_1", &codingv1.CodingCompleted{
		EncounterId: "enc_1", PatientId: "pat_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: march, ChargeAmount: 15000,
		Lines:             []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, ChargeAmount: 15000, ServiceDate: march}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}},
	})
	r.account("insurance 15000 patient 0 settled false")
	r.tell("claims", "claim/clm_1", &claimsv1.ClaimCreated{ClaimId: "clm_1", AccountId: "enc_1", EncounterId: "enc_1", PatientId: "pat_1", Content: &claimsv1.ClaimContent{PayerId: "pay_1", PayerSequence: primary}})
	a := r.account("insurance 0 patient 0 settled true")
	if l := a.Lines[0]; l.InsurancePaid.AmountMinor != 9000 || l.Adjusted.AmountMinor != 4000 || l.PatientShare.AmountMinor != 2000 || l.InsuranceOpen.AmountMinor != 0 {
		t.Fatalf("line %v", l)
	}
	var sum int64
	sourced := false
	for _, l := range a.Legs {
		sum += l.Amount.AmountMinor
		sourced = sourced || l.Source.GetSegment() == "SVC"
	}
	for _, b := range a.Balances {
		sum += b.Balance.AmountMinor
	}
	if sum != 0 || !sourced || len(a.Legs) != 10 {
		t.Fatalf("%d legs, off by %d, with bytes: %v", len(a.Legs), sum, sourced)
	}
	payments, err := r.api.ListPatientPayments(hosttest.As(t.Context(), r.p, ""), &pb.ListPatientPaymentsRequest{PatientId: "pat_1"})
	if err != nil || len(payments.PatientPayments) != 1 || payments.PatientPayments[0].PatientPaymentId != payment.Id || payments.PatientPayments[0].Unallocated.AmountMinor != 500 {
		t.Fatalf("%v, %v", payments, err)
	}
	refund := func(key string, amount int64) error {
		_, err := r.api.RefundPatientPayment(hosttest.As(t.Context(), r.p, key), &pb.RefundPatientPaymentRequest{PatientPaymentId: payment.Id, Amount: money.Of(amount), Reason: "paid too much"})
		return err
	}
	if err := refund("k3", 501); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("more than is held was given back: %v", err)
	}
	if err := refund("k4", 300); err != nil {
		t.Fatal(err)
	}
	if err := refund("k5", 201); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("given back twice: %v", err)
	}
	payments, err = r.api.ListPatientPayments(hosttest.As(t.Context(), r.p, ""), &pb.ListPatientPaymentsRequest{PatientId: "pat_1"})
	if err != nil || payments.PatientPayments[0].Unallocated.AmountMinor != 200 || payments.PatientPayments[0].Refunded.AmountMinor != 300 {
		t.Fatalf("%v, %v", payments, err)
	}
	if _, err := r.api.RefundPatientPayment(hosttest.As(t.Context(), r.p, "k6"), &pb.RefundPatientPaymentRequest{PatientPaymentId: "ppm_x", Amount: money.Of(1), Reason: "r"}); status.Code(err) != codes.NotFound {
		t.Fatalf("a refund of nothing that was paid: %v", err)
	}
	r.tell("payersim", "desk/R1", &payersimv1.DepositMade{EdiPayerId: "E1", TraceNumber: "T1", PayerIdentifier: "1123", Amount: 9000, EffectiveDate: "2026-03-19"})
	m := r.remittance("rem_1", func(m *pb.Remittance) bool { return m.DepositId != "" })
	var cash int64
	for _, l := range m.Legs {
		if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING {
			cash += l.Amount.AmountMinor
		}
	}
	if cash != 9000 {
		t.Fatalf("the cash of the remittance is %d", cash)
	}
	list, err := r.api.ListAccounts(hosttest.As(t.Context(), r.p, ""), &pb.ListAccountsRequest{PatientId: "pat_1"})
	if err != nil || len(list.Accounts) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	if open, err := r.api.ListAccounts(hosttest.As(t.Context(), r.p, ""), &pb.ListAccountsRequest{OpenOnly: true}); err != nil || len(open.Accounts) != 0 {
		t.Fatalf("%v, %v", open, err)
	}
}

// From each leg of an imported visit one gets to the segments that tell it, and what was paid before the move is in no account of our bank.
func TestLegsOfAnImportedVisitNameTheirSegments(t *testing.T) {
	r := start(t)
	at := func(segment string, offset int64) *typev1.Source {
		return &typev1.Source{InterchangeId: "itc_9", FileSha256: "cd", Segment: segment, Offset: offset, Length: 30}
	}
	r.tell("coding", "encounter/enc_1", &codingv1.CodingCompleted{
		EncounterId: "enc_1", PatientId: "pat_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: march, ChargeAmount: 15000, Imported: true, Source: at("CLM", 10),
		Lines:             []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, ChargeAmount: 15000, ServiceDate: march, Source: at("SV1", 20)}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}, {PayerId: "pay_2", PayerSequence: primary + 1}},
		PriorAdjudications: []*codingv1.PriorAdjudication{{PayerId: "pay_1", PayerSequence: primary, PaidAmount: 9000, Source: at("SBR", 15), Lines: []*codingv1.PriorLine{
			{LineId: "L1", PaidAmount: 9000, Adjustments: []*typev1.Adjustment{{GroupCode: "CO", Carc: "45", Amount: 4000}}, Source: at("SVD", 25)},
		}}},
	})
	a := r.account("insurance 2000 patient 0 settled false")
	for _, l := range a.Legs {
		want := map[string]string{"evenkeel.posting.v1.ChargePosted": "SV1 20", "evenkeel.posting.v1.PriorAdjudicationPosted": "SVD 25"}[l.EventType]
		if got := fmt.Sprint(l.Source.GetSegment(), " ", l.Source.GetOffset()); got != want || l.Source.InterchangeId != "itc_9" || l.Source.Length != 30 {
			t.Errorf("%s: %s, want %s", l.EventType, got, want)
		}
		if l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_BANK {
			t.Errorf("our bank never saw it: %v", l)
		}
	}
	if len(a.Legs) != 6 {
		t.Errorf("%d legs", len(a.Legs))
	}
}

func TestWhatDoesNotFitIsNotBooked(t *testing.T) {
	r := start(t)
	off := paid()
	off.Lines[0].PaidAmount++
	r.tell("exchange", "interchange/itc_2", advice("rem_off", "T2", 9000, off))
	m := r.remittance("rem_off", func(m *pb.Remittance) bool { return m.Status == pb.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED })
	if len(m.Residuals) != 2 || len(m.Legs) != 0 {
		t.Fatalf("residuals %v, legs %v", m.Residuals, m.Legs)
	}
	unknown := paid()
	unknown.ClaimId = ""
	r.tell("exchange", "interchange/itc_3", advice("rem_3", "T3", 9000, unknown))
	r.remittance("rem_3", func(m *pb.Remittance) bool { return m.Unapplied.GetAmountMinor() == 9000 && len(m.Legs) == 2 })
	r.tell("exchange", "interchange/itc_4", advice("rem_4", "T3", 9000, unknown))
	m = r.remittance("rem_4", func(m *pb.Remittance) bool { return m.Status == pb.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED })
	if len(m.Reasons) != 1 {
		t.Fatalf("reasons %v", m.Reasons)
	}
	deposit := &pb.RecordDepositRequest{TraceNumber: "T3", Amount: money.Of(8000), DepositDate: "2026-03-19"}
	if _, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, "k1"), deposit); err != nil {
		t.Fatal(err)
	}
	r.remittance("rem_3", func(m *pb.Remittance) bool { return m.DifferingDepositId != "" && m.DepositId == "" })
	deposits, err := r.api.ListDeposits(hosttest.As(t.Context(), r.p, ""), &pb.ListDepositsRequest{Status: pb.DepositStatus_DEPOSIT_STATUS_DIFFERS})
	if err != nil || len(deposits.Deposits) != 1 || deposits.Deposits[0].RemittanceId != "rem_3" {
		t.Fatalf("%v, %v", deposits, err)
	}
	page, err := r.api.ListRemittances(hosttest.As(t.Context(), r.p, ""), &pb.ListRemittancesRequest{PageSize: 2})
	if err != nil || len(page.Remittances) != 2 || page.NextPageToken == "" {
		t.Fatalf("%v, %v", page, err)
	}
	page, err = r.api.ListRemittances(hosttest.As(t.Context(), r.p, ""), &pb.ListRemittancesRequest{PageSize: 2, PageToken: page.NextPageToken})
	if err != nil || len(page.Remittances) != 1 || page.Remittances[0].RemittanceId != "rem_off" {
		t.Fatalf("%v, %v", page, err)
	}
}

// A week after one side came without the other the clock says so, on PostgreSQL; the other side, however late, still finds it.
func TestMoneyAndRemittanceAskForEachOther(t *testing.T) {
	var days atomic.Int64
	r := startAt(t, func() time.Time { return noon().AddDate(0, 0, int(days.Load())) })
	told := func(trace string) (names []string) {
		history, err := r.p.Runtime("posting").Engine.History(engine.WithCaller(t.Context(), engine.Caller{Tenant: hosttest.Tenant, Actor: "user:test"}), settlement.Stream.Name(settlement.ID(trace)))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range history {
			names = append(names, string(e.Event.ProtoReflect().Descriptor().Name()))
		}
		return names
	}
	until := func(trace, want string) {
		t.Helper()
		hosttest.Until(t, trace+" is "+want, func() error {
			if got := strings.Join(told(trace), " "); got != want {
				return fmt.Errorf("it is %s", got)
			}
			return nil
		})
	}
	deposit := func(trace string, amount int64) {
		t.Helper()
		if _, err := r.api.RecordDeposit(hosttest.As(t.Context(), r.p, trace), &pb.RecordDepositRequest{TraceNumber: trace, Amount: money.Of(amount), DepositDate: "2026-03-20"}); err != nil {
			t.Fatal(err)
		}
	}
	r.tell("exchange", "interchange/itc_1", advice("rem_1", "T1", 9000, paid()))
	r.tell("exchange", "interchange/itc_2", advice("rem_0", "T0", 0))
	deposit("T2", 7000)
	until("T1", "RemittanceAdvised")
	until("T0", "RemittanceAdvised")
	until("T2", "DepositAdvised")
	days.Store(8)
	until("T1", "RemittanceAdvised RemittanceUnfunded")
	until("T2", "DepositAdvised DepositUnmatched")
	until("T0", "RemittanceAdvised")
	deposit("T1", 9000)
	until("T1", "RemittanceAdvised RemittanceUnfunded DepositAdvised RemittanceMatched")
	r.tell("exchange", "interchange/itc_3", advice("rem_2", "T2", 7000, &exchangev1.RemittanceClaim{Ordinal: 1, StatusCode: "1", ChargeAmount: 7000, PaidAmount: 7000}))
	until("T2", "DepositAdvised DepositUnmatched RemittanceAdvised RemittanceMatched")
}

// A payer allows less than its contract and gives the patient the rest of the price: both stay open with it, on PostgreSQL, until somebody gives them up.
func TestWhatIsInDisputeStaysOpen(t *testing.T) {
	r := start(t)
	contract := r.tell("registry", "contract/con_1", &registryv1.ContractPublished{ContractId: "con_1", PayerId: "pay_1", FromDate: "2026-01-01", Rates: []*registryv1.ContractRate{{ServiceCode: "90837", AllowedAmount: 12000}}})
	if _, err := r.api.ListAccounts(hosttest.As(t.Context(), r.p, "", contract), &pb.ListAccountsRequest{}); err != nil { // the contract is known before the visit
		t.Fatal(err)
	}
	r.tell("coding", "encounter/enc_1", &codingv1.CodingCompleted{
		EncounterId: "enc_1", PatientId: "pat_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: march, ChargeAmount: 15000,
		Lines:             []*typev1.ServiceLine{{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, ChargeAmount: 15000, ServiceDate: march}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}},
	})
	if a := r.account("insurance 15000 patient 0 settled false"); a.Lines[0].Expected.GetAmountMinor() != 12000 {
		t.Fatalf("expected %v", a.Lines[0].Expected)
	}
	r.tell("claims", "claim/clm_1", &claimsv1.ClaimCreated{ClaimId: "clm_1", AccountId: "enc_1", EncounterId: "enc_1", PatientId: "pat_1", Content: &claimsv1.ClaimContent{PayerId: "pay_1", PayerSequence: primary}})
	short := paid()
	short.Lines[0].Adjustments = []*typev1.Adjustment{{GroupCode: "CO", Carc: "45", Amount: 4000}, {GroupCode: "PR", Carc: "3", Amount: 1500}, {GroupCode: "PR", Carc: "45", Amount: 500}}
	r.tell("exchange", "interchange/itc_1", advice("rem_1", "T1", 9000, short))
	a := r.account("insurance 1500 patient 1500 settled false")
	if l := a.Lines[0]; l.Disputed.AmountMinor != 1500 || l.Adjusted.AmountMinor != 3000 || l.InsuranceOpen.AmountMinor != 1500 {
		t.Fatalf("line %v", l)
	}
	give := func(key, line string) error {
		_, err := r.api.AcceptUnderpayment(hosttest.As(t.Context(), r.p, key), &pb.AcceptUnderpaymentRequest{AccountId: "enc_1", ClaimId: "clm_1", LineId: line, Reason: "too little to argue about"})
		return err
	}
	if err := give("k1", "L2"); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("a line of which nothing is in dispute: %v", err)
	}
	for said, c := range map[string]*pb.AcceptUnderpaymentRequest{
		"claim_id: it is missing (syntax.string.min_len); reason: it is missing (syntax.string.min_len)":     {AccountId: "enc_1"},
		"reason: only blanks stand here: write something, or leave it out if it may be empty (syntax.blank)": {AccountId: "enc_1", ClaimId: "clm_1", LineId: "L1", Reason: " \t"},
	} {
		if _, err := r.api.AcceptUnderpayment(hosttest.As(t.Context(), r.p, "k3"), c); status.Convert(err).Message() != said {
			t.Errorf("%v: %v", c, err)
		}
	}
	if err := give("k2", "L1"); err != nil {
		t.Fatal(err)
	}
	if a := r.account("insurance 0 patient 1500 settled false"); a.Lines[0].Disputed.AmountMinor != 0 || a.Lines[0].Adjusted.AmountMinor != 4500 {
		t.Fatalf("line %v", a.Lines[0])
	}
}

// The database refuses an entry that does not balance, whoever writes it.
func TestTheLedgerTableRefusesWhatDoesNotBalance(t *testing.T) {
	r := start(t)
	_, err := r.p.Runtime("posting").DB.Exec(t.Context(), `INSERT INTO ledger_legs (tenant_id, event_id, leg, position, event_type, occurred_on, ledger_account, payer_id,
		payer_sequence, line_id, amount, account_id, patient_id, remittance_id) VALUES (gen_random_uuid(), gen_random_uuid(), 1, 1, 'x', '2026-03-20', 3, '', 0, '', 5, '', '', '')`)
	if err == nil || !strings.Contains(err.Error(), "off by 5 cents") {
		t.Fatalf("an entry of one leg got in: %v", err)
	}
}
