// Package ui_test looks at the console: in a real browser (console.test.mjs) and by plain HTTP, on services that answer with a small group's made-up books.
package ui_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	reportingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/gateway"
	"github.com/evenkeel/evenkeel/services/gateway/console"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// today of the group.
const today = "2026-03-16"

// site is a gateway with its console, and the group's books behind it.
type site struct {
	url string
	gateway.Credentials
	books *books
	store *session.Store
}

func open(t *testing.T) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBooks()
	made := make(chan gateway.Credentials, 1)
	services := []host.Service{
		{Name: "registry", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) {
			registryv1.RegisterRegistryServiceServer(s, registry{b: b})
		}},
		{Name: "claims", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) { claimsv1.RegisterClaimsServiceServer(s, claims{b: b}) }},
		{Name: "posting", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) {
			postingv1.RegisterPostingServiceServer(s, posting{b: b})
		}},
		{Name: "collections", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) {
			collectionsv1.RegisterCollectionsServiceServer(s, collections{b: b})
		}},
		{Name: "exchange", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) {
			exchangev1.RegisterExchangeServiceServer(s, exchange{b: b})
		}},
		{Name: "reporting", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) {
			reportingv1.RegisterReportingServiceServer(s, reporting{b: b})
		}},
		{Name: "intake", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) { intakev1.RegisterIntakeServiceServer(s, intake{b: b}) }},
		{Name: "coding", Register: func(s grpc.ServiceRegistrar, _ *host.Runtime) { codingv1.RegisterCodingServiceServer(s, coding{b: b}) }},
		{Name: "authorization"}, {Name: "payersim"},
		gateway.New(gateway.Config{
			Listener: l, Console: console.New,
			Bootstrap: &gateway.Bootstrap{Tenant: hosttest.Tenant, Email: "rosa@evenkeel.example", Keep: func(c gateway.Credentials) error { made <- c; return nil }},
		}),
	}
	p := hosttest.Start(t, func() time.Time { return date.Time(today).Add(14*time.Hour + 3*time.Minute) }, services...)
	b.record(t, p)
	select {
	case c := <-made:
		return &site{url: "http://" + l.Addr().String(), Credentials: c, books: b, store: &session.Store{DB: p.Runtime("gateway").DB, Clock: time.Now}}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was made")
		return nil
	}
}

// books are the group's claims; everything else is counted from them.
type books struct {
	claims []*visit
	file   string             // the 835 that paid the first claim
	at     map[string]int64   // where its segments begin
	events map[string][]event // of the first account
	done   map[string]string  // work items that were resolved
	bank   bank
	asked  []string // lists of claims and work items, by their size and order
}

// bank is a deposit that was recorded, which reports hold for those who wait for it; while they are behind, waiting is in vain.
type bank struct {
	mu       sync.Mutex
	recorded *postingv1.RecordDepositRequest
	behind   bool
}

// recordedAt is the consistency token of the deposit.
const recordedAt = "posting:7:41"

type event struct {
	id, kind, day string
	legs          []*typev1.Leg
	source        *typev1.Source
}

// visit is one encounter with its claim.
type visit struct {
	n                                                       int
	payer, location, service, status, sent, decided         string
	charge, paid, off, patient, denied, insurance, patientO int64
	code, carc                                              string
}

var payerNames = [][2]string{{"pay_harbor", "Harbor Health Plan"}, {"pay_summit", "Summit Mutual Insurance Company of the Northern Lakes"}, {"pay_civic", "Civic State Medicaid"}, {"pay_lake", "Lakeshore Behavioral Partners"}}
var places = [][2]string{{"loc_north", "Northside Clinic"}, {"loc_river", "Riverbend Office"}, {"loc_mill", "Mill Street Center for Children and Families"}}

const count = 131

func newBooks() *books {
	b := &books{at: map[string]int64{}, done: map[string]string{}, events: map[string][]event{}}
	for n := range count {
		v := &visit{n: n, payer: payerNames[n*7%4][0], location: places[n*5%3][0], service: date.Add(today, -(n * 137 % 151)), code: "90837", charge: 18500}
		if n%4 == 1 {
			v.code, v.charge = "90834", 14500
		}
		if n%11 == 4 { // somebody's numbers are large: every list has some of these
			v.charge = 1_234_567_89
		}
		v.sent = date.Add(v.service, 2)
		age := date.Days(v.service, today)
		v.insurance = v.charge
		switch {
		case n%17 == 3:
			v.status, v.sent = "held", ""
		case age < 9:
			v.status = "submitted"
		case n%9 == 4 && age > 14:
			v.status, v.decided, v.denied, v.carc = "denied", date.Add(v.service, 12), v.charge, []string{"197", "4", "29"}[n%3]
		case n%5 == 0:
			v.status = "accepted"
		default:
			v.status, v.decided = "adjudicated", date.Add(v.service, 14)
			v.off, v.patient = v.charge*28/100, 2500
			v.paid = v.charge - v.off - v.patient
			v.insurance, v.patientO = 0, v.patient
			if n%3 == 0 {
				v.status, v.patientO = "closed", 0
			}
		}
		if v.decided > today {
			v.decided, v.status, v.paid, v.off, v.patient, v.denied, v.carc, v.insurance, v.patientO = "", "submitted", 0, 0, 0, 0, "", v.charge, 0
		}
		b.claims = append(b.claims, v)
	}
	// The oldest open balance of the first payer was paid in part: its second line waits. Its events are in posting's log.
	oldest := slices.MaxFunc(b.claims, func(x, y *visit) int {
		rank := func(v *visit) int {
			if v.payer != payerNames[0][0] {
				return -1
			}
			return date.Days(v.service, today)
		}
		return rank(x) - rank(y)
	})
	oldest.status, oldest.decided, oldest.sent, oldest.carc, oldest.denied = "adjudicated", date.Add(oldest.service, 14), date.Add(oldest.service, 2), "", 0
	oldest.charge, oldest.off, oldest.paid, oldest.patient = 21000, 5180, 9820, 2500
	oldest.insurance, oldest.patientO = 3500, 2500
	b.remit(oldest)
	return b
}

// remit writes the 835 of a visit and the events that it led to.
func (b *books) remit(v *visit) {
	var s strings.Builder
	put := func(name, segment string) {
		b.at[name] = int64(s.Len())
		s.WriteString(segment + "~")
	}
	put("ISA", "ISA*00*          *00*          *ZZ*HARBORHP       *ZZ*EVENKEEL       *260210*0612*^*00501*000004711*0*P*:")
	put("GS", "GS*HP*HARBORHP*EVENKEEL*20260210*0612*4711*X*005010X221A1")
	put("ST", "ST*835*0001")
	put("BPR", "BPR*I*98.2*C*ACH*CCP*01*999999999*DA*12345*1512345678**01*888888888*DA*98765*20260210")
	put("TRN", "TRN*1*HH20260210001*1512345678")
	put("N1PR", "N1*PR*HARBOR HEALTH PLAN")
	put("N1PE", "N1*PE*LANTERN BEHAVIORAL GROUP*XX*1999999984")
	put("LX", "LX*1")
	put("CLP", "CLP*"+v.number()+"*1*210*98.2*25*HM*HH7781203344*11*1")
	put("NM1", "NM1*QC*1*SAMPLE*PAT****MI*H0000000001")
	put("SVC", "SVC*HC:90837*185*98.2**1")
	put("DTM", "DTM*472*"+strings.ReplaceAll(v.service, "-", ""))
	put("CAS45", "CAS*CO*45*51.8")
	put("CAS3", "CAS*PR*3*25")
	put("REF", "REF*6R*L1")
	put("SE", "SE*14*0001")
	put("GE", "GE*1*4711")
	put("IEA", "IEA*1*000004711")
	b.file = s.String()
	ar := func(n int64) *typev1.Leg {
		return &typev1.Leg{Account: typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE, Amount: n, PayerId: v.payer, PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, LineId: "L1"}
	}
	leg := func(a typev1.LedgerAccount, n int64) *typev1.Leg {
		return &typev1.Leg{Account: a, Amount: n, LineId: "L1"}
	}
	b.events[v.account()] = []event{
		{kind: "ChargePosted", day: date.Add(v.service, 1), legs: []*typev1.Leg{ar(v.charge), leg(typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, -v.charge)}},
		{kind: "InsurancePaymentPosted", day: v.decided, legs: []*typev1.Leg{leg(typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, v.paid), ar(-v.paid)}, source: b.source("SVC")},
		{kind: "ContractualAdjusted", day: v.decided, legs: []*typev1.Leg{leg(typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL, v.off), ar(-v.off)}, source: b.source("CAS45")},
		{kind: "ResponsibilityTransferred", day: v.decided, legs: []*typev1.Leg{leg(typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, v.patient), ar(-v.patient)}, source: b.source("CAS3")},
	}
}

func moved(to, from typev1.LedgerAccount, n int64) []*typev1.Leg {
	return []*typev1.Leg{{Account: to, Amount: n}, {Account: from, Amount: -n}}
}

// payments are those of the patient whose account is followed.
func (b *books) payments() []*postingv1.PatientPayment {
	who := b.visit(b.followed()).patientID()
	all := []*postingv1.PatientPayment{
		{PatientPaymentId: "ppm_2", PatientId: who, Amount: money.Of(2000), Allocated: money.Of(0), Unallocated: money.Of(2000), Refunded: money.Of(0), Method: "check", Reference: "1042", ReceivedDate: "2026-03-10"},
		{PatientPaymentId: "ppm_1", PatientId: who, Amount: money.Of(4000), Allocated: money.Of(2500), Unallocated: money.Of(1500), Refunded: money.Of(0), Method: "card", Reference: "ch_58120", ReceivedDate: "2026-02-20"},
	}
	if b.done["ppm_1"] != "" {
		all[1].Unallocated, all[1].Refunded = money.Of(0), money.Of(1500)
	}
	if b.done["ppm_2"] != "" {
		all[0].Unallocated, all[0].ReversedDate = money.Of(0), today
	}
	return all
}

