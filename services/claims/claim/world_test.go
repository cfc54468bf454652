package claim

import (
	"slices"
	"testing"
	"time"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

type events = []es.Event

const (
	primary = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	second  = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	day     = "2026-03-02"
)

// world runs the pure parts of the service in memory, in one order: mirrors, reactions, decisions, clocks.
type world struct {
	known  es.Known
	states map[string]State
	log    map[string]events // by claim
	waits  []es.Recorded
	timers map[string]es.Timer
	today  time.Time
}

func newWorld() *world {
	return &world{known: es.Known{}, states: map[string]State{}, log: map[string]events{}, timers: map[string]es.Timer{}, today: time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)}
}

// tell hands events of others to the service; our own follow, and what waited is tried again after each.
func (w *world) tell(t *testing.T, in ...es.Event) {
	t.Helper()
	for _, e := range in {
		w.arrives(e)
		w.drain(t)
	}
}

func (w *world) arrives(e es.Event) {
	w.waits = append(w.waits, es.Recorded{Event: e, OccurredOn: w.today.Format(time.DateOnly), RecordedAt: w.today})
}

func (w *world) drain(t *testing.T) {
	t.Helper()
	for i := 0; i < len(w.waits); i++ {
		r := w.waits[i]
		if w.handle(t, r) { // which may add to the end
			w.waits = slices.Delete(w.waits, i, i+1)
			i = -1
		}
	}
}

