package sim

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	payersimv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/payersim/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/tests/world"
)

// visitAt is a visit at an authorization.
type visitAt struct{ encounter, authorization string }

// laws follow the logs and hold after each step. They know the events alone, not the services' code.
type laws struct {
	world *world.World
	read  map[string]int64 // position of each log up to which events were looked at
	ids   map[string]bool  // event ids seen: an effect that happened twice would have its id twice

	// Row 1, 2: money by account and line; charge = paid + adjusted + moved to the patient + open.
	ledger   map[typev1.LedgerAccount]int64
	charged  map[string]int64 // by account
	accounts map[string]map[typev1.LedgerAccount]int64
	live     map[string]int64 // live claim payments by account, remittance and ordinal: cash
	denied   map[string]int64
	// Row 6: units by authorization and code.
	approved map[string]map[string]int32
	inUse    map[string]map[string]int32
	holds    map[string]*authorizationv1.UnitsReserved

	// Row 18: whose effects come in the order of the stream they answer.
	causes map[string]place // events by id
	heard  map[string]place // by consumer and stream: the last event of it that had an effect

	lines     []lineOf          // of claims, in the order in which they were made
	billed    map[string]int64  // by claim
	accountOf map[string]string // by claim

	coded, charges, claims, submitted, decided, paid int
	deposits, advised                                int64
	reached                                          map[string]bool
	used                                             map[visitAt]int32
	voided                                           map[string]bool // encounters
}

func newLaws(w *world.World) *laws {
	return &laws{
		world: w, read: map[string]int64{}, ids: map[string]bool{}, ledger: map[typev1.LedgerAccount]int64{}, charged: map[string]int64{}, accounts: map[string]map[typev1.LedgerAccount]int64{},
		live: map[string]int64{}, denied: map[string]int64{}, approved: map[string]map[string]int32{}, inUse: map[string]map[string]int32{}, holds: map[string]*authorizationv1.UnitsReserved{},
		used: map[visitAt]int32{}, voided: map[string]bool{}, reached: map[string]bool{}, billed: map[string]int64{}, accountOf: map[string]string{}, causes: map[string]place{}, heard: map[string]place{},
	}
}

// lineOf is the first line of a claim.
type lineOf struct{ claim, line string }

// place of an event in its stream.
type place struct {
	source, stream string
	version        int
}

// check looks at what was appended since the last time.
func (l *laws) check() error {
	type effect struct {
		consumer string
		es.Recorded
	}
	var effects []effect
	for _, n := range l.world.Nodes() {
		events, err := n.Events(l.read[n.Service.Name])
		if err != nil {
			return err
		}
		for _, e := range events {
			if want := l.read[n.Service.Name] + 1; e.Position != want {
				return fmt.Errorf("%s: position %d follows %d", n.Service.Name, e.Position, want-1)
			}
			l.read[n.Service.Name] = e.Position
			if l.ids[e.ID.String()] {
				return fmt.Errorf("%s: event %s (%s) was recorded twice", n.Service.Name, e.ID, e.Type())
			}
			l.ids[e.ID.String()] = true
			l.causes[e.ID.String()] = place{n.Service.Name, es.Name(e.Kind, e.StreamID), e.Version}
			effects = append(effects, effect{n.Service.Name, e})
			if err := l.money(e); err != nil {
				return fmt.Errorf("%s %d: %w", e.Type(), e.Position, err)
			}
			if err := l.units(e); err != nil {
				return fmt.Errorf("%s %d: %w", e.Type(), e.Position, err)
			}
		}
	}
	for _, e := range effects { // what caused one may be in a log that was read after it
		if err := l.order(e.consumer, e.Recorded); err != nil {
			return err
		}
	}
	return nil
}

// order: what a stream leads to in another one comes in its order.
func (l *laws) order(consumer string, e es.Recorded) error {
	cause, ok := l.causes[e.Causation.String()]
	if !ok {
		return nil // a caller's, or a timer's
	}
	key := fmt.Sprint(cause.source, " ", cause.stream, ", ", consumer, " ", es.Name(e.Kind, e.StreamID))
	if last := l.heard[key]; cause.version < last.version {
		return fmt.Errorf("%s: %s %d comes from version %d, after what version %d led to (%s)", consumer, e.Type(), e.Position, cause.version, last.version, key)
	}
	l.heard[key] = cause
	return nil
}

// legged is every event with legs.
type legged interface{ GetLegs() []*typev1.Leg }

