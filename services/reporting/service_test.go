package reporting_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/reporting"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	primary = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	today   = "2026-06-30"
)

// edges are the ages, in days, at both ends of each bucket, oldest first. The account of edge i was charged 100.00 × (i+1).
var edges = []int{121, 120, 91, 90, 61, 60, 31, 30, 0}

// books is a practice whose events were published day by day.
type books struct {
	*testing.T
	p      *host.Process
	api    pb.ReportingServiceClient
	day    *atomic.Pointer[string]
	events int64
}

func (b *books) on(day string) { b.day.Store(&day) }

func (b *books) publish(service, stream string, e es.Event) {
	b.Helper()
	hosttest.Publish(b.T, b.p, service, stream, e)
	b.events++
}

// caughtUp waits until every event that was published is in the tables.
func (b *books) caughtUp() {
	b.Helper()
	hosttest.Until(b.T, "everything is handled", func() error {
		a, err := b.api.GetAging(hosttest.As(b.Context(), b.p, ""), &pb.GetAgingRequest{})
		if err != nil {
			return err
		}
		if a.Freshness.EventsHandled != b.events {
			return fmt.Errorf("%d of %d events are handled", a.Freshness.EventsHandled, b.events)
		}
		return nil
	})
}

func open(t *testing.T) *books {
	t.Helper()
	b := &books{T: t, day: &atomic.Pointer[string]{}}
	b.on("2026-02-01")
	clock := func() time.Time { return date.Time(*b.day.Load()).Add(15 * time.Hour) }
	b.p = hosttest.Start(t, clock, reporting.New())
	b.api = pb.NewReportingServiceClient(hosttest.Conn(t, b.p, "reporting"))
	b.publish("registry", "payer/pay_1", &registryv1.PayerRegistered{PayerId: "pay_1", Name: "First Health", EdiPayerId: "E1"})
	b.publish("registry", "payer/pay_2", &registryv1.PayerRegistered{PayerId: "pay_2", Name: "Second Health", EdiPayerId: "E2"})
	b.publish("registry", "location/loc_1", &registryv1.LocationRegistered{LocationId: "loc_1", Name: "North"})
	b.publish("registry", "location/loc_2", &registryv1.LocationRegistered{LocationId: "loc_2", Name: "South"})
	return b
}

func leg(account typev1.LedgerAccount, amount int64, payer string) *typev1.Leg {
	l := &typev1.Leg{Account: account, Amount: amount, PayerId: payer, LineId: "L1"}
	if account == ar && payer != "" {
		l.PayerSequence = primary
	}
	return l
}

const (
	ar          = typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE
	arPatient   = typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT
	cash        = typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING
	bank        = typev1.LedgerAccount_LEDGER_ACCOUNT_BANK
	conversion  = typev1.LedgerAccount_LEDGER_ACCOUNT_CONVERSION
	revenue     = typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS
	contractual = typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL
	held        = typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT
)

// charge bills an account and, of a payer, makes its claim: clm_ and the account's id.
func (b *books) charge(account, payer, location, service string, amount int64) {
	b.Helper()
	e := &postingv1.ChargePosted{
		AccountId: account, EncounterId: account, PatientId: "pat_" + account, LocationId: location, ServiceDate: service, ChargeAmount: amount,
		Legs: []*typev1.Leg{leg(arPatient, amount, ""), leg(revenue, -amount, "")},
	}
	if payer != "" {
		e.ResponsiblePayers = []*intakev1.ResponsiblePayer{{PayerId: payer, PayerSequence: primary}}
		e.Legs[0] = leg(ar, amount, payer)
	}
	b.publish("posting", "account/"+account, e)
	if payer == "" {
		return
	}
	id := "clm_" + account
	b.publish("claims", "claim/"+id, &claimsv1.ClaimCreated{
		ClaimId: id, EncounterId: account, AccountId: account, PatientId: "pat_" + account, LocationId: location,
		Content: &claimsv1.ClaimContent{PatientControlNumber: "PCN" + account, PayerId: payer, PayerSequence: primary, ChargeAmount: amount, ServiceDate: service},
	})
}

func source(offset int64) *typev1.Source {
	return &typev1.Source{InterchangeId: "itc_1", FileSha256: "ab12", Offset: offset, Length: 20, Segment: "CAS"}
}

// pay posts a payer's payment, what it takes off, and what it leaves to the patient.
func (b *books) pay(account, payer, remittance string, paid, off, toPatient int64) {
	b.Helper()
	claim, at := "clm_"+account, "account/"+account
	if paid != 0 {
		b.publish("posting", at, &postingv1.InsurancePaymentPosted{AccountId: account, ClaimId: claim, PayerId: payer, PayerSequence: primary, RemittanceId: remittance, PaidAmount: paid,
			Legs: []*typev1.Leg{leg(cash, paid, payer), leg(ar, -paid, payer)}, Source: source(100)})
	}
	if off != 0 {
		b.publish("posting", at, &postingv1.ContractualAdjusted{AccountId: account, ClaimId: claim, PayerId: payer, PayerSequence: primary, RemittanceId: remittance, GroupCode: "CO", Carc: "45", Amount: off,
			Legs: []*typev1.Leg{leg(contractual, off, payer), leg(ar, -off, payer)}, Source: source(200)})
	}
	if toPatient != 0 {
		b.publish("posting", at, &postingv1.ResponsibilityTransferred{AccountId: account, ClaimId: claim, PayerId: payer, PayerSequence: primary, RemittanceId: remittance, GroupCode: "PR", Carc: "3", Amount: toPatient,
			Legs: []*typev1.Leg{leg(arPatient, toPatient, ""), leg(ar, -toPatient, payer)}, Source: source(300)})
	}
	b.publish("claims", "claim/"+claim, &claimsv1.ClaimAdjudicated{ClaimId: claim, RemittanceId: remittance, StatusCode: "1", PaidAmount: paid, PayerId: payer})
}