func (w *world) handle(t *testing.T, r es.Recorded) bool {
	t.Helper()
	type place struct{ mirror, key string }
	var kept []place
	for _, m := range Mirrors {
		for _, key := range m.MirrorKeys(r) {
			if w.known[m.MirrorName()] == nil {
				w.known[m.MirrorName()] = map[string][]es.Event{}
			}
			w.known[m.MirrorName()][key] = append(w.known[m.MirrorName()][key], r.Event)
			kept = append(kept, place{m.MirrorName(), key})
		}
	}
	commands, err := React(r, w.known)
	if wait, ok := err.(*es.WaitError); ok && wait != nil {
		for _, k := range kept {
			all := w.known[k.mirror][k.key]
			w.known[k.mirror][k.key] = all[:len(all)-1]
		}
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	w.run(t, commands)
	return true
}

func (w *world) run(t *testing.T, commands []es.Command) {
	t.Helper()
	for _, c := range commands {
		out, err := c.Decide(w.states[c.ID])
		if err != nil {
			t.Fatalf("a reaction was refused: %v", err)
		}
		w.record(t, c.ID, out)
	}
}

func (w *world) record(t *testing.T, id string, out events) {
	t.Helper()
	for _, e := range out {
		w.states[id] = Evolve(w.states[id], e)
		w.log[id] = append(w.log[id], e)
		for _, op := range Timers(es.Recorded{Event: e, StreamID: id, RecordedAt: w.today}) {
			if op.Set != nil {
				w.timers[op.Set.Key] = *op.Set
			} else {
				delete(w.timers, op.Cancel)
			}
		}
	}
	for _, e := range out {
		w.arrives(e)
	}
}

// pass lets days go by; clocks ring when they are due.
func (w *world) pass(t *testing.T, days int) {
	t.Helper()
	for range days {
		w.today = w.today.AddDate(0, 0, 1)
		for key, timer := range w.timers {
			if !timer.DueAt.After(w.today) {
				delete(w.timers, key)
				w.run(t, OnTimer(timer))
				w.drain(t)
			}
		}
	}
}

// names of a claim's events, without the package.
func (w *world) names(id string) []string {
	var out []string
	for _, e := range w.log[id] {
		out = append(out, string(e.ProtoReflect().Descriptor().Name()))
	}
	return out
}

func last[E es.Event](w *world, id string) E {
	var found E
	for _, e := range w.log[id] {
		if e, ok := e.(E); ok {
			found = e
		}
	}
	return found
}

func street() *typev1.Address {
	return &typev1.Address{Line1: "1 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}
}

// office is everything a claim is made of, as others told it.
func office() events {
	coverage := func(id, payer string, s typev1.PayerSequence) es.Event {
		return &intakev1.CoverageAdded{
			CoverageId: id, PatientId: "pat_1", PayerId: payer, PayerSequence: s, FromDate: "2026-01-01", Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: "M" + payer,
			SubscriberName: &typev1.PersonName{Last: "Doe", First: "Jo"}, SubscriberBirthDate: "1990-01-01", SubscriberAddress: street(),
		}
	}
	return events{
		&registryv1.OrganizationRegistered{OrganizationId: "org_1", Name: "Group", Npi: "1234567893", TaxId: "123456789", Taxonomy: "261QM0801X", Address: street()},
		&registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", Name: "Main", PlaceOfService: "11", Address: street()},
		&registryv1.ClinicianRegistered{ClinicianId: "cli_1", Name: &typev1.PersonName{Last: "Ames"}, Npi: "1679576722", Taxonomy: "103T00000X"},
		&registryv1.PayerRegistered{PayerId: "pay_1", Name: "First Plan", EdiPayerId: "P1", FilingIndicator: "CI", ReceiverId: "R1"},
		&registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2026-01-01", TimelyFilingDays: 90, AuthorizationCodes: []string{"90853"}},
		&registryv1.PayerRegistered{PayerId: "pay_2", Name: "Second Plan", EdiPayerId: "P2", FilingIndicator: "CI", ReceiverId: "R1"},
		&intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Doe", First: "Jo"}, BirthDate: "1990-01-01", Address: street()},
		coverage("cov_1", "pay_1", primary),
		coverage("cov_2", "pay_2", second),
	}
}

func coded(change func(*codingv1.CodingCompleted)) *codingv1.CodingCompleted {
	line := func(id, code string, charge int64) *typev1.ServiceLine {
		return &typev1.ServiceLine{LineId: id, ServiceCode: code, UnitsThousandths: 1000, PlaceOfService: "11", ChargeAmount: charge, DiagnosisPointers: []int32{1}, ServiceDate: day}
	}
	e := &codingv1.CodingCompleted{
		EncounterId: "enc_1", PatientId: "pat_1", OrganizationId: "org_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: day,
		Lines: []*typev1.ServiceLine{line("L1", "90837", 15000), line("L2", "90785", 1000)}, ChargeAmount: 16000,
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{CoverageId: "cov_1", PayerId: "pay_1", PayerSequence: primary}, {CoverageId: "cov_2", PayerId: "pay_2", PayerSequence: second}},
		DiagnosisCodes:    []string{"F411"}, DiagnosisCodeSystem: "10",
	}
	if change != nil {
		change(e)
	}
	return e
}

// group is a visit for which pay_1 wants an authorization, named but not approved yet.
func group(e *codingv1.CodingCompleted) {
	e.Lines = e.Lines[:1]
	e.Lines[0].ServiceCode, e.ChargeAmount, e.AuthorizationId = "90853", 15000, "aut_1"
}

// no is what the authorization says as long as it is not approved.
func no() *authorizationv1.UnitsRefused {
	return &authorizationv1.UnitsRefused{
		AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1", Reasons: []*problemv1.Reason{{RuleId: "authorization.within_period", Message: "the payer has not approved it"}},
	}
}

// yes is what it says when it has given its units.
func yes() *authorizationv1.UnitsConsumed {
	return &authorizationv1.UnitsConsumed{AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1", ServiceCode: "90853", ServiceDate: day, Units: 1}
}

func approval() *authorizationv1.AuthorizationApproved {
	return &authorizationv1.AuthorizationApproved{AuthorizationId: "aut_1", PatientId: "pat_1", PayerId: "pay_1", AuthNo: "A77", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"90853": 2}}
}

var (
	clm1 = ID("enc_1", primary)
	clm2 = ID("enc_1", second)
)

func sentFile(id string, version int32) *exchangev1.InterchangeSent {
	return &exchangev1.InterchangeSent{InterchangeId: "itc_1", FileSha256: "ab", SentDate: "2026-03-03", Claims: []*exchangev1.SentClaim{{ClaimId: id, ClaimVersion: version, Offset: 10, Length: 20}}}
}

// taken is the exchange's word that a version has not gone out, and does not.
func taken(id string, version int32) *exchangev1.ClaimRecalled {
	return &exchangev1.ClaimRecalled{ReceiverId: "R1", ClaimId: id, PatientId: "pat_1", ClaimVersion: version}
}

func status(version int32, accepted bool, number string, codes ...string) *exchangev1.ClaimStatusReceived {
	return &exchangev1.ClaimStatusReceived{
		ClaimId: clm1, ClaimVersion: version, Level: pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_PAYER, Accepted: accepted, StatusCodes: codes, PayerClaimControlNumber: number,
	}
}

func cas(group, carc string, amount int64) *typev1.Adjustment {
	return &typev1.Adjustment{GroupCode: group, Carc: carc, Amount: amount}
}

func decidedLine(id, code string, charge, paid int64, adjustments ...*typev1.Adjustment) *exchangev1.RemittanceLine {
	return &exchangev1.RemittanceLine{LineId: id, ServiceCode: code, ChargeAmount: charge, PaidAmount: paid, UnitsThousandths: 1000, ServiceDate: day, Adjustments: adjustments}
}

func posting(remittance, status string, lines ...*exchangev1.RemittanceLine) *postingv1.ClaimPaymentPosted {
	r := &exchangev1.RemittanceClaim{Ordinal: 1, ClaimId: clm1, StatusCode: status, ChargeAmount: 16000, PayerClaimControlNumber: "ICN1", Lines: lines}
	for _, l := range lines {
		r.PaidAmount += l.PaidAmount
	}
	return &postingv1.ClaimPaymentPosted{
		AccountId: "enc_1", ClaimId: clm1, PayerId: "pay_1", PayerSequence: primary, RemittanceId: remittance, AdjudicationDate: "2026-03-20", Reversal: status == "22",
		RemittanceClaim: r, PatientId: "pat_1",
	}
}

func newPolicy() *registryv1.PayerPolicySet { return office()[4].(*registryv1.PayerPolicySet) }