// no is a refusal as services make them.
func no(rule, field, format string, args ...any) error {
	return refuse.Because(refuse.Rule{ID: rule, Version: 1, Owner: "billing"}, field, format, args...)
}

// did remembers that something was done to a thing.
func (b *books) did(id, what string) (*typev1.Receipt, error) {
	b.bank.mu.Lock()
	defer b.bank.mu.Unlock()
	b.done[id] = what
	return &typev1.Receipt{Id: id, Version: 2}, nil
}

// intake knows who the patients are, and a visit that is booked for today.
type intake struct {
	intakev1.UnimplementedIntakeServiceServer
	b *books
}

func (s intake) GetPatient(_ context.Context, r *intakev1.GetPatientRequest) (*intakev1.Patient, error) {
	if s.b.visit(r.PatientId) == nil {
		return nil, status.Error(codes.NotFound, "there is no patient "+r.PatientId)
	}
	return &intakev1.Patient{PatientId: r.PatientId, Name: &typev1.PersonName{First: "Pat", Last: "Sample"}}, nil
}

func (s intake) GetAppointment(_ context.Context, r *intakev1.GetAppointmentRequest) (*intakev1.Appointment, error) {
	days := map[string]string{"apt_today": today, "apt_later": date.Add(today, 9)}
	if days[r.AppointmentId] == "" {
		return nil, status.Error(codes.NotFound, "there is no appointment "+r.AppointmentId)
	}
	begin := date.Time(days[r.AppointmentId]).Add(15 * time.Hour)
	x := &intakev1.Appointment{
		AppointmentId: r.AppointmentId, PatientId: s.b.claims[0].patientID(), LocationId: "loc_river", ServiceDate: days[r.AppointmentId], StartAt: timestamppb.New(begin), EndAt: timestamppb.New(begin.Add(53 * time.Minute)),
		Modality: typev1.Modality_MODALITY_IN_PERSON, ServiceCode: "90837", Units: 1, AuthorizationId: "aut_1", Status: intakev1.AppointmentStatus_APPOINTMENT_STATUS_SCHEDULED, Readiness: intakev1.Readiness_READINESS_HELD,
		ReadinessReasons:  []*problemv1.Reason{{RuleId: "intake.eligible", Message: "payer pay_harbor has not answered whether the coverage is active: ask again before the visit"}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_harbor", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY}},
	}
	if s.b.done[r.AppointmentId] != "" {
		x.Status, x.Readiness, x.ReadinessReasons = intakev1.AppointmentStatus_APPOINTMENT_STATUS_NO_SHOWED, 0, nil
	}
	return x, nil
}

func (s intake) RecordNoShow(_ context.Context, r *intakev1.RecordNoShowRequest) (*typev1.Receipt, error) {
	if r.AppointmentId == "apt_later" {
		return nil, no("intake.no_show_day", "", "the visit is on %s, today is %s: wait for its day", date.Add(today, 9), today)
	}
	return s.b.did(r.AppointmentId, "no_show")
}

func (s intake) CancelAppointment(_ context.Context, r *intakev1.CancelAppointmentRequest) (*typev1.Receipt, error) {
	if strings.Contains(r.Reason, "after") {
		return nil, no("intake.not_checked_in", "", "the patient came: a visit that has begun is not cancelled")
	}
	return &typev1.Receipt{Id: r.AppointmentId, Version: 2}, nil
}

// coding has one session whose codes the rules leave open.
type coding struct {
	codingv1.UnimplementedCodingServiceServer
	b *books
}

const queried = "enc_query001"

func (s coding) GetEncounter(_ context.Context, r *codingv1.GetEncounterRequest) (*codingv1.Encounter, error) {
	if r.EncounterId != queried {
		return nil, status.Error(codes.NotFound, "there is no encounter "+r.EncounterId)
	}
	begin := date.Time("2026-03-13").Add(16 * time.Hour)
	x := &codingv1.Encounter{
		EncounterId: queried, PatientId: s.b.claims[0].patientID(), LocationId: "loc_north", ServiceDate: "2026-03-13", StartAt: timestamppb.New(begin), EndAt: timestamppb.New(begin.Add(14 * time.Minute)), Modality: typev1.Modality_MODALITY_IN_PERSON,
		ServiceKind: codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, DiagnosisCodes: []string{"F411"}, Status: codingv1.EncounterStatus_ENCOUNTER_STATUS_CODER_QUERY, Minutes: 14, Charge: money.Of(0),
		OpenQuery: []*problemv1.Reason{{RuleId: "coding.psychotherapy_minutes", Message: "14 minutes: psychotherapy is coded from 16 minutes on"}},
		Decisions: []*codingv1.CodingDecision{{RuleId: "coding.place_of_service", RuleVersion: 1, Subject: "place of service 11", Reason: "in person at Northside Clinic"}},
	}
	if a := s.b.done[queried]; a != "" {
		x.Status, x.OpenQuery, x.Answers = codingv1.EncounterStatus_ENCOUNTER_STATUS_NOT_BILLED, nil, []*codingv1.CoderQueryAnswered{{EncounterId: queried, NoBill: true, Note: a}}
	}
	return x, nil
}

func (s coding) AnswerCoderQuery(_ context.Context, r *codingv1.AnswerCoderQueryRequest) (*typev1.Receipt, error) {
	if r.NoBill && r.ServiceCode != "" {
		return nil, no("coding.one_answer", "service_code", "nothing is billed, and a code is given: say one of the two")
	}
	if !r.NoBill && r.ServiceCode != "90832" {
		return nil, no("coding.service_code", "service_code", "%s is no code of a therapy of 14 minutes", r.ServiceCode)
	}
	return s.b.did(queried, r.Note)
}

func (b *books) source(name string) *typev1.Source {
	from := b.at[name]
	segment, _, _ := strings.Cut(b.file[from:], "*")
	return &typev1.Source{
		InterchangeId: "itc_0835HARBOR", FileSha256: strings.Repeat("ab", 32), InterchangeControlNumber: "000004711", SetControlNumber: "0001", Offset: from,
		Length: int64(strings.Index(b.file[from:], "~") + 1), Segment: segment,
	}
}

// record puts the events into posting's log, so that their history is the platform's own.
func (b *books) record(t *testing.T, p *host.Process) {
	hosttest.Publish(t, p, "posting", "deposit/dep_2", &postingv1.DepositReceived{DepositId: "dep_2", PayerId: "pay_summit", TraceNumber: "SM20260311077", Amount: 61_440, DepositDate: "2026-03-12", Legs: moved(typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, 61_440)})
	for account, list := range b.events {
		v := b.visit(account)
		for _, x := range b.payments() {
			hosttest.Publish(t, p, "posting", "patient_payment/"+x.PatientPaymentId, &postingv1.PatientPaymentReceived{
				PatientPaymentId: x.PatientPaymentId, PatientId: x.PatientId, Amount: x.Amount.AmountMinor, Method: x.Method, Reference: x.Reference, ReceivedDate: x.ReceivedDate,
				Legs: moved(typev1.LedgerAccount_LEDGER_ACCOUNT_BANK, typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_PATIENT, x.Amount.AmountMinor),
			})
		}
		hosttest.Publish(t, p, "posting", "patient_ledger/"+v.patientID(), &postingv1.PatientPaymentAssigned{PatientId: v.patientID(), PatientPaymentId: "ppm_1", AccountId: account, Amount: 2500})
		for _, e := range list {
			stream := "account/" + account
			switch e.kind {
			case "ChargePosted":
				hosttest.Publish(t, p, "posting", stream, &postingv1.ChargePosted{AccountId: account, EncounterId: account, PatientId: v.patientID(), LocationId: v.location, ServiceDate: v.service, ChargeAmount: v.charge, Legs: e.legs})
			case "InsurancePaymentPosted":
				hosttest.Publish(t, p, "posting", stream, &postingv1.InsurancePaymentPosted{AccountId: account, ClaimId: v.claim(), PayerId: v.payer, RemittanceId: "rem_1", PaidAmount: v.paid, Legs: e.legs, Source: e.source})
			case "ContractualAdjusted":
				hosttest.Publish(t, p, "posting", stream, &postingv1.ContractualAdjusted{AccountId: account, ClaimId: v.claim(), PayerId: v.payer, RemittanceId: "rem_1", GroupCode: "CO", Carc: "45", Amount: v.off, Legs: e.legs, Source: e.source})
			case "ResponsibilityTransferred":
				hosttest.Publish(t, p, "posting", stream, &postingv1.ResponsibilityTransferred{AccountId: account, ClaimId: v.claim(), PayerId: v.payer, RemittanceId: "rem_1", GroupCode: "PR", Carc: "3", Amount: v.patient, Legs: e.legs, Source: e.source})
			}
		}
		as := engine.WithCaller(t.Context(), engine.Caller{Tenant: hosttest.Tenant, Actor: "service:posting"})
		log, err := p.Runtime("posting").Engine.History(as, "account/"+account)
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range log {
			list[i].id = e.ID.String()
		}
		hosttest.Publish(t, p, "posting", "account/"+account, &postingv1.ChargeCorrected{AccountId: account, ClaimId: v.claim(), PatientId: v.patientID(), PreviousChargeAmount: 23500, ChargeAmount: v.charge})
	}
}

// followed is the account whose events are in posting's log.
func (b *books) followed() string {
	for account := range b.events {
		return account
	}
	return ""
}

func (b *books) visit(id string) *visit {
	for _, v := range b.claims {
		if id == v.account() || id == v.claim() || id == v.patientID() {
			return v
		}
	}
	return nil
}

func (v *visit) account() string   { return fmt.Sprintf("enc_%08d", v.n) }
func (v *visit) claim() string     { return fmt.Sprintf("clm_%08d", v.n) }
func (v *visit) number() string    { return fmt.Sprintf("EK%015d", 100_000+v.n) }
func (v *visit) patientID() string { return fmt.Sprintf("pat_%08d", v.n/3) }
func (v *visit) open() int64       { return v.insurance + v.patientO }
func (v *visit) overturned() bool  { return v.n%8 == 0 }

func name(of [][2]string, id string) string {
	for _, x := range of {
		if x[0] == id {
			return x[1]
		}
	}
	return id
}

// registry knows the payers and locations.
type registry struct {
	registryv1.UnimplementedRegistryServiceServer
	b *books
}

func (registry) ListPayers(context.Context, *registryv1.ListPayersRequest) (*registryv1.ListPayersResponse, error) {
	out := &registryv1.ListPayersResponse{}
	for _, p := range payerNames {
		out.Payers = append(out.Payers, &registryv1.Payer{PayerId: p[0], Name: p[1]})
	}
	return out, nil
}

func (registry) ListLocations(context.Context, *registryv1.ListLocationsRequest) (*registryv1.ListLocationsResponse, error) {
	out := &registryv1.ListLocationsResponse{}
	for _, p := range places {
		out.Locations = append(out.Locations, &registryv1.Location{LocationId: p[0], Name: p[1]})
	}
	return out, nil
}

// reporting adds the books up.
type reporting struct {
	reportingv1.UnimplementedReportingServiceServer
	b *books
}

var bucketNames = []string{"0-30", "31-60", "61-90", "91-120", "121+"}

func bucket(v *visit, asOf string) int { return min(4, max(0, date.Days(v.service, asOf)-1)/30) }

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// owes says whether what a payer, or the patient, owes is of the payer that is asked for.
func owes(asked, payer string) bool {
	return asked == "" || asked == payer || asked == "insurance" && payer != "patient"
}

// aged says whether a bucket is in what is asked for; nobody has a credit.
func aged(asked string, bucket int) bool {
	return asked == "" || asked == "debit" || asked == bucketNames[bucket] || asked == "91+" && bucket >= 3
}

// counts says whether a claim is in what a list is narrowed to by counted_in.
func (v *visit) counts(in string) bool {
	passed, accepted := v.status != "held", v.n%19 != 0
	switch in {
	case "clean_claim_rate.numerator":
		return passed
	case "clean_claim_rate.remainder":
		return !passed
	case "first_pass_acceptance.denominator":
		return v.sent != ""
	case "first_pass_acceptance.numerator":
		return v.sent != "" && accepted
	case "first_pass_acceptance.remainder":
		return v.sent != "" && !accepted
	case "initial_denial_rate.numerator":
		return v.denied > 0 && date.Within(v.decided, "2026-02-01", "2026-02-28")
	case "initial_denial_rate.denominator":
		return v.sent != "" && date.Within(v.sent, "2026-01-01", "2026-01-31")
	}
	return true
}

// counted is how many claims count.
func (b *books) counted(in string) (n int64) {
	for _, v := range b.claims {
		if v.counts(in) {
			n++
		}
	}
	return n
}

func (s reporting) GetAging(_ context.Context, r *reportingv1.GetAgingRequest) (*reportingv1.Aging, error) {
	asOf := or(r.AsOf, today)
	group := func(id, name string) *reportingv1.AgingGroup {
		g := &reportingv1.AgingGroup{GroupId: id, Name: name, Total: money.Of(0)}
		for _, b := range bucketNames {
			g.Buckets = append(g.Buckets, &reportingv1.AgingBucket{Bucket: b, Amount: money.Of(0)})
		}
		return g
	}
	out := &reportingv1.Aging{AsOf: asOf, Total: group("", "All"), Freshness: &reportingv1.Freshness{HandledUntil: timestamppb.New(date.Time(today).Add(14*time.Hour + 3*time.Minute + 22*time.Second)), EventsHandled: 4812}}
	by := map[string]*reportingv1.AgingGroup{}
	add := func(id, name string, bucket int, n int64) {
		g := by[id]
		if g == nil {
			g = group(id, name)
			by[id] = g
			out.Groups = append(out.Groups, g)
		}
		for _, g := range []*reportingv1.AgingGroup{g, out.Total} {
			g.Buckets[bucket].Amount.AmountMinor += n
			g.Buckets[bucket].Accounts++
			g.Total.AmountMinor += n
			g.Accounts++
		}
	}
	for _, v := range s.b.claims {
		if v.service > asOf || r.LocationId != "" && v.location != r.LocationId {
			continue
		}
		k := bucket(v, asOf)
		if r.GroupBy == reportingv1.GroupBy_GROUP_BY_LOCATION {
			if owes(r.PayerId, v.payer) && v.insurance != 0 {
				add(v.location, name(places, v.location), k, v.insurance)
			}
			if owes(r.PayerId, "patient") && v.patientO != 0 {
				add(v.location, name(places, v.location), k, v.patientO)
			}
			continue
		}
		if v.insurance != 0 && owes(r.PayerId, v.payer) {
			add(v.payer, name(payerNames, v.payer), k, v.insurance)
		}
		if v.patientO != 0 && owes(r.PayerId, "patient") {
			add("patient", "Patients", k, v.patientO)
		}
	}
	slices.SortFunc(out.Groups, func(a, b *reportingv1.AgingGroup) int { return int(b.Total.AmountMinor - a.Total.AmountMinor) })
	return out, nil
}

func (s reporting) ListAgingRows(_ context.Context, r *reportingv1.ListAgingRowsRequest) (*reportingv1.ListAgingRowsResponse, error) {
	asOf := or(r.AsOf, today)
	out := &reportingv1.ListAgingRowsResponse{TotalAmount: money.Of(0)}
	add := func(v *visit, payer, name2 string, n int64) {
		k := bucketNames[bucket(v, asOf)]
		if n == 0 || !owes(r.PayerId, payer) || !aged(r.Bucket, bucket(v, asOf)) {
			return
		}
		row := &reportingv1.AgingRow{
			AccountId: v.account(), PatientId: v.patientID(), PayerId: payer, PayerName: name2, LocationId: v.location, LocationName: name(places, v.location), ServiceDate: v.service, BillDate: v.sent,
			Days: int32(date.Days(v.service, asOf)), Bucket: k, ChargeAmount: money.Of(v.charge), BalanceAmount: money.Of(n), ClaimId: v.claim(), ClaimStatus: v.status, PatientControlNumber: v.number(),
		}
		if payer != "patient" {
			row.PayerSequence = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
		}
		out.Rows = append(out.Rows, row)
		out.TotalAmount.AmountMinor += n
		out.TotalRows++
	}
	for _, v := range s.b.claims {
		if v.service > asOf || r.LocationId != "" && v.location != r.LocationId {
			continue
		}
		add(v, v.payer, name(payerNames, v.payer), v.insurance)
		add(v, "patient", "Patients", v.patientO)
	}
	// The account with events first: it is the one whose cents can be followed.
	slices.SortStableFunc(out.Rows, func(a, b *reportingv1.AgingRow) int {
		x, y := len(s.b.events[a.AccountId]), len(s.b.events[b.AccountId])
		if x != y {
			return y - x
		}
		return int(b.BalanceAmount.AmountMinor - a.BalanceAmount.AmountMinor)
	})
	out.Rows, out.NextPageToken = paged(out.Rows, r.PageSize, r.PageToken)
	return out, nil
}

// reasonWords are our own words for the codes of denials.
var reasonWords = map[string]string{"197": "no authorization", "4": "modifier does not fit the code", "29": "filing limit passed"}

// paged cuts a page; tokens are numbers of rows.
func paged[T any](rows []T, size int32, token string) ([]T, string) {
	from := 0
	_, _ = fmt.Sscan(token, &from)
	if size == 0 {
		size = 100
	}
	thru := min(len(rows), from+int(size))
	if thru == len(rows) {
		return rows[from:thru], ""
	}
	return rows[from:thru], fmt.Sprint(thru)
}

func (s reporting) ListClaims(_ context.Context, r *reportingv1.ListClaimsRequest) (*reportingv1.ListClaimsResponse, error) {
	out := &reportingv1.ListClaimsResponse{TotalChargeAmount: money.Of(0)}
	for _, v := range s.b.claims {
		if r.PayerId != "" && v.payer != r.PayerId || r.LocationId != "" && v.location != r.LocationId || r.Status != "" && v.status != r.Status || !date.Within(v.service, r.FromDate, r.ThruDate) || !v.counts(r.CountedIn) {
			continue
		}
		out.Claims = append(out.Claims, &reportingv1.ClaimRow{
			ClaimId: v.claim(), AccountId: v.account(), PatientId: v.patientID(), PatientControlNumber: v.number(), PayerId: v.payer, PayerName: name(payerNames, v.payer),
			PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, LocationId: v.location, LocationName: name(places, v.location), ServiceDate: v.service, Status: v.status,
			ChargeAmount: money.Of(v.charge), PaidAmount: money.Of(v.paid), DeniedAmount: money.Of(v.denied), OpenAmount: money.Of(v.insurance), SubmittedDate: v.sent, AdjudicatedDate: v.decided,
		})
		out.TotalChargeAmount.AmountMinor += v.charge
		out.TotalRows++
	}
	slices.SortStableFunc(out.Claims, func(a, b *reportingv1.ClaimRow) int {
		switch r.Sort {
		case "amount":
			return int(a.ChargeAmount.AmountMinor - b.ChargeAmount.AmountMinor)
		case "-amount":
			return int(b.ChargeAmount.AmountMinor - a.ChargeAmount.AmountMinor)
		}
		return strings.Compare(b.ServiceDate, a.ServiceDate)
	})
	s.b.bank.mu.Lock()
	s.b.asked = append(s.b.asked, fmt.Sprintf("%d rows by %s", r.PageSize, r.Sort))
	s.b.bank.mu.Unlock()
	out.Claims, out.NextPageToken = paged(out.Claims, r.PageSize, r.PageToken)
	return out, nil
}

func (s reporting) GetDenials(_ context.Context, r *reportingv1.GetDenialsRequest) (*reportingv1.Denials, error) {
	thru := or(r.ThruDate, or(r.AsOf, today))
	from := or(r.FromDate, date.Add(thru, -89))
	out := &reportingv1.Denials{FromDate: from, ThruDate: thru, Total: &reportingv1.DenialGroup{ChargedAmount: money.Of(0), DeniedAmount: money.Of(0)}}
	by := map[string]*reportingv1.DenialGroup{}
	group := func(id, label string) *reportingv1.DenialGroup {
		if by[id] == nil {
			by[id] = &reportingv1.DenialGroup{GroupId: id, Name: label, ChargedAmount: money.Of(0), DeniedAmount: money.Of(0)}
			out.Groups = append(out.Groups, by[id])
		}
		return by[id]
	}
	if r.GroupBy == reportingv1.GroupBy_GROUP_BY_WEEK {
		for d := date.Week(from); d <= thru; d = date.Add(d, 7) {
			group(d, d)
		}
	}
	for _, v := range s.b.claims {
		if v.decided == "" || !date.Within(v.decided, from, thru) || r.PayerId != "" && v.payer != r.PayerId || r.LocationId != "" && v.location != r.LocationId {
			continue
		}
		id, label := date.Week(v.decided), date.Week(v.decided)
		switch r.GroupBy {
		case reportingv1.GroupBy_GROUP_BY_PAYER:
			id, label = v.payer, name(payerNames, v.payer)
		case reportingv1.GroupBy_GROUP_BY_CARC:
			id, label = or(v.carc, "none"), or(v.carc, "Not denied")
		}
		for _, g := range []*reportingv1.DenialGroup{group(id, label), out.Total} {
			g.ClaimsAdjudicated++
			g.ChargedAmount.AmountMinor += v.charge
			if v.denied > 0 {
				g.ClaimsDenied++
				g.DeniedAmount.AmountMinor += v.denied
			}
			g.RateMillionths = int32(g.ClaimsDenied * 1_000_000 / g.ClaimsAdjudicated)
			g.Small = g.ClaimsAdjudicated < 8
		}
	}
	return out, nil
}

func (s reporting) ListDenialRows(_ context.Context, r *reportingv1.ListDenialRowsRequest) (*reportingv1.ListDenialRowsResponse, error) {
	out := &reportingv1.ListDenialRowsResponse{TotalAmount: money.Of(0)}
	origins := map[string][2]string{"197": {"AUTHORIZATION", "appeal with the authorization"}, "4": {"CODING", "correct the modifier and replace"}, "29": {"SUBMISSION", "appeal with proof of filing"}}
	for _, v := range s.b.claims {
		if v.denied == 0 || r.PayerId != "" && v.payer != r.PayerId || r.LocationId != "" && v.location != r.LocationId || r.Carc != "" && v.carc != r.Carc || !date.Within(v.decided, r.FromDate, r.ThruDate) || r.CountedIn == "payers.denied" && v.overturned() {
			continue
		}
		row := &reportingv1.DenialRow{
			ClaimId: v.claim(), AccountId: v.account(), LineId: "L1", PayerId: v.payer, PayerName: name(payerNames, v.payer), LocationId: v.location, LocationName: name(places, v.location),
			ServiceCode: v.code, ServiceDate: v.service, DeniedDate: v.decided, GroupCode: "CO", Carc: v.carc, DeniedAmount: money.Of(v.denied), Origin: origins[v.carc][0], DefaultAction: origins[v.carc][1],
			Overturned: v.overturned(), PatientControlNumber: v.number(), Label: reasonWords[v.carc],
		}
		if v.carc == "4" {
			row.Rarc = []string{"N519"}
		}
		out.Rows = append(out.Rows, row)
		out.TotalAmount.AmountMinor += v.denied
		out.TotalRows++
		out.TotalClaims++
	}
	slices.SortStableFunc(out.Rows, func(a, b *reportingv1.DenialRow) int { return strings.Compare(b.DeniedDate, a.DeniedDate) })
	out.Rows, out.NextPageToken = paged(out.Rows, r.PageSize, r.PageToken)
	return out, nil
}

func (s reporting) GetKpis(ctx context.Context, r *reportingv1.GetKpisRequest) (*reportingv1.Kpis, error) {
	a, err := s.GetAging(ctx, &reportingv1.GetAgingRequest{AsOf: r.AsOf})
	if err != nil {
		return nil, err
	}
	rate := func(id string, k *reportingv1.Kpi) *reportingv1.Kpi {
		k.KpiId, k.Unit, k.Known, k.Numerator, k.Denominator = id, "percent", true, s.b.counted(id+".numerator"), s.b.counted(id+".denominator")
		k.ValueMillionths = k.Numerator * 1_000_000 / k.Denominator
		return k
	}
	open, over := a.Total.Total.AmountMinor, a.Total.Buckets[3].Amount.AmountMinor+a.Total.Buckets[4].Amount.AmountMinor
	window := "90 days to " + or(r.AsOf, today)
	return &reportingv1.Kpis{AsOf: a.AsOf, Kpis: []*reportingv1.Kpi{
		{KpiId: "days_in_ar", Version: 1, Name: "Days in A/R", Formula: "(receivables − credit balances) ÷ (gross charges of the last 90 days ÷ 90)", Unit: "days", ValueMillionths: 41_300_000, Known: true, NumeratorName: "receivables", Numerator: open, DenominatorName: "gross charges of 90 days", Denominator: 1_443_500, Window: window, PreviousValueMillionths: 43_400_000, PreviousKnown: true, Target: "below 40"},
		rate("clean_claim_rate", &reportingv1.Kpi{Version: 2, Name: "Clean claim rate", Formula: "claims to first payers that passed every edit, also those that only warn, and went out as they were made ÷ claims to first payers that were made", NumeratorName: "claims that passed by themselves", DenominatorName: "claims made", Window: window, PreviousValueMillionths: 951_000, PreviousKnown: true, Target: "95 % or more"}),
		{KpiId: "net_collection_rate", Version: 1, Name: "Net collection rate", Formula: "payments ÷ (charges − contractual adjustments), for services of 90 days that ended 30 days before", Unit: "percent", ValueMillionths: 0, Known: false, NumeratorName: "payments", DenominatorName: "charges less contractual adjustments", Window: window, Target: "95 to 98 %"},
		rate("initial_denial_rate", &reportingv1.Kpi{Version: 2, Name: "Initial denial rate", Formula: "claims to first payers whose first decision, in the month, denied a line ÷ claims sent to first payers in a month, on the average of the 3 months before", NumeratorName: "claims denied at first", DenominatorName: "claims sent in the months of the base", Window: "2026-02-01 to 2026-02-28", Base: "1 of the 3 months before, 2026-01-01 to 2026-01-31: the first claims are of then", PreviousValueMillionths: 121_000, PreviousKnown: true, Target: "below 5 %"}),
		rate("first_pass_acceptance", &reportingv1.Kpi{Version: 1, Name: "First-pass acceptance", Formula: "claims that the payer accepted at the first send ÷ claims it answered", NumeratorName: "accepted at the first send", DenominatorName: "claims answered", Window: window, PreviousValueMillionths: 947_368, PreviousKnown: true, Target: "95 to 98 %"}),
		{KpiId: "ar_over_90", Version: 2, Name: "A/R over 90 days", Formula: "receivables of services more than 90 days ago ÷ receivables; credit balances are in neither", Unit: "percent", ValueMillionths: over * 1_000_000 / max(1, open), Known: true, NumeratorName: "receivables over 90 days", Numerator: over, DenominatorName: "receivables", Denominator: open, PreviousKnown: false, Target: "15 % or less"},
		{KpiId: "ar_total", Version: 1, Name: "A/R", Formula: "what payers and patients owe less their credit balances", Unit: "money", ValueMillionths: open, Known: true, NumeratorName: "receivables", Numerator: open, PreviousValueMillionths: open - 41_250, PreviousKnown: true},
	}}, nil
}

func (s reporting) GetPayers(ctx context.Context, r *reportingv1.GetPayersRequest) (*reportingv1.Payers, error) {
	zero := func(id, name string) *reportingv1.PayerRow {
		return &reportingv1.PayerRow{PayerId: id, Name: name, ChargedAmount: money.Of(0), AllowedAmount: money.Of(0), PaidAmount: money.Of(0), ContractualAmount: money.Of(0), PatientAmount: money.Of(0), DeniedAmount: money.Of(0), OpenAmount: money.Of(0),
			TakenOverAmount: money.Of(0), PassedOnAmount: money.Of(0)}
	}
	out := &reportingv1.Payers{Total: zero("", "All payers"), PatientPaidAmount: money.Of(61_200), PatientOpenAmount: money.Of(0), UnappliedAmount: money.Of(4_500), EqualsLedger: true}
	for _, p := range payerNames {
		row := zero(p[0], p[1])
		for _, v := range s.b.claims {
			if v.payer != p[0] || r.LocationId != "" && v.location != r.LocationId {
				continue
			}
			for _, x := range []*reportingv1.PayerRow{row, out.Total} {
				x.Claims++
				x.ChargedAmount.AmountMinor += v.charge
				x.PaidAmount.AmountMinor += v.paid
				x.ContractualAmount.AmountMinor += v.off
				x.PatientAmount.AmountMinor += v.patient
				if !v.overturned() {
					x.DeniedAmount.AmountMinor += v.denied
				}
				x.OpenAmount.AmountMinor += v.insurance
				if v.decided != "" {
					x.AllowedAmount.AmountMinor += v.charge - v.off
				}
			}
			out.PatientOpenAmount.AmountMinor += v.patientO
		}
		a, err := s.GetAging(ctx, &reportingv1.GetAgingRequest{PayerId: p[0], LocationId: r.LocationId})
		if err != nil {
			return nil, err
		}
		row.Aging = a.Total.Buckets
		out.Payers = append(out.Payers, row)
	}
	return out, nil
}

func (s reporting) GetLedger(context.Context, *reportingv1.GetLedgerRequest) (*reportingv1.Ledger, error) {
	sums := map[typev1.LedgerAccount][2]int64{}
	var order []typev1.LedgerAccount
	out := &reportingv1.Ledger{AsOf: today, SumAmount: money.Of(0)}
	for _, l := range s.b.legs() {
		x, ok := sums[l.LedgerAccount]
		if !ok {
			order = append(order, l.LedgerAccount)
		}
		if n := l.Amount.AmountMinor; n > 0 {
			x[0] += n
		} else {
			x[1] -= n
		}
		sums[l.LedgerAccount] = x
		out.Legs++
	}
	for _, a := range order {
		out.Balances = append(out.Balances, &reportingv1.LedgerBalance{LedgerAccount: a, DebitAmount: money.Of(sums[a][0]), CreditAmount: money.Of(sums[a][1]), BalanceAmount: money.Of(sums[a][0] - sums[a][1])})
	}
	return out, nil
}

func (b *books) legs() []*reportingv1.LedgerLeg {
	var out []*reportingv1.LedgerLeg
	for account, list := range b.events {
		for _, e := range list {
			for i, l := range e.legs {
				out = append(out, &reportingv1.LedgerLeg{
					EventId: e.id, EventType: e.kind, Stream: "account/" + account, Leg: int32(i), OccurredOn: e.day, LedgerAccount: l.Account, Amount: money.Of(l.Amount), PayerId: l.PayerId, PayerSequence: l.PayerSequence,
					AccountId: account, LineId: l.LineId, Source: e.source,
				})
			}
		}
	}
	return out
}

// countedLegs are the legs that make up a number of the books: one a visit.
func (b *books) countedLegs(r *reportingv1.ListLegsRequest) (out []*reportingv1.LedgerLeg) {
	add := func(account typev1.LedgerAccount, id string, amount, counts int64) {
		if counts != 0 {
			out = append(out, &reportingv1.LedgerLeg{EventType: "evenkeel.posting.v1.ChargePosted", Stream: "account/" + id, OccurredOn: today, LedgerAccount: account, AccountId: id, Amount: money.Of(amount), CountedAmount: money.Of(counts)})
		}
	}
	switch r.CountedIn {
	case "payers.patient_paid":
		add(typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, b.followed(), -61_200, 61_200)
	case "payers.unapplied":
		add(typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE, "", -4_500, 4_500)
	case "days_in_ar.denominator":
		add(typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, b.followed(), -1_443_500, 1_443_500)
	}
	for _, v := range b.claims {
		if r.PayerId != "" && r.PayerId != v.payer || r.LocationId != "" && r.LocationId != v.location {
			continue
		}
		switch r.CountedIn {
		case "payers.charged":
			add(typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, v.account(), -v.charge, v.charge)
		case "payers.allowed":
			if v.decided != "" {
				add(typev1.LedgerAccount_LEDGER_ACCOUNT_REVENUE_GROSS, v.account(), v.off-v.charge, v.charge-v.off)
			}
		case "payers.paid":
			add(typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING, v.account(), v.paid, v.paid)
		case "payers.contractual":
			add(typev1.LedgerAccount_LEDGER_ACCOUNT_CONTRACTUAL, v.account(), v.off, v.off)
		case "payers.patient":
			add(typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT, v.account(), v.patient, v.patient)
		}
	}
	return out
}

func (s reporting) ListLegs(_ context.Context, r *reportingv1.ListLegsRequest) (*reportingv1.ListLegsResponse, error) {
	out := &reportingv1.ListLegsResponse{TotalDebitAmount: money.Of(0), TotalCreditAmount: money.Of(0), TotalAmount: money.Of(0)}
	list := s.b.legs()
	if r.CountedIn != "" {
		list = s.b.countedLegs(r)
	}
	for _, l := range list {
		if r.LedgerAccount != 0 && l.LedgerAccount != r.LedgerAccount {
			continue
		}
		out.Legs = append(out.Legs, l)
		out.TotalRows++
		out.TotalDebitAmount.AmountMinor += max(0, l.Amount.AmountMinor)
		out.TotalCreditAmount.AmountMinor += max(0, -l.Amount.AmountMinor)
		if l.CountedAmount == nil {
			out.TotalAmount.AmountMinor += l.Amount.AmountMinor
		} else {
			out.TotalAmount.AmountMinor += l.CountedAmount.AmountMinor
		}
	}
	out.Legs, out.NextPageToken = paged(out.Legs, r.PageSize, r.PageToken)
	return out, nil
}

func (s reporting) ListDeposits(ctx context.Context, r *reportingv1.ListDepositsRequest) (*reportingv1.ListDepositsResponse, error) {
	s.b.bank.mu.Lock()
	defer s.b.bank.mu.Unlock()
	md, _ := metadata.FromIncomingContext(ctx)
	waits := slices.Contains(md.Get("x-evenkeel-consistency-token"), recordedAt)
	if waits && s.b.bank.behind {
		return nil, status.Error(codes.Unavailable, "reporting has not seen event 41 of posting yet: try again")
	}
	out := &reportingv1.ListDepositsResponse{Deposits: []*reportingv1.Deposit{
		{DepositId: "dep_2", DepositDate: "2026-03-12", PayerId: "pay_summit", TraceNumber: "SM20260311077", Amount: money.Of(61_440)},
	}}
	if d := s.b.bank.recorded; d != nil && waits {
		out.Deposits = append(out.Deposits, &reportingv1.Deposit{DepositId: "dep_3", DepositDate: d.DepositDate, TraceNumber: d.TraceNumber, Amount: d.Amount})
	}
	out.Deposits = append(out.Deposits, &reportingv1.Deposit{DepositId: "dep_4", DepositDate: "2026-03-10", PayerId: "pay_summit", PayerIdentifier: "9512345678901", TraceNumber: "0123456789012345678901234567890123456789TRACE01", Amount: money.Of(1_234_567_89)})
	if !r.Unmatched {
		out.Deposits = append(out.Deposits, &reportingv1.Deposit{DepositId: "dep_1", DepositDate: "2026-02-11", PayerId: "pay_harbor", PayerIdentifier: "1512345678", TraceNumber: "HH20260210001", Amount: money.Of(9820), RemittanceId: "rem_1"})
	}
	return out, nil
}

// claims shows one claim.
type claims struct {
	claimsv1.UnimplementedClaimsServiceServer
	b *books
}

func (s claims) summary(v *visit) *claimsv1.ClaimSummary {
	c := &claimsv1.ClaimSummary{
		ClaimId: v.claim(), PatientControlNumber: v.number(), EncounterId: v.account(), AccountId: v.account(), PatientId: v.patientID(), PayerId: v.payer, PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY,
		LocationId: v.location, ServiceDate: v.service, Charge: money.Of(v.charge), Paid: money.Of(v.paid), PatientResponsibility: money.Of(v.patient), Denied: money.Of(v.denied),
		Status: claimsv1.ClaimStatus(claimsv1.ClaimStatus_value["CLAIM_STATUS_"+strings.ToUpper(v.status)]), Transport: claimsv1.TransportStatus_TRANSPORT_STATUS_ACCEPTED,
		Adjudication: claimsv1.AdjudicationStatus_ADJUDICATION_STATUS_PAID, Work: claimsv1.WorkStatus_WORK_STATUS_OPEN, ClaimVersion: 1, FrequencyCode: claimsv1.FrequencyCode_FREQUENCY_CODE_ORIGINAL,
		SubmittedDate: v.sent, TimelyFilingDueDate: date.Add(v.service, 90),
	}
	switch v.status {
	case "held":
		c.Transport, c.Adjudication, c.Work = claimsv1.TransportStatus_TRANSPORT_STATUS_NOT_SENT, claimsv1.AdjudicationStatus_ADJUDICATION_STATUS_NONE, claimsv1.WorkStatus_WORK_STATUS_HELD
	case "denied":
		c.Adjudication = claimsv1.AdjudicationStatus_ADJUDICATION_STATUS_DENIED
	case "submitted", "accepted":
		c.Adjudication = claimsv1.AdjudicationStatus_ADJUDICATION_STATUS_NONE
	case "closed":
		c.Work = claimsv1.WorkStatus_WORK_STATUS_CLOSED
	}
	return c
}

func (s claims) GetClaim(_ context.Context, r *claimsv1.GetClaimRequest) (*claimsv1.Claim, error) {
	v := s.b.visit(r.ClaimId)
	if v == nil || r.ClaimId != v.claim() {
		return nil, status.Error(codes.NotFound, "there is no claim "+r.ClaimId)
	}
	c := &claimsv1.Claim{
		Summary: s.summary(v), PayerName: name(payerNames, v.payer), AuthorizationNumber: "A-20318", RulePack: "scrub-core@3", PlaceOfService: "11",
		BillingProvider:   &claimsv1.Provider{OrganizationName: "Lantern Behavioral Group"},
		RenderingProvider: &claimsv1.Provider{Name: &typev1.PersonName{First: "Ines", Last: "Okafor", Suffix: "LCSW"}},
		Lines:             []*claimsv1.ClaimLine{{LineId: "L1", ServiceCode: v.code, UnitsThousandths: 1000, PlaceOfService: "11", Charge: money.Of(v.charge), ServiceDate: v.service}},
		Person: &claimsv1.ClaimPerson{
			MemberId: "H0000000001", PatientName: &typev1.PersonName{First: "Pat", Last: "Sample"}, PatientBirthDate: "1988-05-04", SubscriberName: &typev1.PersonName{First: "Pat", Last: "Sample"},
			DiagnosisCodes: []string{"F41.1"},
		},
	}
	if len(s.b.events[v.account()]) > 0 {
		c.Lines = []*claimsv1.ClaimLine{
			{LineId: "L1", ServiceCode: "90837", UnitsThousandths: 1000, PlaceOfService: "11", Charge: money.Of(18500), ServiceDate: v.service},
			{LineId: "L2", ServiceCode: "90785", UnitsThousandths: 1000, PlaceOfService: "11", Charge: money.Of(2500), ServiceDate: v.service},
		}
		c.Summary.PayerClaimControlNumber = "HH7781203344"
	}
	at := func(day string, hour int) *timestamppb.Timestamp {
		return timestamppb.New(date.Time(day).Add(time.Duration(hour) * time.Hour))
	}
	add := func(kind, what, actor string, when *timestamppb.Timestamp, source *typev1.Source) {
		c.Timeline = append(c.Timeline, &claimsv1.TimelineEntry{EventId: fmt.Sprintf("evt-%d", len(c.Timeline)), Type: "evenkeel.claims.v1." + kind, RecordedAt: when, Actor: actor, Version: int32(len(c.Timeline) + 1), What: what, Source: source})
	}
	add("ClaimCreated", "for "+name(payerNames, v.payer), "service:coding", at(v.service, 19), nil)
	if v.status == "held" {
		add("ClaimScrubbed", "2 edits failed", "service:claims", at(v.service, 19), nil)
		add("ClaimHeld", "2 reasons", "service:claims", at(v.service, 19), nil)
		c.HoldReasons = []*problemv1.Reason{{Message: "The payer asks for modifier 95 on video visits; line 1 has none: correct the line, then release."}, {Message: "No authorization covers 90837 on this day: ask for one or enter its number."}}
		c.Edits = []*claimsv1.EditFailure{
			{Blocking: true, Reason: &problemv1.Reason{RuleId: "claims.telehealth_modifier", Field: "lines[0].modifiers", Message: "The payer asks for modifier 95 on video visits; line 1 has none.", Owner: "billing"}},
			{Blocking: true, Reason: &problemv1.Reason{RuleId: "claims.authorized", Field: "authorization_number", Message: "No authorization covers 90837 on this day.", Owner: "authorizations"}},
			{Reason: &problemv1.Reason{RuleId: "claims.zip_plus_4", Field: "billing_provider.address.postal_code", Message: "The postal code has 5 digits; payers like 9.", Owner: "registry"}},
		}
		return c, nil
	}
	add("ClaimScrubbed", "clean", "service:claims", at(v.service, 19), nil)
	add("ClaimSubmitted", "version 1 in a file of 14 claims", "service:exchange", at(or(v.sent, today), 6), &typev1.Source{InterchangeId: "itc_0837OUT", Offset: 512, Length: 840, Segment: "CLM"})
	add("ClaimAcknowledged", "accepted by the payer (277CA)", "service:exchange", at(or(v.sent, today), 11), nil)
	if v.decided != "" {
		add("ClaimAdjudicated", "paid "+money.Format(v.paid)+", patient "+money.Format(v.patient), "service:posting", at(v.decided, 7), s.b.source("CLP"))
	}
	if v.denied > 0 {
		add("LineDenied", "CO-"+v.carc, "service:claims", at(v.decided, 7), nil)
		c.OpenDenials = []*claimsv1.OpenDenial{{
			LineId: "L1", ServiceCode: v.code, GroupCode: "CO", Carc: v.carc, Denied: money.Of(v.denied), Origin: claimsv1.DenialOrigin_DENIAL_ORIGIN_AUTHORIZATION, Label: reasonWords[v.carc], DefaultAction: "appeal with the authorization",
			AppealDueDate: date.Add(v.decided, 60), RemittanceId: "rem_1",
		}}
	}
	return c, nil
}

func (s claims) ListClaims(_ context.Context, r *claimsv1.ListClaimsRequest) (*claimsv1.ListClaimsResponse, error) {
	out := &claimsv1.ListClaimsResponse{}
	if n := r.PatientControlNumber; n != "" {
		if !strings.HasPrefix(n, "EK") {
			return nil, status.Error(codes.FailedPrecondition, "it is no number of ours")
		}
		for _, v := range s.b.claims {
			if v.number() == n {
				out.Claims = append(out.Claims, s.summary(v))
			}
		}
		return out, nil
	}
	if v := s.b.visit(r.EncounterId); v != nil {
		out.Claims = append(out.Claims, s.summary(v))
	}
	return out, nil
}

func (s claims) ReleaseClaim(_ context.Context, r *claimsv1.ReleaseClaimRequest) (*typev1.Receipt, error) {
	if strings.Contains(r.Reason, "twice") {
		return nil, no("claims.held", "", "the claim is not held: there is nothing to release")
	}
	return s.b.did(r.ClaimId, "released")
}

func (s claims) ReportClaimStatus(_ context.Context, r *claimsv1.ReportClaimStatusRequest) (*typev1.Receipt, error) {
	if r.Finding == claimsv1.ClaimFinding_CLAIM_FINDING_ON_FILE && r.PayerClaimControlNumber == "" {
		return nil, no("claims.finding_fits", "payer_claim_control_number", "on file under which number? Replacements and voids name it")
	}
	return s.b.did(r.ClaimId, "reported")
}

func (s claims) CorrectClaim(_ context.Context, r *claimsv1.CorrectClaimRequest) (*typev1.Receipt, error) {
	for i, l := range r.Lines {
		if l.PlaceOfService == "00" {
			return nil, no("claims.place_of_service", fmt.Sprintf("lines[%d].place_of_service", i), "00 is no place of service")
		}
		if len(l.Modifiers) > 0 {
			return s.b.did(r.ClaimId, "corrected")
		}
	}
	return nil, no("claims.changes_something", "lines", "nothing differs from version 1: say what does")
}

func (s claims) VoidClaim(_ context.Context, r *claimsv1.VoidClaimRequest) (*typev1.Receipt, error) {
	if v := s.b.visit(r.ClaimId); v != nil && v.status == "submitted" {
		return nil, no("claims.not_in_flight", "", "the payer has version 1 and has not answered: wait for its rejection or decision")
	}
	return s.b.did(r.ClaimId, "voided")
}

func (s claims) RescrubClaim(_ context.Context, r *claimsv1.RescrubClaimRequest) (*typev1.Receipt, error) {
	return &typev1.Receipt{Id: r.ClaimId, Version: 3}, nil
}

// posting shows accounts and remittances.
type posting struct {
	postingv1.UnimplementedPostingServiceServer
	b *books
}

func (s posting) account(v *visit) *postingv1.Account {
	return &postingv1.Account{
		AccountId: v.account(), PatientId: v.patientID(), LocationId: v.location, ServiceDate: v.service, Charge: money.Of(v.charge), InsuranceBalance: money.Of(v.insurance), PatientBalance: money.Of(v.patientO),
		Settled: v.open() == 0, Version: 4,
	}
}

func (s posting) GetAccount(_ context.Context, r *postingv1.GetAccountRequest) (*postingv1.Account, error) {
	v := s.b.visit(r.AccountId)
	if v == nil || r.AccountId != v.account() {
		return nil, status.Error(codes.NotFound, "there is no account "+r.AccountId)
	}
	a := s.account(v)
	a.Lines = []*postingv1.AccountLine{{
		LineId: "L1", ServiceCode: v.code, Charge: money.Of(v.charge), InsurancePaid: money.Of(v.paid), Adjusted: money.Of(v.off), PatientShare: money.Of(v.patient), InsuranceOpen: money.Of(v.insurance), Denied: money.Of(v.denied),
		Expected: money.Of(v.charge * 72 / 100),
	}}
	if v.n != alone {
		a.ResponsiblePayers = []*intakev1.ResponsiblePayer{{PayerId: v.payer, PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY}}
	}
	a.Legs = s.legs(v)
	if len(a.Legs) > 0 {
		a.Lines = []*postingv1.AccountLine{
			{LineId: "L1", ServiceCode: "90837", Charge: money.Of(18500), Expected: money.Of(12320), InsurancePaid: money.Of(9820), Adjusted: money.Of(5180), PatientShare: money.Of(2500), InsuranceOpen: money.Of(1000), Denied: money.Of(0), Disputed: money.Of(1000)},
			{LineId: "L2", ServiceCode: "90785", Charge: money.Of(2500), InsurancePaid: money.Of(0), Adjusted: money.Of(0), PatientShare: money.Of(0), InsuranceOpen: money.Of(2500), Denied: money.Of(0)},
		}
	}
	if s.b.done[a.AccountId] == "accepted" {
		a.Lines[0].Adjusted, a.Lines[0].InsuranceOpen, a.Lines[0].Disputed = money.Of(6180), money.Of(0), money.Of(0)
	}
	return a, nil
}

// alone is the visit that no payer is asked for.
const alone = 7

func (s posting) VoidCharge(_ context.Context, r *postingv1.VoidChargeRequest) (*typev1.Receipt, error) {
	if strings.Contains(r.Reason, "twice") {
		return nil, no("posting.charge_stands", "", "the charge was taken off before")
	}
	return s.b.did(r.AccountId, "taken off")
}

func (s posting) AcceptUnderpayment(_ context.Context, r *postingv1.AcceptUnderpaymentRequest) (*typev1.Receipt, error) {
	if strings.Contains(r.Reason, "twice") {
		return nil, no("posting.in_dispute", "line_id", "nothing is in dispute on line %s", r.LineId)
	}
	return s.b.did(r.AccountId, "accepted")
}

func (s posting) ListPatientPayments(_ context.Context, r *postingv1.ListPatientPaymentsRequest) (*postingv1.ListPatientPaymentsResponse, error) {
	if all := s.b.payments(); all[0].PatientId == r.PatientId {
		return &postingv1.ListPatientPaymentsResponse{PatientPayments: all}, nil
	}
	return &postingv1.ListPatientPaymentsResponse{}, nil
}

func (s posting) RecordPatientPayment(_ context.Context, r *postingv1.RecordPatientPaymentRequest) (*typev1.Receipt, error) {
	if r.ReceivedDate > today {
		return nil, no("posting.not_in_the_future", "received_date", "%s has not come yet", r.ReceivedDate)
	}
	return s.b.did("ppm_3", "paid")
}

func (s posting) RefundPatientPayment(_ context.Context, r *postingv1.RefundPatientPaymentRequest) (*typev1.Receipt, error) {
	if r.Amount.AmountMinor > 1500 {
		return nil, no("posting.refund_of_what_is_held", "amount", "%s asked, %s is held", money.Format(r.Amount.AmountMinor), money.Format(1500))
	}
	return s.b.did(r.PatientPaymentId, "refunded")
}

func (s posting) ReversePatientPayment(_ context.Context, r *postingv1.ReversePatientPaymentRequest) (*typev1.Receipt, error) {
	if strings.Contains(r.Reason, "twice") {
		return nil, no("posting.patient_payment_stands", "", "the payment was taken back before")
	}
	return s.b.did(r.PatientPaymentId, "reversed")
}

func (s posting) ReverseDeposit(_ context.Context, r *postingv1.ReverseDepositRequest) (*typev1.Receipt, error) {
	if strings.Contains(r.Reason, "twice") {
		return nil, no("posting.deposit_stands", "", "the deposit was taken back before")
	}
	return s.b.did(r.DepositId, "reversed")
}

func (s posting) legs(v *visit) []*postingv1.LedgerLeg {
	var out []*postingv1.LedgerLeg
	for _, e := range s.b.events[v.account()] {
		for _, l := range e.legs {
			out = append(out, &postingv1.LedgerLeg{
				EventId: e.id, EventType: "evenkeel.posting.v1." + e.kind, OccurredOn: e.day, Account: l.Account, PayerId: l.PayerId, PayerSequence: l.PayerSequence, LineId: l.LineId, Amount: money.Of(l.Amount),
				AccountId: v.account(), Source: e.source,
			})
		}
	}
	return out
}

func (s posting) ListAccounts(_ context.Context, r *postingv1.ListAccountsRequest) (*postingv1.ListAccountsResponse, error) {
	out := &postingv1.ListAccountsResponse{}
	for _, v := range s.b.claims {
		if v.patientID() == r.PatientId {
			out.Accounts = append(out.Accounts, s.account(v))
		}
	}
	return out, nil
}

func (s posting) remittances() []*postingv1.Remittance {
	out := []*postingv1.Remittance{
		{RemittanceId: "rem_3", InterchangeId: "itc_0835HARBOR", PayerName: "Commonwealth of the Western Territories, Department of Health Care Services", TraceNumber: "0123456789012345678901234567890123456789TRACE01", Payment: money.Of(1_234_567_89), EffectiveDate: "2026-03-09", Claims: 1204,
			Status: postingv1.RemittanceStatus_REMITTANCE_STATUS_BALANCED, Unapplied: money.Of(1_234_567_89), ProviderAdjustments: money.Of(-1_234_567_89)},
		{RemittanceId: "rem_2", InterchangeId: "itc_0835HARBOR", PayerName: "Civic State Medicaid", TraceNumber: "CV20260305112", Payment: money.Of(44_100), EffectiveDate: "2026-03-05", Claims: 4, Status: postingv1.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED,
			Unapplied: money.Of(0), ProviderAdjustments: money.Of(0)},
		{RemittanceId: "rem_1", InterchangeId: "itc_0835HARBOR", PayerId: "pay_harbor", PayerName: "Harbor Health Plan", PayerIdentifier: "1512345678", TraceNumber: "HH20260210001", Payment: money.Of(9820), EffectiveDate: "2026-02-10", Claims: 1,
			Status: postingv1.RemittanceStatus_REMITTANCE_STATUS_BALANCED, DepositId: "dep_1", Unapplied: money.Of(0), ProviderAdjustments: money.Of(0)},
	}
	return out
}

func (s posting) ListRemittances(_ context.Context, r *postingv1.ListRemittancesRequest) (*postingv1.ListRemittancesResponse, error) {
	out := &postingv1.ListRemittancesResponse{}
	for _, x := range s.remittances() {
		if r.Status == 0 || r.Status == x.Status {
			out.Remittances = append(out.Remittances, x)
		}
	}
	return out, nil
}

func (s posting) GetRemittance(_ context.Context, r *postingv1.GetRemittanceRequest) (*postingv1.Remittance, error) {
	for _, x := range s.remittances() {
		if x.RemittanceId != r.RemittanceId {
			continue
		}
		if x.Status == postingv1.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED {
			x.Reasons = []string{"Claim 3 does not sum to its lines: the payer must send a corrected file."}
			x.Residuals = []*exchangev1.Residual{{Equation: "claim_lines", Subject: "claim 3", ResidualAmount: -1250, Source: s.b.source("CLP")}}
			return x, nil
		}
		for account := range s.b.events {
			for _, l := range s.legs(s.b.visit(account)) {
				if l.Source != nil {
					l.RemittanceId = x.RemittanceId
					x.Legs = append(x.Legs, l)
				}
			}
		}
		return x, nil
	}
	return nil, status.Error(codes.NotFound, "there is no remittance "+r.RemittanceId)
}

func (s posting) RecordDeposit(_ context.Context, r *postingv1.RecordDepositRequest) (*typev1.Receipt, error) {
	s.b.bank.mu.Lock()
	defer s.b.bank.mu.Unlock()
	s.b.bank.recorded = r
	return &typev1.Receipt{Id: "dep_3", Version: 1, ConsistencyToken: recordedAt}, nil
}

// collections has the work and the statements.
type collections struct {
	collectionsv1.UnimplementedCollectionsServiceServer
	b *books
}

func (s collections) items() []*collectionsv1.WorkItem {
	var out []*collectionsv1.WorkItem
	for _, v := range s.b.claims {
		w := &collectionsv1.WorkItem{
			WorkItemId: fmt.Sprintf("wrk_%08d", v.n), State: collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN, PatientId: v.patientID(), ClaimId: v.claim(), AccountId: v.account(), PayerId: v.payer, AtRisk: money.Of(v.charge), Version: 1, PatientControlNumber: v.number(),
		}
		switch v.status {
		case "held":
			if v.n%2 == 0 {
				w.Kind, w.Title, w.Detail, w.Owner, w.OpenedDate, w.DueDate, w.DefaultAction = "authorization", "Authorization does not cover the visit", "no authorization covers 90837 on "+v.service+" at this place of service and for this clinician (authorization.units_within_approval)", "authorizations", v.service, date.Add(v.service, 2), "get the authorization or an extension"
				w.Assignee, w.AtRisk = "maximiliane.vandenberg-oyelaran@evenkeel.example", money.Of(1_234_567_89)
				break
			}
			w.Kind, w.Title, w.Detail, w.Owner, w.OpenedDate, w.DueDate, w.DefaultAction = "claim_held", "Claim held", "payer "+v.payer+" asks for modifier 95 on video visits (claims.telehealth_modifier); no authorization covers 90837 on "+v.service+" (claims.authorized)", "billing", v.service, date.Add(v.service, 2), "mend what the reasons name, then release the claim"
		case "denied":
			w.Kind, w.Title, w.Detail, w.Owner, w.OpenedDate, w.DueDate, w.DefaultAction = "denial", "Line denied: CO-"+v.carc, "no authorization", "denials", v.decided, date.Add(v.decided, 47), "decide: correct, appeal or accept"
			w.Assignee = "rosa@evenkeel.example"
		default:
			continue
		}
		if v.n == 37 { // a release of collections that the gateway has not heard of
			w.Kind, w.Title, w.Owner = "second_opinion", "Second opinion asked for", "peer_review"
		}
		if outcome, ok := s.b.done[w.WorkItemId]; ok {
			w.State, w.Outcome = collectionsv1.WorkItemState_WORK_ITEM_STATE_RESOLVED, outcome
		}
		out = append(out, w)
	}
	for _, w := range []*collectionsv1.WorkItem{
		{WorkItemId: "wrk_query001", Kind: "coder_query", Title: "Coder query", Detail: "14 minutes: psychotherapy is coded from 16 minutes on (coding.psychotherapy_minutes)", Owner: "coding", OpenedDate: "2026-03-13", DueDate: "2026-05-16", EncounterId: queried, DefaultAction: "answer the query"},
		{WorkItemId: "wrk_visit001", Kind: "visit_held", Title: "Visit held", Detail: "payer pay_harbor has not answered whether the coverage is active (intake.eligible)", Owner: "intake", OpenedDate: today, DueDate: "2026-05-17", AppointmentId: "apt_today", DefaultAction: "clear what is named before the visit"},
	} {
		w.State, w.AtRisk, w.Version = collectionsv1.WorkItemState_WORK_ITEM_STATE_OPEN, money.Of(0), 1
		out = append(out, w)
	}
	slices.SortStableFunc(out, func(a, b *collectionsv1.WorkItem) int { return strings.Compare(a.DueDate, b.DueDate) })
	return out
}

func (s collections) ListWorkItems(_ context.Context, r *collectionsv1.ListWorkItemsRequest) (*collectionsv1.ListWorkItemsResponse, error) {
	out := &collectionsv1.ListWorkItemsResponse{}
	for _, w := range s.items() {
		if (r.Owner == "" || r.Owner == w.Owner) && (r.Kind == "" || r.Kind == w.Kind) && (r.State == 0 || r.State == w.State) && (r.Assignee == "" || r.Assignee == w.Assignee) && (r.ClaimId == "" || r.ClaimId == w.ClaimId) {
			out.WorkItems = append(out.WorkItems, w)
		}
	}
	s.b.bank.mu.Lock()
	s.b.asked = append(s.b.asked, fmt.Sprintf("%d items by %s", r.PageSize, r.Sort))
	s.b.bank.mu.Unlock()
	out.WorkItems, out.NextPageToken = paged(out.WorkItems, r.PageSize, r.PageToken)
	return out, nil
}

func (s collections) GetWorkItem(_ context.Context, r *collectionsv1.GetWorkItemRequest) (*collectionsv1.WorkItem, error) {
	for _, w := range s.items() {
		if w.WorkItemId == r.WorkItemId {
			return w, nil
		}
	}
	return nil, status.Error(codes.NotFound, "there is no work item "+r.WorkItemId)
}

func (s collections) AssignWorkItem(_ context.Context, r *collectionsv1.AssignWorkItemRequest) (*typev1.Receipt, error) {
	return &typev1.Receipt{Id: r.WorkItemId, Version: 2}, nil
}

func (s collections) ResolveWorkItem(ctx context.Context, r *collectionsv1.ResolveWorkItemRequest) (*typev1.Receipt, error) {
	if _, err := s.GetWorkItem(ctx, &collectionsv1.GetWorkItemRequest{WorkItemId: r.WorkItemId}); err != nil {
		return nil, err
	}
	s.b.done[r.WorkItemId] = r.Outcome
	return &typev1.Receipt{Id: r.WorkItemId, Version: 2}, nil
}

func (s collections) GetPatientBalance(_ context.Context, r *collectionsv1.GetPatientBalanceRequest) (*collectionsv1.PatientBalance, error) {
	out := &collectionsv1.PatientBalance{PatientId: r.PatientId, Balance: money.Of(0), Unapplied: money.Of(0)}
	for _, p := range s.b.payments() {
		if p.PatientId == r.PatientId {
			out.Unapplied.AmountMinor += p.Unallocated.AmountMinor
		}
	}
	for _, v := range s.b.claims {
		if v.patientID() == r.PatientId {
			out.Balance.AmountMinor += v.patientO
		}
	}
	return out, nil
}

func (s collections) statement(patient string) *collectionsv1.Statement {
	return &collectionsv1.Statement{StatementId: "stm_" + strings.TrimPrefix(patient, "pat_"), PatientId: patient, StatementDate: "2026-03-02", DueDate: "2026-04-01", Balance: money.Of(2500)}
}

func (s collections) ListStatements(_ context.Context, r *collectionsv1.ListStatementsRequest) (*collectionsv1.ListStatementsResponse, error) {
	return &collectionsv1.ListStatementsResponse{Statements: []*collectionsv1.Statement{s.statement(r.PatientId)}}, nil
}

func (s collections) GetStatement(_ context.Context, r *collectionsv1.GetStatementRequest) (*collectionsv1.Statement, error) {
	rest, ok := strings.CutPrefix(r.StatementId, "stm_")
	if !ok {
		return nil, status.Error(codes.NotFound, "there is no statement "+r.StatementId)
	}
	x := s.statement("pat_" + rest)
	x.PatientName, x.PatientAddress = &typev1.PersonName{First: "Pat", Last: "Sample"}, &typev1.Address{Line1: "12 Elm Street", City: "Springfield", State: "IL", PostalCode: "62701"}
	x.OrganizationName, x.OrganizationAddress, x.OrganizationPhone = "Lantern Behavioral Group", &typev1.Address{Line1: "400 Mill Street", City: "Springfield", State: "IL", PostalCode: "62701"}, "(217) 555-0142"
	x.Entries = []*collectionsv1.StatementEntry{{
		AccountId: s.b.claims[0].account(), ServiceDate: "2026-01-26", Explanation: "Your plan paid $98.20 and took $51.80 off by its contract; $25.00 is your copay.", Charge: money.Of(18500), InsurancePaid: money.Of(9820), Adjusted: money.Of(5180),
		PatientPaid: money.Of(0), Balance: money.Of(2500),
	}}
	return x, nil
}

func (s collections) GetStatementPdf(context.Context, *collectionsv1.GetStatementPdfRequest) (*httpbody.HttpBody, error) {
	return &httpbody.HttpBody{ContentType: "application/pdf", Data: []byte("%PDF-1.4\n")}, nil
}

// exchange has the files.
type exchange struct {
	exchangev1.UnimplementedExchangeServiceServer
	b *books
}

func (s exchange) files() []*exchangev1.Interchange {
	return []*exchangev1.Interchange{
		{InterchangeId: "itc_0277CA", Direction: "in", Status: "received", Kind: "277CA", PartnerId: "SUMMITMUT", InterchangeControlNumber: "000000391", FileSha256: strings.Repeat("cd", 32), Channel: "partner", Size: 0, Date: "2026-03-15"},
		{InterchangeId: "itc_0837D", Direction: "in", Status: "refused", Kind: "837D", PartnerId: "OLDSYSTEM", InterchangeControlNumber: "000000012", FileName: "export-of-the-old-system-dental-claims-2026-03-01-through-2026-03-09-final-2.edi", FileSha256: strings.Repeat("ef", 32), Channel: "api", Date: "2026-03-09",
			Reason: "837D (dental claims) is a kind we do not do"},
		{InterchangeId: "itc_0835HARBOR", Direction: "in", Status: "received", Kind: "835", PartnerId: "HARBORHP", InterchangeControlNumber: "000004711", FileSha256: strings.Repeat("ab", 32), Channel: "partner", Size: int64(len(s.b.file)), Date: "2026-02-10",
			ResultsCount: 1},
	}
}

func (s exchange) ListInterchanges(_ context.Context, r *exchangev1.ListInterchangesRequest) (*exchangev1.ListInterchangesResponse, error) {
	out := &exchangev1.ListInterchangesResponse{}
	for _, x := range s.files() {
		if r.Direction == "" || r.Direction == x.Direction {
			out.Interchanges = append(out.Interchanges, x)
		}
	}
	return out, nil
}

func (s exchange) GetInterchange(_ context.Context, r *exchangev1.GetInterchangeRequest) (*exchangev1.Interchange, error) {
	for _, x := range s.files() {
		if x.InterchangeId != r.InterchangeId {
			continue
		}
		if x.Kind == "835" {
			at := s.b.source("CLP")
			x.Results = []*exchangev1.InterchangeResult{{Type: "RemittanceRead", SubjectId: "rem_1", Status: "read", SetControlNumber: "0001", Offset: at.Offset, Length: at.Length}}
			x.Findings = []*exchangev1.Finding{{Code: "per_missing", Severity: "warning", Message: "PER (payer contact) is asked for in loop 1000A and is not there", Offset: s.b.at["N1PR"], Length: s.b.source("N1PR").Length, Segment: "N1"}}
		}
		return x, nil
	}
	return nil, status.Error(codes.NotFound, "there is no interchange "+r.InterchangeId)
}

func (s exchange) GetSegments(_ context.Context, r *exchangev1.GetSegmentsRequest) (*exchangev1.GetSegmentsResponse, error) {
	if r.Offset < 0 || r.Offset+r.Length > int64(len(s.b.file)) {
		return nil, status.Errorf(codes.InvalidArgument, "bytes %d to %d are not in the file", r.Offset, r.Offset+r.Length)
	}
	return &exchangev1.GetSegmentsResponse{Text: s.b.file[r.Offset : r.Offset+r.Length]}, nil
}