func (l *laws) money(r es.Recorded) error {
	if m, ok := r.Event.(legged); ok {
		sum := int64(0)
		for _, leg := range m.GetLegs() {
			sum += leg.Amount
			l.ledger[leg.Account] += leg.Amount
		}
		if sum != 0 {
			return fmt.Errorf("the legs are off by %d cents", sum)
		}
		if a, ok := r.Event.(interface{ GetAccountId() string }); ok && a.GetAccountId() != "" {
			by := l.accounts[a.GetAccountId()]
			if by == nil {
				by = map[typev1.LedgerAccount]int64{}
				l.accounts[a.GetAccountId()] = by
			}
			for _, leg := range m.GetLegs() {
				by[leg.Account] += leg.Amount
			}
		}
	}
	switch e := r.Event.(type) {
	case *codingv1.CodingCompleted:
		l.coded++
	case *postingv1.ChargePosted:
		l.charges++
		if l.charged[e.AccountId] != 0 {
			return fmt.Errorf("account %s is charged twice", e.AccountId)
		}
		l.charged[e.AccountId] = e.ChargeAmount
	case *postingv1.ChargeCorrected:
		if e.PreviousChargeAmount != l.charged[e.AccountId] {
			return fmt.Errorf("the charge of account %s was %d, the correction says %d", e.AccountId, l.charged[e.AccountId], e.PreviousChargeAmount)
		}
		l.charged[e.AccountId] = e.ChargeAmount
		l.reached["charge corrected"] = true
	case *postingv1.ChargeVoided:
		if e.ChargeAmount != l.charged[e.AccountId] {
			return fmt.Errorf("%d are taken off account %s, which is charged %d", e.ChargeAmount, e.AccountId, l.charged[e.AccountId])
		}
		l.charged[e.AccountId] = 0
		l.reached["charge voided"] = true
		l.voided[e.EncounterId] = true
	case *claimsv1.CorrectedClaimPrepared:
		l.billed[e.ClaimId] = e.Content.GetChargeAmount()
	case *claimsv1.ClaimClosed:
		if e.Withdrawn && !e.ChargeStands {
			l.billed[e.ClaimId] = 0
		}
	case *claimsv1.ClaimCreated:
		l.claims++
		l.accountOf[e.ClaimId] = e.AccountId
		l.billed[e.ClaimId] = e.Content.GetChargeAmount()
		l.lines = append(l.lines, lineOf{e.ClaimId, e.Content.GetLines()[0].GetLineId()})
	case *claimsv1.ClaimSubmitted:
		l.submitted++
	case *claimsv1.ClaimHeld:
		l.reached["claim held"] = true
	case *claimsv1.LineDenied:
		if e.GroupCode == "PR" {
			return errors.New("what the patient owes is called a denial")
		}
		l.reached["line denied"] = true
	case *postingv1.DenialRecorded:
		if e.GroupCode == "PR" {
			return errors.New("what the patient owes is called a denial")
		}
	case *postingv1.ResponsibilityTransferred:
		if e.ToPayerId == "" && e.GroupCode != "PR" {
			return fmt.Errorf("%s-%s became a patient's balance", e.GroupCode, e.Carc)
		}
		l.reached["patient share"] = true
	case *postingv1.InsurancePaymentPosted:
		l.paid++
		l.live[key(e.AccountId, e.RemittanceId, e.ClaimOrdinal)] += e.PaidAmount
	case *postingv1.PostingReversed:
		k := key(e.AccountId, e.ReversedRemittanceId, e.ReversedClaimOrdinal)
		if l.live[k] != -e.PaidAmount {
			return fmt.Errorf("%d cents are taken back of a posting of %d", -e.PaidAmount, l.live[k])
		}
		delete(l.live, k)
		l.reached["payment reversed"] = true
	case *postingv1.PatientPaymentAllocated:
		l.reached["patient payment allocated"] = true
	case *postingv1.RemittanceMatched:
		l.reached["deposit matched"] = true
	case *postingv1.UnderpaymentDetected:
		l.reached["underpayment"] = true
	case *postingv1.RemittanceQuarantined:
		return errors.New("the payer simulator's own remittance was quarantined")
	case *postingv1.DepositReceived:
		l.deposits += e.Amount
	case *postingv1.RemittanceBalanced:
		l.advised += e.PaymentAmount
	case *payersimv1.ClaimDecided:
		l.decided++
	case *exchangev1.InterchangeSent:
		l.reached["sent "+e.Kind] = true
	}
	for id, by := range l.accounts {
		if err := l.whole(id, by); err != nil {
			return err
		}
	}
	return nil
}

func key(account, remittance string, ordinal int32) string {
	return fmt.Sprint(account, " ", remittance, " ", ordinal)
}