func (b *books) aging(r *pb.GetAgingRequest) *pb.Aging {
	b.Helper()
	a, err := b.api.GetAging(hosttest.As(b.Context(), b.p, ""), r)
	if err != nil {
		b.Fatal(err)
	}
	return a
}

func amounts(g *pb.AgingGroup) (out [5]int64) {
	for i, x := range g.Buckets {
		out[i] = x.Amount.AmountMinor
	}
	return out
}

// practice is the books of five months: nine accounts of the first payer at the edges of the buckets, one of the second payer, one of a patient who pays alone.
func practice(t *testing.T) *books {
	b := open(t)
	for i, age := range edges {
		service := date.Add(today, -age)
		b.on(service)
		location := "loc_1"
		if i%2 == 1 {
			location = "loc_2"
		}
		b.charge(fmt.Sprint("enc_", i), "pay_1", location, service, int64(i+1)*100_00)
	}
	return b
}

func TestAgingAtTheEdgesOfTheBuckets(t *testing.T) {
	b := practice(t)
	b.caughtUp()
	a := b.aging(&pb.GetAgingRequest{AsOf: today})
	// 0 and 30 days; 31 and 60; 61 and 90; 91 and 120; 121.
	want := [5]int64{900_00 + 800_00, 700_00 + 600_00, 500_00 + 400_00, 300_00 + 200_00, 100_00}
	if amounts(a.Total) != want || a.Total.Accounts != 9 || a.Total.Total.AmountMinor != 4500_00 {
		t.Fatalf("got %v, want %v: %v", amounts(a.Total), want, a.Total)
	}
	if len(a.Groups) != 1 || a.Groups[0].Name != "First Health" || amounts(a.Groups[0]) != want || a.Groups[0].Buckets[0].Accounts != 2 {
		t.Fatal(a.Groups)
	}
	a = b.aging(&pb.GetAgingRequest{GroupBy: pb.GroupBy_GROUP_BY_LOCATION})
	if a.AsOf != today || len(a.Groups) != 2 || a.Groups[0].Name != "North" || a.Groups[0].Total.AmountMinor != 2500_00 || a.Groups[1].Name != "South" || amounts(a.Total) != want {
		t.Fatal(a)
	}
	a = b.aging(&pb.GetAgingRequest{AsOf: today, LocationId: "loc_2", PayerId: "pay_1"})
	if a.Total.Total.AmountMinor != 2000_00 {
		t.Fatal(a.Total)
	}
	rows, err := b.api.ListAgingRows(hosttest.As(t.Context(), b.p, ""), &pb.ListAgingRowsRequest{AsOf: today, Bucket: "91-120"})
	if err != nil || len(rows.Rows) != 2 || rows.TotalAmount.AmountMinor != 500_00 || rows.TotalRows != 2 {
		t.Fatal(rows, err)
	}
	if r := rows.Rows[0]; r.AccountId != "enc_2" || r.Days != 91 || r.PatientId != "pat_enc_2" || r.ClaimId != "clm_enc_2" || r.ClaimStatus != "ready" || r.LocationName != "North" || r.Bucket != "91-120" {
		t.Fatal(r)
	}
	_, err = b.api.ListAgingRows(hosttest.As(t.Context(), b.p, ""), &pb.ListAgingRowsRequest{AsOf: "June", Bucket: "90"})
	if status.Code(err) != codes.FailedPrecondition && status.Code(err) != codes.InvalidArgument {
		t.Fatalf("what is no day was taken: %v", err)
	}
}

