package reporting_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
)

func (b *books) payers(r *pb.GetPayersRequest) (*pb.Payers, map[string]*pb.PayerRow) {
	b.Helper()
	p, err := b.api.GetPayers(hosttest.As(b.Context(), b.p, ""), r)
	if err != nil {
		b.Fatal(err)
	}
	rows := map[string]*pb.PayerRow{}
	for _, row := range p.Payers {
		rows[row.PayerId] = row
	}
	return p, rows
}

func cents(m *typev1.Money) int64 { return m.GetAmountMinor() }

// addsUp says by how much a row does not: charged + taken over = paid + contractual + patient + passed on + open − credit.
func addsUp(r *pb.PayerRow) int64 {
	return cents(r.ChargedAmount) + cents(r.TakenOverAmount) - cents(r.PaidAmount) - cents(r.ContractualAmount) - cents(r.PatientAmount) - cents(r.PassedOnAmount) - cents(r.OpenAmount) + cents(r.CreditAmount)
}

func second(amount int64, payer string) *typev1.Leg {
	l := leg(ar, amount, payer)
	l.PayerSequence = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	return l
}

func TestASecondPayersMoneyIsPassedOnByTheFirst(t *testing.T) {
	b := open(t)
	b.charge("one", "pay_1", "loc_1", "2026-02-01", 100_00)
	b.pay("one", "pay_1", "rem_1", 50_00, 20_00, 0)
	b.publish("posting", "account/one", &postingv1.ResponsibilityTransferred{
		AccountId: "one", PayerId: "pay_1", PayerSequence: primary, ToPayerId: "pay_2", RemittanceId: "rem_1", Amount: 30_00, Legs: []*typev1.Leg{second(30_00, "pay_2"), leg(ar, -30_00, "pay_1")},
	})
	b.on("2026-02-05")
	b.publish("posting", "account/one", &postingv1.InsurancePaymentPosted{AccountId: "one", PayerId: "pay_2", RemittanceId: "rem_2", PaidAmount: 36_00, Legs: []*typev1.Leg{leg(cash, 36_00, "pay_2"), second(-36_00, "pay_2")}})
	b.caughtUp()
	for _, c := range []struct {
		name, day    string
		first, other [8]int64 // charged, allowed, taken over, passed on, paid, contractual, open, credit in dollars
	}{
		{"while it is open with the second payer", "2026-02-04", [8]int64{100, 80, 0, 30, 50, 20, 0, 0}, [8]int64{0, 0, 30, 0, 0, 0, 30, 0}},
		{"and when that has paid more than was asked", "2026-02-05", [8]int64{100, 80, 0, 30, 50, 20, 0, 0}, [8]int64{0, 0, 30, 0, 36, 0, 0, 6}},
	} {
		p, rows := b.payers(&pb.GetPayersRequest{AsOf: c.day})
		for id, want := range map[string][8]int64{"pay_1": c.first, "pay_2": c.other} {
			r := rows[id]
			got := [8]int64{}
			for i, m := range []*typev1.Money{r.GetChargedAmount(), r.GetAllowedAmount(), r.GetTakenOverAmount(), r.GetPassedOnAmount(), r.GetPaidAmount(), r.GetContractualAmount(), r.GetOpenAmount(), r.GetCreditAmount()} {
				got[i] = cents(m) / 100
			}
			if got != want {
				t.Errorf("%s: %s has %v, want %v", c.name, id, got, want)
			}
		}
		if !p.EqualsLedger {
			t.Errorf("%s: %v", c.name, p)
		}
	}
}

// A visit came from another system in its second payer's file, and a later file tells of the first payer and what it has paid there: the charge stays with the payer that it was booked
// with, on every day, and what the other one has paid of it is passed on to that one.
func TestAnEarlierPayerThatIsToldLaterTakesOver(t *testing.T) {
	b := open(t)
	b.charge("one", "pay_2", "loc_1", "2026-02-01", 100_00)
	b.on("2026-02-05")
	payers := []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: primary}, {PayerId: "pay_2", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY}}
	b.publish("posting", "account/one", &postingv1.PayersTold{AccountId: "one", PatientId: "pat_one", ResponsiblePayers: payers})
	b.publish("posting", "account/one", &postingv1.PriorAdjudicationPosted{AccountId: "one", PayerId: "pay_1", PayerSequence: primary, PaidAmount: 60_00, Legs: []*typev1.Leg{leg(conversion, 60_00, "pay_1"), leg(ar, -60_00, "pay_2")}})
	b.caughtUp()
	for day, paid := range map[string]int64{"2026-02-04": 0, "2026-02-05": 60_00} {
		p, rows := b.payers(&pb.GetPayersRequest{AsOf: day})
		if r := rows["pay_2"]; cents(r.ChargedAmount) != 100_00 || cents(r.PassedOnAmount) != paid || cents(r.OpenAmount) != 100_00-paid || cents(r.AllowedAmount) != paid {
			t.Errorf("%s: %v", day, r)
		}
		if r := rows["pay_1"]; cents(r.GetTakenOverAmount()) != paid || cents(r.GetPaidAmount()) != paid || cents(r.GetChargedAmount()) != 0 {
			t.Errorf("%s: %v", day, r)
		}
		if !p.EqualsLedger {
			t.Errorf("%s: %v", day, p)
		}
	}
}

