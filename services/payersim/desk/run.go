package desk

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
)

// RunDay is a day on which the desk pays.
type RunDay struct {
	ReceiverID string
	Date       string
	At         time.Time
}

// Run pays everything that is due by a day: one 835 for each payer and payee, and its deposit.
func Run(s State, r RunDay) ([]es.Event, error) {
	b := open(s, File{ReceiverID: r.ReceiverID, At: r.At})
	made := &pb.PaymentRunMade{ReceiverId: r.ReceiverID, RunDate: r.Date}
	groups := map[string][]*pb.ClaimDecided{}
	var order []string
	for _, d := range s.Pending {
		if d.PayOnDate > r.Date || len(d.RemittanceClaim) == 0 {
			continue
		}
		key := account(d.EdiPayerId, d.PayeeNpi)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], d)
	}
	if len(order) == 0 {
		return nil, nil
	}
	slices.Sort(order)
	for _, key := range order {
		if err := b.remit(made, groups[key]); err != nil {
			return nil, err
		}
	}
	return append(b.events, made), nil
}

// remit writes the 835 of one payer to one payee.
func (b *book) remit(made *pb.PaymentRunMade, due []*pb.ClaimDecided) error {
	set := &t835.Set{Control: "0001", Production: made.RunDate}
	batch := t835.Batch{Number: "1"}
	total := int64(0)
	var last entry
	for _, d := range due {
		var e entry
		if err := json.Unmarshal(d.RemittanceClaim, &e); err != nil {
			return fmt.Errorf("pay claim %s: %w", d.PayerClaimControlNumber, err)
		}
		batch.Claims = append(batch.Claims, e.Claim)
		total += e.Claim.Paid
		last = e
	}
	set.Batches = []t835.Batch{batch}
	payer, npi := due[0].EdiPayerId, due[0].PayeeNpi
	owed := b.Forward[account(payer, npi)]
	amount, owed, moved := settle(total, owed)
	trace := fmt.Sprintf("EFT%s%08d", letters(b.file.ReceiverID), b.Payments+len(made.Payments)+1)
	if moved != 0 {
		set.ProviderAdjustments = []t835.ProviderAdjustment{{ProviderID: last.Payee.ID, YearEnd: made.RunDate[:4] + "-12-31", Reason: "FB", Reference: trace, Cents: moved}}
	}
	set.Payment = t835.Payment{
		Handling: "I", Amount: amount, Credit: "C", Method: "ACH", Format: "CCP", From: &t835.Account{BankQualifier: "01", Bank: "071000013", Kind: "DA", Number: "1" + last.TaxID},
		Originator: "1" + last.TaxID, To: &t835.Account{BankQualifier: "01", Bank: "071000013", Kind: "DA", Number: "9876543210"}, Effective: made.RunDate,
		TraceType: "1", Trace: trace, TraceOriginator: "1" + last.TaxID,
	}
	if amount == 0 {
		set.Payment.Method, set.Payment.Format, set.Payment.From, set.Payment.To, set.Payment.Handling = "NON", "", nil, nil, "H"
	}
	set.Payer = x12.Party{
		Role: "PR", Name: last.PayerName, Address: &x12.Address{Line1: "1 PAYER PLAZA", City: "SPRINGFIELD", State: "IL", ZIP: "627010001"},
		Refs:     []x12.Ref{{Qualifier: "2U", Value: payer}},
		Contacts: []x12.Contact{{Role: "BL", Name: "EDI DESK", Numbers: []x12.ContactPoint{{Kind: "TE", Number: "8005550100"}}}},
	}
	set.Payee = last.Payee
	b.sender = last.Sender
	w, err := t835.Write(b.envelope(), set)
	if err != nil {
		return fmt.Errorf("write the remittance %s: %w", trace, err)
	}
	b.issue(x12.K835, w.Bytes)
	if amount > 0 {
		b.events = append(b.events, &pb.DepositMade{
			ReceiverId: b.file.ReceiverID, EdiPayerId: payer, PayerName: last.PayerName, TraceNumber: trace, PayerIdentifier: "1" + last.TaxID, Amount: amount, EffectiveDate: made.RunDate,
		})
	}
	made.Payments = append(made.Payments, &pb.RunPayment{EdiPayerId: payer, PayeeNpi: npi, TraceNumber: trace, Amount: amount, ForwardAmount: owed})
	return nil
}

// settle is what is paid of a run, what the payee owes after it, and what moves between the two (PLB): positive keeps from the payment what is owed, negative carries forward
// what the payment can't give. amount = total − moved, and never less than nothing.
func settle(total, owed int64) (amount, owedAfter, moved int64) {
	if total < 0 {
		return 0, owed - total, total
	}
	moved = min(owed, total)
	return total - moved, owed - moved, moved
}