// whole: what was charged is paid, adjusted, or open with a payer or the patient.
func (l *laws) whole(id string, by map[typev1.LedgerAccount]int64) error {
	sum := int64(0)
	for _, amount := range by {
		sum += amount
	}
	if sum != 0 {
		return fmt.Errorf("account %s is off by %d cents", id, sum)
	}
	if charged := -by[typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS]; charged != l.charged[id] {
		return fmt.Errorf("account %s was charged %d, its revenue is %d", id, l.charged[id], charged)
	}
	return nil
}

func (l *laws) units(r es.Recorded) error {
	use := func(id, code string, units int32) {
		if l.inUse[id] == nil {
			l.inUse[id] = map[string]int32{}
		}
		l.inUse[id][code] += units
	}
	switch e := r.Event.(type) {
	case *authorizationv1.AuthorizationApproved:
		l.approved[e.AuthorizationId] = e.UnitsByCode
	case *authorizationv1.UnitsReserved:
		use(e.AuthorizationId, e.ServiceCode, e.Units)
		l.reached["units held"] = true
	case *authorizationv1.UnitsReleased:
		use(e.AuthorizationId, e.ServiceCode, -e.Units)
	case *authorizationv1.UnitsConsumed:
		use(e.AuthorizationId, e.ReleasedServiceCode, -e.ReleasedUnits)
		use(e.AuthorizationId, e.ServiceCode, e.Units)
		l.reached["units used"] = true
		l.used[visitAt{e.EncounterId, e.AuthorizationId}] += e.Units
	case *authorizationv1.UnitsRestored:
		use(e.AuthorizationId, e.ServiceCode, -e.Units)
		l.reached["units restored"] = true
		l.used[visitAt{e.EncounterId, e.AuthorizationId}] -= e.Units
	case *authorizationv1.UnitsRefused:
		l.reached["units refused"] = true
	default:
		return nil
	}
	for id, by := range l.inUse {
		for code, units := range by {
			if units > l.approved[id][code] {
				return fmt.Errorf("%d units of %s are held or used of authorization %s, %d are approved", units, code, id, l.approved[id][code])
			}
		}
	}
	return nil
}

// end: with the faults off and time passed, everything has come right.
func (l *laws) end() error {
	if err := l.check(); err != nil {
		return err
	}
	behind, err := l.world.Behind()
	if err != nil || len(behind) > 0 {
		return errors.Join(err, fmt.Errorf("not handled: %v", behind))
	}
	parked, err := l.world.Parked()
	if err != nil || len(parked) > 0 {
		return errors.Join(err, fmt.Errorf("parked at the end: %v", dead(parked)))
	}
	if lost := l.world.Unwoken(); len(lost) > 0 {
		return fmt.Errorf("effects are lost: %v", lost)
	}
	if l.coded != l.charges {
		return fmt.Errorf("%d sessions were coded, %d charged", l.coded, l.charges)
	}
	if l.coded > 0 && l.claims == 0 {
		return fmt.Errorf("%d sessions were coded and no claim was made", l.coded)
	}
	for claim, billed := range l.billed { // what was billed last is on the books, nothing of what was taken back
		if charged := l.charged[l.accountOf[claim]]; charged != billed {
			return fmt.Errorf("claim %s bills %d, its account %s is charged %d", claim, billed, l.accountOf[claim], charged)
		}
	}
	covered := map[string]string{} // a visit has units of one authorization, and none when it was voided
	for at, units := range l.used {
		if units == 0 {
			continue
		}
		if other := covered[at.encounter]; other != "" || l.voided[at.encounter] {
			return fmt.Errorf("%s has %d units of %s, and of %q; voided: %v", at.encounter, units, at.authorization, other, l.voided[at.encounter])
		}
		covered[at.encounter] = at.authorization
	}
	if l.deposits != l.advised {
		return fmt.Errorf("the bank saw %d cents, remittances told of %d", l.deposits, l.advised)
	}
	// Money that came in is on an account or held: nothing stays in clearing.
	if c := l.ledger[typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING]; c != 0 {
		return fmt.Errorf("%d cents are left in cash.clearing", c)
	}
	return nil
}

// states that this seed has reached.
func (l *laws) states() []string {
	var out []string
	for s := range l.reached {
		out = append(out, s)
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// wanted are the states that a run of many seeds must reach, or it proves little.
var wanted = []string{"claim held", "patient share", "deposit matched", "patient payment allocated", "units held", "units used", "units refused", "sent 837P", "sent 270", "charge corrected", "charge voided"}