func TestAgingRowsComeOnceEachPageByPage(t *testing.T) {
	b := practice(t)
	b.charge("twin_1", "pay_1", "loc_1", today, 100_00) // the same amount as enc_0 and each other
	b.charge("twin_2", "pay_2", "loc_1", today, 100_00)
	b.caughtUp()
	seen, token := map[string]bool{}, ""
	for range 20 {
		r, err := b.api.ListAgingRows(hosttest.As(t.Context(), b.p, ""), &pb.ListAgingRowsRequest{PageSize: 2, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range r.Rows {
			if seen[row.AccountId] {
				t.Fatalf("%s came twice", row.AccountId)
			}
			seen[row.AccountId] = true
		}
		if token = r.NextPageToken; token == "" {
			break
		}
	}
	if len(seen) != 11 {
		t.Fatalf("%d rows of 11 came: %v", len(seen), seen)
	}
}

func TestBillDateAgesFromTheFirstSend(t *testing.T) {
	b := practice(t)
	b.publish("claims", "claim/clm_enc_0", &claimsv1.ClaimSubmitted{ClaimId: "clm_enc_0", ClaimVersion: 1, SubmittedDate: date.Add(today, -31)})
	b.publish("claims", "claim/clm_enc_0", &claimsv1.ClaimSubmitted{ClaimId: "clm_enc_0", ClaimVersion: 2, SubmittedDate: today})
	b.caughtUp()
	a := b.aging(&pb.GetAgingRequest{AsOf: today, Basis: pb.AgingBasis_AGING_BASIS_BILL_DATE})
	if want := [5]int64{1700_00, 1400_00, 900_00, 500_00, 0}; amounts(a.Total) != want {
		t.Fatalf("got %v, want %v", amounts(a.Total), want)
	}
	if a = b.aging(&pb.GetAgingRequest{AsOf: today}); a.Total.Buckets[4].Amount.AmountMinor != 100_00 {
		t.Fatal("the date of service has moved")
	}
}

func TestAsOf(t *testing.T) {
	b := practice(t)
	b.on("2026-07-10")
	b.pay("enc_0", "pay_1", "rem_1", 60_00, 25_00, 15_00)
	b.on("2026-07-20")
	b.publish("posting", "account/enc_0", &postingv1.PostingReversed{
		AccountId: "enc_0", ClaimId: "clm_enc_0", PayerId: "pay_1", RemittanceId: "rem_2", ReversedRemittanceId: "rem_1", PaidAmount: -60_00, Source: source(400),
		Legs: []*typev1.Leg{leg(cash, -60_00, "pay_1"), leg(ar, 60_00, "pay_1"), leg(contractual, -25_00, "pay_1"), leg(ar, 25_00, "pay_1"), leg(arPatient, -15_00, ""), leg(ar, 15_00, "pay_1")},
	})
	b.caughtUp()
	for _, c := range []struct {
		name, day                        string
		insurance, patient, clearing, of int64
	}{
		{"before the payment the whole charge is open", "2026-07-09", 100_00, 0, 0, 4500_00},
		{"from its day on, only the patient's share", "2026-07-10", 0, 15_00, 60_00, 4415_00},
		{"until the day before it is taken back", "2026-07-19", 0, 15_00, 60_00, 4415_00},
		{"taken back, the whole charge is open again", "2026-07-20", 100_00, 0, 0, 4500_00},
		{"before the first charge there is nothing", "2026-02-27", 0, 0, 0, 0},
	} {
		a := b.aging(&pb.GetAgingRequest{AsOf: c.day})
		if a.Total.Total.AmountMinor != c.of {
			t.Errorf("%s: %d in all, want %d", c.name, a.Total.Total.AmountMinor, c.of)
		}
		rows, err := b.api.ListAgingRows(hosttest.As(t.Context(), b.p, ""), &pb.ListAgingRowsRequest{AsOf: c.day})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]int64{}
		for _, r := range rows.Rows {
			if r.AccountId == "enc_0" {
				got[r.PayerId] += r.BalanceAmount.AmountMinor
			}
		}
		if got["pay_1"] != c.insurance || got["patient"] != c.patient || rows.TotalAmount.AmountMinor != c.of {
			t.Errorf("%s: got %v of %d, want %d and %d of %d", c.name, got, rows.TotalAmount.AmountMinor, c.insurance, c.patient, c.of)
		}
		l, err := b.api.GetLedger(hosttest.As(t.Context(), b.p, ""), &pb.GetLedgerRequest{AsOf: c.day})
		if err != nil || l.SumAmount.AmountMinor != 0 {
			t.Fatalf("%s: %v, %v", c.name, l, err)
		}
		for _, x := range l.Balances {
			if x.LedgerAccount == cash && x.BalanceAmount.AmountMinor != c.clearing {
				t.Errorf("%s: %d in clearing, want %d", c.name, x.BalanceAmount.AmountMinor, c.clearing)
			}
		}
		if _, err := b.api.GetKpis(hosttest.As(t.Context(), b.p, ""), &pb.GetKpisRequest{AsOf: c.day}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheTotalsOfThePayersAreTheLedgers(t *testing.T) {
	b := practice(t)
	b.charge("two", "pay_2", "loc_1", today, 200_00)
	b.charge("self", "", "loc_1", today, 80_00)
	b.pay("two", "pay_2", "rem_1", 120_00, 50_00, 30_00)
	b.publish("posting", "patient_payment/pp_1", &postingv1.PatientPaymentReceived{PatientPaymentId: "pp_1", PatientId: "pat_two", Amount: 40_00, Legs: []*typev1.Leg{leg(bank, 40_00, ""), leg(held, -40_00, "")}})
	b.publish("posting", "account/two", &postingv1.PatientPaymentAllocated{AccountId: "two", PatientPaymentId: "pp_1", PatientId: "pat_two", Amount: 30_00, Legs: []*typev1.Leg{leg(held, 30_00, ""), leg(arPatient, -30_00, "")}})
	// Half of what the second payer paid was for another practice: it takes all of it back and pays again.
	b.on("2026-07-02")
	b.publish("posting", "account/two", &postingv1.PostingReversed{AccountId: "two", ClaimId: "clm_two", PayerId: "pay_2", RemittanceId: "rem_2", PaidAmount: -120_00,
		Legs: []*typev1.Leg{leg(cash, -120_00, "pay_2"), leg(ar, 120_00, "pay_2")}})
	b.pay("two", "pay_2", "rem_2", 60_00, 0, 0)
	// The second payer takes 5 dollars more off: the row of the first adds up with it.
	b.publish("posting", "account/two", &postingv1.ContractualAdjusted{AccountId: "two", ClaimId: "clm_two_2", PayerId: "pay_3", Amount: 5_00, Legs: []*typev1.Leg{
		leg(typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL, 5_00, "pay_3"), leg(ar, -5_00, "pay_3")}})
	b.publish("posting", "account/enc_0", &postingv1.PriorAdjudicationPosted{AccountId: "enc_0", PayerId: "pay_1", PaidAmount: 4_00, Legs: []*typev1.Leg{leg(bank, 4_00, "pay_1"), leg(ar, -4_00, "pay_1")}}) // as it was booked once
	b.publish("posting", "account/enc_0", &postingv1.PriorAdjudicationPosted{AccountId: "enc_0", PayerId: "pay_1", PaidAmount: 6_00, Legs: []*typev1.Leg{leg(conversion, 6_00, "pay_1"), leg(ar, -6_00, "pay_1")}})
	b.caughtUp()
	p, err := b.api.GetPayers(hosttest.As(t.Context(), b.p, ""), &pb.GetPayersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if !p.EqualsLedger {
		t.Fatalf("the totals are not the ledger's: %v", p)
	}
	rows := map[string]*pb.PayerRow{}
	for _, r := range p.Payers {
		rows[r.PayerId] = r
	}
	if r := rows["pay_2"]; r == nil || r.ChargedAmount.AmountMinor != 200_00 || r.PaidAmount.AmountMinor != 60_00 || r.ContractualAmount.AmountMinor != 55_00 ||
		r.AllowedAmount.AmountMinor != 85_00 || r.PatientAmount.AmountMinor != 30_00 || r.OpenAmount.AmountMinor != 60_00 || r.Aging[0].Amount.AmountMinor != 60_00 || r.Claims != 1 {
		t.Fatal(r)
	}
	if r := rows["pay_1"]; r == nil || r.Claims != 9 || r.PaidAmount.AmountMinor != 10_00 || r.OpenAmount.AmountMinor != 4490_00 {
		t.Fatal(r)
	}
	if r := rows["patient"]; r == nil || r.Name != "Self-pay" || r.ChargedAmount.AmountMinor != 80_00 || r.AllowedAmount.AmountMinor != 80_00 || r.PatientAmount.AmountMinor != 80_00 {
		t.Fatal(r)
	}
	if p.PatientOpenAmount.AmountMinor != 80_00 || p.PatientPaidAmount.AmountMinor != 30_00 || p.UnappliedAmount.AmountMinor != 10_00 {
		t.Fatal(p)
	}
	early, err := b.api.GetPayers(hosttest.As(t.Context(), b.p, ""), &pb.GetPayersRequest{AsOf: today})
	if err != nil || !early.EqualsLedger || early.Total.OpenAmount.AmountMinor != 4500_00 {
		t.Fatal(early, err)
	}
}

func TestLegsAreListedWithTheBytesThatCausedThem(t *testing.T) {
	b := practice(t)
	b.pay("enc_0", "pay_1", "rem_1", 60_00, 25_00, 15_00)
	b.publish("posting", "deposit/dep_1", &postingv1.DepositReceived{DepositId: "dep_1", PayerId: "pay_1", TraceNumber: "T1", Amount: 60_00, DepositDate: today, Legs: []*typev1.Leg{leg(bank, 60_00, ""), leg(cash, -60_00, "pay_1")}})
	b.caughtUp()
	list := func(r *pb.ListLegsRequest) []*pb.LedgerLeg {
		t.Helper()
		var all []*pb.LedgerLeg
		for range 50 {
			page, err := b.api.ListLegs(hosttest.As(t.Context(), b.p, ""), r)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, page.Legs...)
			if r.PageToken = page.NextPageToken; r.PageToken == "" {
				return all
			}
		}
		t.Fatal("the list does not end")
		return nil
	}
	of := list(&pb.ListLegsRequest{AccountId: "enc_0", PageSize: 3})
	if len(of) != 8 {
		t.Fatalf("%d legs of 8: %v", len(of), of)
	}
	if l := of[0]; l.EventType != "ResponsibilityTransferred" || l.LedgerAccount != ar || l.Amount.AmountMinor != -15_00 || l.Source.GetOffset() != 300 || l.Source.Segment != "CAS" || l.Source.Length != 20 ||
		l.Carc != "3" || l.ClaimId != "clm_enc_0" || l.OccurredOn != today || l.EventId == "" || l.PayerSequence != primary || l.LineId != "L1" || l.Stream != "account/enc_0" {
		t.Fatal(l)
	}
	for i := 1; i < len(of); i++ {
		if a, z := of[i-1], of[i]; a.Position < z.Position || a.Position == z.Position && a.Leg <= z.Leg {
			t.Fatalf("%v comes before %v", a, z)
		}
	}
	if n := len(list(&pb.ListLegsRequest{RemittanceId: "rem_1"})); n != 6 {
		t.Fatalf("%d legs of the remittance, want 6", n)
	}
	if n := len(list(&pb.ListLegsRequest{LedgerAccount: cash})); n != 2 {
		t.Fatalf("%d legs in clearing, want 2", n)
	}
	if n := len(list(&pb.ListLegsRequest{AccountId: "enc_0", AsOf: date.Add(today, -1)})); n != 2 {
		t.Fatalf("%d legs before the payment, want 2", n)
	}
	own := leg(ar, -10_00, "pay_1")
	own.Source = &typev1.Source{InterchangeId: "itc_2", FileSha256: "cd34", Offset: 400, Length: 30, Segment: "SVD"}
	b.publish("posting", "account/enc_1", &postingv1.PriorAdjudicationPosted{AccountId: "enc_1", PayerId: "pay_1", PaidAmount: 10_00, Legs: []*typev1.Leg{leg(conversion, 10_00, "pay_1"), own}, Source: source(390)})
	b.caughtUp()
	if of := list(&pb.ListLegsRequest{AccountId: "enc_1"}); of[0].Source.GetSegment() != "SVD" || of[0].Source.Offset != 400 || of[0].Source.InterchangeId != "itc_2" || of[1].Source.GetOffset() != 390 {
		t.Fatalf("a leg with a source of its own, and one with the event's: %v", of[:2])
	}
	if l, err := b.api.GetLedger(hosttest.As(t.Context(), b.p, ""), &pb.GetLedgerRequest{}); err != nil || l.SumAmount.AmountMinor != 0 {
		t.Fatalf("the ledger does not sum to 0, or leaves an account out: %v, %v", l, err)
	}
	d, err := b.api.ListDeposits(hosttest.As(t.Context(), b.p, ""), &pb.ListDepositsRequest{Unmatched: true})
	if err != nil || len(d.Deposits) != 1 || d.Deposits[0].TraceNumber != "T1" {
		t.Fatal(d, err)
	}
	b.publish("posting", "settlement/set_1", &postingv1.RemittanceMatched{RemittanceId: "rem_1", DepositId: "dep_1", TraceNumber: "T1", Amount: 60_00})
	b.caughtUp()
	if d, err = b.api.ListDeposits(hosttest.As(t.Context(), b.p, ""), &pb.ListDepositsRequest{}); err != nil || d.Deposits[0].RemittanceId != "rem_1" || d.Deposits[0].Amount.AmountMinor != 60_00 {
		t.Fatal(d, err)
	}
}

// A deposit of no payer has the payer of its remittance once they are matched; one that was taken back is listed no more from that day on.
func TestADepositIsItsRemittancesPayersUntilItIsTakenBack(t *testing.T) {
	b := practice(t)
	b.on(date.Add(today, -1))
	b.publish("posting", "deposit/dep_9", &postingv1.DepositReceived{
		DepositId: "dep_9", TraceNumber: "T9", Amount: 80_00, DepositDate: date.Add(today, -1), Legs: []*typev1.Leg{leg(bank, 80_00, ""), leg(cash, -80_00, "")},
	})
	b.publish("posting", "settlement/set_9", &postingv1.RemittanceMatched{
		RemittanceId: "rem_9", DepositId: "dep_9", TraceNumber: "T9", Amount: 80_00, PayerId: "pay_1", Legs: []*typev1.Leg{leg(cash, 80_00, ""), leg(cash, -80_00, "pay_1")},
	})
	b.on(today)
	b.publish("posting", "deposit/dep_9", &postingv1.DepositReversed{
		DepositId: "dep_9", TraceNumber: "T9", Amount: 80_00, ReversedDate: today, Legs: []*typev1.Leg{leg(bank, -80_00, ""), leg(cash, 80_00, "")},
	})
	b.caughtUp()
	standing := func(day string) (out []string) {
		list, err := b.api.ListDeposits(hosttest.As(t.Context(), b.p, ""), &pb.ListDepositsRequest{AsOf: day})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list.Deposits {
			if d.DepositId == "dep_9" {
				out = append(out, d.PayerId+" "+d.RemittanceId)
			}
		}
		return out
	}
	if before := standing(date.Add(today, -1)); len(before) != 1 || before[0] != "pay_1 rem_9" {
		t.Errorf("before it was taken back: %v", before)
	}
	if after := standing(today); len(after) != 0 {
		t.Errorf("after: %v", after)
	}
}

// A claim is on each day what it was on it: its state, what was charged, paid and denied, and what is open with its payer.
func TestClaimsAsOf(t *testing.T) {
	b := open(t)
	b.charge("one", "pay_1", "loc_1", "2026-02-01", 100_00)
	at := "claim/clm_one"
	b.on("2026-02-03")
	b.publish("claims", at, &claimsv1.ClaimSubmitted{ClaimId: "clm_one", ClaimVersion: 1, SubmittedDate: "2026-02-03"})
	b.on("2026-02-10")
	b.publish("claims", at, &claimsv1.ClaimAdjudicated{ClaimId: "clm_one", RemittanceId: "rem_1", StatusCode: "4", PayerId: "pay_1"})
	b.publish("claims", at, &claimsv1.LineDenied{ClaimId: "clm_one", PayerId: "pay_1", LineId: "L1", GroupCode: "CO", Carc: "4", DeniedAmount: 100_00, RemittanceId: "rem_1", LocationId: "loc_1"})
	b.on("2026-02-12")
	b.publish("claims", at, &claimsv1.CorrectedClaimPrepared{ClaimId: "clm_one", ClaimVersion: 2, Content: &claimsv1.ClaimContent{ChargeAmount: 90_00}})
	b.publish("claims", at, &claimsv1.ClaimSubmitted{ClaimId: "clm_one", ClaimVersion: 2, SubmittedDate: "2026-02-12"})
	b.on("2026-02-20")
	b.pay("one", "pay_1", "rem_2", 60_00, 40_00, 0)
	b.publish("claims", at, &claimsv1.DenialOverturned{ClaimId: "clm_one", LineId: "L1", RemittanceId: "rem_2", GroupCode: "CO", Carc: "4", PayerId: "pay_1"})
	b.publish("claims", at, &claimsv1.ClaimClosed{ClaimId: "clm_one"})
	b.caughtUp()
	for day, want := range map[string]string{
		"2026-01-31": "", "2026-02-01": "ready 100 0 0 100  ", "2026-02-09": "submitted 100 0 0 100 2026-02-03 ", "2026-02-10": "denied 100 0 100 100 2026-02-03 2026-02-10",
		"2026-02-12": "denied 90 0 100 100 2026-02-12 2026-02-10", "2026-02-19": "denied 90 0 100 100 2026-02-12 2026-02-10", "2026-02-20": "closed 90 60 0 0 2026-02-12 2026-02-20", "": "closed 90 60 0 0 2026-02-12 2026-02-20",
	} {
		list, err := b.api.ListClaims(hosttest.As(t.Context(), b.p, ""), &pb.ListClaimsRequest{AsOf: day})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, c := range list.Claims {
			got += fmt.Sprint(c.Status, " ", cents(c.ChargeAmount)/100, " ", cents(c.PaidAmount)/100, " ", cents(c.DeniedAmount)/100, " ", cents(c.OpenAmount)/100, " ", c.SubmittedDate, " ", c.AdjudicatedDate)
		}
		if got != want || list.TotalRows != int64(len(list.Claims)) {
			t.Errorf("as of %q it is %q, want %q", day, got, want)
		}
	}
	denied, err := b.api.ListClaims(hosttest.As(t.Context(), b.p, ""), &pb.ListClaimsRequest{AsOf: "2026-02-15", Status: "denied"})
	if err != nil || len(denied.Claims) != 1 || cents(denied.TotalChargeAmount) != 90_00 {
		t.Error(denied, err)
	}
	rows, err := b.api.ListAgingRows(hosttest.As(t.Context(), b.p, ""), &pb.ListAgingRowsRequest{AsOf: "2026-02-02"})
	if err != nil || len(rows.Rows) != 1 || rows.Rows[0].ClaimStatus != "ready" || rows.Rows[0].BillDate != "" {
		t.Error(rows, err)
	}
}

func TestDenialsCountTheFirstDecision(t *testing.T) {
	b := practice(t)
	b.on("2026-06-29") // a Monday
	b.publish("claims", "claim/clm_enc_0", &claimsv1.ClaimAdjudicated{ClaimId: "clm_enc_0", RemittanceId: "rem_1", StatusCode: "4", PayerId: "pay_1"})
	b.publish("claims", "claim/clm_enc_0", &claimsv1.LineDenied{
		ClaimId: "clm_enc_0", PatientId: "pat_enc_0", PayerId: "pay_1", LineId: "L1", ServiceCode: "90837", ServiceDate: date.Add(today, -121), GroupCode: "CO", Carc: "197", Rarc: []string{"N54"},
		DeniedAmount: 100_00, Origin: claimsv1.DenialOrigin_DENIAL_ORIGIN_AUTHORIZATION, DefaultAction: "ask for a retroactive authorization", Label: "no authorization", RemittanceId: "rem_1", LocationId: "loc_1",
	})
	b.publish("claims", "claim/clm_enc_1", &claimsv1.ClaimAdjudicated{ClaimId: "clm_enc_1", RemittanceId: "rem_1", StatusCode: "1", PaidAmount: 150_00, PayerId: "pay_1"})
	b.publish("claims", "claim/clm_enc_2", &claimsv1.ClaimAdjudicated{ClaimId: "clm_enc_2", RemittanceId: "rem_1", StatusCode: "1", PaidAmount: 250_00, PayerId: "pay_1"})
	// A second payer refuses what the first one left: neither above nor below the line of a rate.
	b.publish("claims", "claim/clm_enc_2_2", &claimsv1.ClaimCreated{
		ClaimId: "clm_enc_2_2", EncounterId: "enc_2", AccountId: "enc_2", PatientId: "pat_enc_2", LocationId: "loc_1",
		Content: &claimsv1.ClaimContent{PatientControlNumber: "PCN2", PayerId: "pay_2", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY, ChargeAmount: 300_00, ServiceDate: today},
	})
	b.publish("claims", "claim/clm_enc_2_2", &claimsv1.ClaimAdjudicated{ClaimId: "clm_enc_2_2", RemittanceId: "rem_5", StatusCode: "4", PayerId: "pay_2"})
	b.publish("claims", "claim/clm_enc_2_2", &claimsv1.LineDenied{
		ClaimId: "clm_enc_2_2", PayerId: "pay_2", LineId: "L1", GroupCode: "CO", Carc: "197", DeniedAmount: 50_00, Label: "no authorization", RemittanceId: "rem_5", LocationId: "loc_1",
	})
	b.on("2026-07-08")
	b.publish("claims", "claim/clm_enc_0", &claimsv1.ClaimAdjudicated{ClaimId: "clm_enc_0", RemittanceId: "rem_2", StatusCode: "1", PaidAmount: 90_00, PayerId: "pay_1"})
	b.publish("claims", "claim/clm_enc_0", &claimsv1.DenialOverturned{ClaimId: "clm_enc_0", LineId: "L1", RecoveredAmount: 90_00, RemittanceId: "rem_2", GroupCode: "CO", Carc: "197", PayerId: "pay_1"})
	// Denied at the second decision: it is in the list, and not in the rate of first decisions.
	b.publish("claims", "claim/clm_enc_1", &claimsv1.ClaimAdjudicated{ClaimId: "clm_enc_1", RemittanceId: "rem_3", StatusCode: "22", Reversal: true, PaidAmount: -150_00, PayerId: "pay_1"})
	b.publish("claims", "claim/clm_enc_1", &claimsv1.LineDenied{ClaimId: "clm_enc_1", PayerId: "pay_1", LineId: "L1", GroupCode: "CO", Carc: "29", DeniedAmount: 200_00, RemittanceId: "rem_3", LocationId: "loc_2"})
	b.caughtUp()
	for by, want := range map[pb.GroupBy]string{pb.GroupBy_GROUP_BY_WEEK: "2026-06-29", pb.GroupBy_GROUP_BY_PAYER: "pay_1", pb.GroupBy_GROUP_BY_CARC: "CO-197"} {
		d, err := b.api.GetDenials(hosttest.As(t.Context(), b.p, ""), &pb.GetDenialsRequest{GroupBy: by})
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Groups) != 1 || d.Groups[0].GroupId != want {
			t.Fatal(d)
		}
		if name := d.Groups[0].Name; by == pb.GroupBy_GROUP_BY_CARC && name != "no authorization" {
			t.Fatalf("the code is called %q, also where every denial by it is overturned", name)
		}
		for _, g := range []*pb.DenialGroup{d.Groups[0], d.Total} {
			if g.ClaimsAdjudicated != 3 || g.ClaimsDenied != 1 || g.RateMillionths != 333_333 || g.DeniedAmount.AmountMinor != 100_00 || !g.Small {
				t.Fatal(by, g)
			}
		}
	}
	d, err := b.api.GetDenials(hosttest.As(t.Context(), b.p, ""), &pb.GetDenialsRequest{AsOf: "2026-06-28"})
	if err != nil || d.Total.ClaimsAdjudicated != 0 || d.Total.RateMillionths != 0 || !d.Total.Small {
		t.Fatal(d, err)
	}
	b.everyDenialHasItsLines("", "", "")
	b.everyDenialHasItsLines("2026-06-28", "", "")
	rows, err := b.api.ListDenialRows(hosttest.As(t.Context(), b.p, ""), &pb.ListDenialRowsRequest{PageSize: 1})
	if err != nil || len(rows.Rows) != 1 || rows.TotalRows != 3 || rows.Rows[0].Carc != "29" || rows.NextPageToken == "" {
		t.Fatal(rows, err)
	}
	rows, err = b.api.ListDenialRows(hosttest.As(t.Context(), b.p, ""), &pb.ListDenialRowsRequest{PageSize: 1, PayerId: "pay_1", Carc: "197"})
	if err != nil || len(rows.Rows) != 1 || rows.NextPageToken != "" {
		t.Fatal(rows, err)
	}
	if r := rows.Rows[0]; r.Carc != "197" || !r.Overturned || r.Origin != "authorization" || r.Label != "no authorization" || r.LocationName != "North" || r.Rarc[0] != "N54" || r.AccountId != "enc_0" || r.DeniedDate != "2026-06-29" {
		t.Fatal(r)
	}
	rows, err = b.api.ListDenialRows(hosttest.As(t.Context(), b.p, ""), &pb.ListDenialRowsRequest{Carc: "CO-197", PayerId: "pay_1", AsOf: "2026-07-07"})
	if err != nil || len(rows.Rows) != 1 || rows.Rows[0].Overturned || rows.TotalAmount.AmountMinor != 100_00 {
		t.Fatal(rows, err)
	}
	claims, err := b.api.ListClaims(hosttest.As(t.Context(), b.p, ""), &pb.ListClaimsRequest{Status: "reversed"})
	if err != nil || len(claims.Claims) != 1 || claims.Claims[0].ClaimId != "clm_enc_1" || claims.TotalRows != 1 {
		t.Fatal(claims, err)
	}
	claims, err = b.api.ListClaims(hosttest.As(t.Context(), b.p, ""), &pb.ListClaimsRequest{PageSize: 4})
	if err != nil || len(claims.Claims) != 4 || claims.TotalRows != 10 || claims.TotalChargeAmount.AmountMinor != 4800_00 || claims.Claims[0].ClaimId != "clm_enc_8" {
		t.Fatal(claims, err)
	}
	if c := claims.Claims[0]; c.OpenAmount.AmountMinor != 900_00 || c.PayerName != "First Health" || c.PatientControlNumber != "PCNenc_8" {
		t.Fatal(c)
	}
	// A claim that is taken back takes its denials with it; one that comes later is not open either.
	open := func() (rows int, denied, claim string) {
		if err := b.db().QueryRow(t.Context(), `SELECT count(*), coalesce(sum(d.denied_amount), 0)::text, (SELECT open_denials::text FROM claims WHERE claim_id = 'clm_enc_1')
			FROM denials d JOIN claims c USING (tenant_id, claim_id) WHERE d.overturned_date IS NULL AND c.withdrawn_date IS NULL`).Scan(&rows, &denied, &claim); err != nil {
			t.Fatal(err)
		}
		return rows, denied, claim
	}
	if rows, denied, claim := open(); rows != 2 || denied != "25000" || claim != "20000" {
		t.Fatal(rows, denied, claim)
	}
	b.on("2026-07-09")
	b.publish("claims", "claim/clm_enc_1", &claimsv1.ClaimClosed{ClaimId: "clm_enc_1", Reason: "voided", Withdrawn: true, PayerId: "pay_1"})
	b.publish("claims", "claim/clm_enc_1", &claimsv1.LineDenied{ClaimId: "clm_enc_1", PayerId: "pay_1", LineId: "L2", GroupCode: "CO", Carc: "16", DeniedAmount: 200_00, RemittanceId: "rem_4", LocationId: "loc_2"})
	b.caughtUp()
	if rows, denied, claim := open(); rows != 1 || denied != "5000" || claim != "0" {
		t.Fatal(rows, denied, claim)
	}
	for day, want := range map[string]bool{"2026-07-08": false, "2026-07-09": true} {
		rows, err = b.api.ListDenialRows(hosttest.As(t.Context(), b.p, ""), &pb.ListDenialRowsRequest{Carc: "CO-29", AsOf: day})
		if err != nil || len(rows.Rows) != 1 || rows.Rows[0].Withdrawn != want || rows.Rows[0].Overturned {
			t.Fatal(day, rows, err)
		}
	}
	if found := b.verify(); len(found.Findings) > 0 {
		t.Fatal(found.Findings)
	}
}

func TestKeyFiguresAreWhatTheirFormulasSay(t *testing.T) {
	b := practice(t)
	for i, clean := range []bool{true, true, false, true} {
		id := fmt.Sprint("clm_enc_", i+5)
		b.publish("claims", "claim/"+id, &claimsv1.ClaimScrubbed{ClaimId: id, ClaimVersion: 1, Clean: clean})
		b.publish("claims", "claim/"+id, &claimsv1.ClaimScrubbed{ClaimId: id, ClaimVersion: 2, Clean: true})
		b.publish("claims", "claim/"+id, &claimsv1.ClaimSubmitted{ClaimId: id, ClaimVersion: 1, SubmittedDate: today})
		if i == 0 {
			b.publish("claims", "claim/"+id, &claimsv1.ClaimRejected{ClaimId: id, PayerId: "pay_1", ClaimVersion: 1})
		}
		b.publish("claims", "claim/"+id, &claimsv1.ClaimAcknowledged{ClaimId: id, Level: claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_PAYER, ClaimVersion: 1})
	}
	b.pay("enc_3", "pay_1", "rem_1", 280_00, 120_00, 0)
	b.caughtUp()
	k, err := b.api.GetKpis(hosttest.As(t.Context(), b.p, ""), &pb.GetKpisRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*pb.Kpi{}
	for _, x := range k.Kpis {
		got[x.KpiId] = x
	}
	for _, c := range []struct {
		id       string
		num, den int64
		value    int64
	}{
		{"days_in_ar", 4100_00, 3500_00, 105_428_520}, // charges of the last 90 days: enc_4 to enc_8, whose ages are below 90
		{"clean_claim_rate", 3, 5, 600_000},
		{"first_pass_acceptance", 3, 4, 750_000},
		{"net_collection_rate", 280_00, 3180_00, 88_050}, // services of 3 March to 31 May: enc_2 to enc_7
		{"initial_denial_rate", 0, 4, 0},                 // sent in June, as the first claims of all: the base is the month itself
		{"ar_over_90", 600_00, 4100_00, 146_341},
		{"ar_total", 4100_00, 0, 4100_00},
	} {
		if x := got[c.id]; x == nil || x.Numerator != c.num || x.Denominator != c.den || x.ValueMillionths != c.value || !x.Known {
			t.Errorf("%s: got %v, want %d ÷ %d = %d", c.id, x, c.num, c.den, c.value)
		}
	}
}