// Whatever happens, in whatever order it comes: each row adds up on every day, at every location, and the columns are the ledger's.
func TestEachRowOfThePayersAddsUp(t *testing.T) {
	const seed, events = 11, 240
	r := rand.New(rand.NewPCG(seed, seed))
	type happened struct {
		day, stream string
		event       es.Event
	}
	var all []happened
	payers, days := []string{"pay_1", "pay_2", "pay_3"}, 30
	add := func(day, account string, e es.Event) { all = append(all, happened{day, "account/" + account, e}) }
	first := map[string]string{}
	for i := range 24 {
		account, payer, amount := fmt.Sprint("acc_", i), append(payers, "")[i%4], int64(100_00+i*7_31)
		first[account] = payer
		e := &postingv1.ChargePosted{AccountId: account, LocationId: fmt.Sprint("loc_", 1+i%2), ServiceDate: "2026-02-01", ChargeAmount: amount, Legs: []*typev1.Leg{leg(arPatient, amount, ""), leg(revenue, -amount, "")}}
		if payer != "" {
			e.ResponsiblePayers, e.Legs[0] = []*intakev1.ResponsiblePayer{{PayerId: payer, PayerSequence: primary}}, leg(ar, amount, payer)
		}
		add("2026-02-01", account, e)
	}
	for range events {
		account, day := fmt.Sprint("acc_", r.IntN(24)), date.Add("2026-02-01", r.IntN(days))
		amount := int64(1 + r.IntN(90_00))
		at := func(amount int64) *typev1.Leg { // any payer's receivable, first or second, or the patient's
			payer := append(payers, "")[r.IntN(4)]
			switch {
			case payer == "":
				return leg(arPatient, amount, "")
			case payer != first[account] || r.IntN(4) == 0:
				return second(amount, payer)
			}
			return leg(ar, amount, payer)
		}
		payer := payers[r.IntN(3)]
		switch r.IntN(9) {
		case 0, 1:
			add(day, account, &postingv1.InsurancePaymentPosted{AccountId: account, PaidAmount: amount, Legs: []*typev1.Leg{leg(cash, amount, payer), second(-amount, payer)}})
		case 2:
			add(day, account, &postingv1.ContractualAdjusted{AccountId: account, Amount: amount, Legs: []*typev1.Leg{leg(contractual, amount, payer), at(-amount)}})
		case 3, 4:
			add(day, account, &postingv1.ResponsibilityTransferred{AccountId: account, Amount: amount, Legs: []*typev1.Leg{at(amount), at(-amount)}})
		case 5:
			add(day, account, &postingv1.ChargeCorrected{AccountId: account, ChargeAmount: amount, Legs: []*typev1.Leg{at(amount), leg(revenue, -amount, "")}})
		case 6:
			add(day, account, &postingv1.PostingReversed{AccountId: account, PaidAmount: -amount, Legs: []*typev1.Leg{leg(cash, -amount, payer), leg(contractual, -3_00, payer), at(amount), at(3_00)}})
		case 7:
			add(day, account, &postingv1.PriorAdjudicationPosted{AccountId: account, PayerId: payer, PaidAmount: amount, Legs: []*typev1.Leg{leg(conversion, amount, payer), at(-amount - 2_00), at(2_00)}})
		case 8:
			add(day, account, &postingv1.PatientPaymentAllocated{AccountId: account, Amount: amount, Legs: []*typev1.Leg{leg(held, amount, ""), leg(arPatient, -amount, "")}})
		}
	}
	var last *pb.Payers
	for order := range 2 {
		t.Run(fmt.Sprint("order ", order), func(t *testing.T) {
			b := open(t)
			r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, h := range all {
				b.on(h.day)
				b.publish("posting", h.stream, h.event)
			}
			b.caughtUp()
			for i := range days {
				for _, location := range []string{"", "loc_1", "loc_2"} {
					day := date.Add("2026-02-01", i)
					p, _ := b.payers(&pb.GetPayersRequest{AsOf: day, LocationId: location})
					for _, row := range append(p.Payers, p.Total) {
						if off := addsUp(row); off != 0 {
							t.Errorf("%s %s: the row of %s is %d cents off: %v", day, location, row.Name, off, row)
						}
					}
					if taken, passed := cents(p.Total.TakenOverAmount), cents(p.Total.PassedOnAmount); taken != passed {
						t.Errorf("%s %s: %d is taken over, %d passed on", day, location, taken, passed)
					}
					if p.EqualsLedger != (location == "") {
						t.Errorf("%s %s: equals the ledger: %v", day, location, p.EqualsLedger)
					}
				}
			}
			for _, location := range []string{"", "loc_1"} {
				b.everyNumberHasItsRows(date.Add("2026-02-01", 12), location)
				b.everyNumberHasItsRows(today, location)
			}
			b.bothNumbersHaveTheirRows("2026-03-28")
			now, _ := b.payers(&pb.GetPayersRequest{AsOf: today})
			if diff := cmp.Diff(last, now, protocmp.Transform()); order > 0 && diff != "" {
				t.Errorf("in another order it is another table:\n%s", diff)
			}
			last = now
		})
	}
}
