package explain

import (
	"testing"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

func TestSentence(t *testing.T) {
	const primary, secondary = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	for _, c := range []struct {
		name    string
		account Account
		want    string
	}{
		{"just charged", Account{ServiceDate: "2026-03-02", Charge: 15000, WithPlans: map[typev1.PayerSequence]int64{primary: 15000}},
			"Session of 2 March 2026: charged $150.00. Open: $150.00 with your primary plan."},
		{"without a plan", Account{ServiceDate: "2026-03-02", Charge: 15000, WithPatient: 15000}, "Session of 2 March 2026: charged $150.00. Open: $150.00 with you."},
		{"paid, with a copay", Account{ServiceDate: "2026-03-02", Charge: 15000, Paid: 9000, Discount: 4000, Shares: []Share{{"3", 2000}}, PatientPaid: 500, WithPatient: 1500},
			"Session of 2 March 2026: charged $150.00, plan paid $90.00, plan discount $40.00, your copay $20.00, you paid $5.00. Open: $15.00 with you."},
		{"every reason of a share", Account{ServiceDate: "2026-03-02", Charge: 15000, Shares: []Share{{"1", 5000}, {"2", 4000}, {"3", 3000}, {"96", 2000}, {"204", 500}, {"1", 500}}, WithPatient: 15000},
			"Session of 2 March 2026: charged $150.00, your deductible $55.00, your coinsurance $40.00, your copay $30.00, not covered by your plan $25.00. Open: $150.00 with you."},
		{"two plans and the patient", Account{ServiceDate: "2026-03-02", Charge: 15000, Paid: 5000, Discount: 4000, Shares: []Share{{"2", 1000}}, WithPatient: 1000, WithPlans: map[typev1.PayerSequence]int64{secondary: 3000, primary: 2000, 0: 0}},
			"Session of 2 March 2026: charged $150.00, plan paid $50.00, plan discount $40.00, your coinsurance $10.00. Open: $10.00 with you, $20.00 with your primary plan, $30.00 with your secondary plan."},
		{"settled", Account{ServiceDate: "2026-03-02", Charge: 15000, Paid: 11000, Discount: 4000, WithPlans: map[typev1.PayerSequence]int64{primary: 0}},
			"Session of 2 March 2026: charged $150.00, plan paid $110.00, plan discount $40.00. Nothing is open."},
		{"too much", Account{ServiceDate: "2026-03-02", Charge: 10000, Paid: 9000, Discount: 2000, PatientPaid: 500, WithPatient: -500, WithPlans: map[typev1.PayerSequence]int64{primary: -1000}},
			"Session of 2 March 2026: charged $100.00, plan paid $90.00, plan discount $20.00, you paid $5.00. Due back: $5.00 to you, $10.00 to your primary plan."},
		{"an earlier plan left something", Account{ServiceDate: "2026-03-02", Charge: 10000, Paid: 8000, Before: 2000, WithPatient: 2000},
			"Session of 2 March 2026: charged $100.00, plan paid $80.00, left to you by an earlier plan $20.00. Open: $20.00 with you."},
		{"a day that is none stays as it is", Account{ServiceDate: "soon", Charge: 1}, "Session of soon: charged $0.01. Nothing is open."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.account.Sentence(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
