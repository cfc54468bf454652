package posting

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/services/posting/account"
	"github.com/evenkeel/evenkeel/services/posting/deposit"
	"github.com/evenkeel/evenkeel/services/posting/patientledger"
	"github.com/evenkeel/evenkeel/services/posting/patientpayment"
	"github.com/evenkeel/evenkeel/services/posting/remittance"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedPostingServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// RecordDeposit books what the bank saw. Money that was taken back and is recorded again is the next deposit; a repeated request finds the one that it made.
func (s *Server) RecordDeposit(ctx context.Context, r *pb.RecordDepositRequest) (*typev1.Receipt, error) {
	_, known, err := engine.Find(ctx, s.rt.Engine, deposit.KnownMirror, r.PayerId)
	if err != nil {
		return nil, err
	}
	for id := deposit.ID(r); ; id = deposit.Next(id) {
		receipt, refused := engine.Execute(ctx, s.rt.Engine, deposit.Stream, id, func(st deposit.State, c *pb.RecordDepositRequest) ([]es.Event, error) {
			return deposit.Receive(st, c, id, known)
		}, proto.CloneOf(r)) // the engine fills it in
		if refused == nil {
			return receipt, nil
		}
		have, _, err := engine.Load(ctx, s.rt.Engine, deposit.Stream, id)
		if err != nil {
			return nil, err
		}
		if have.Reversed == nil {
			return nil, refused
		}
	}
}

// ReverseDeposit takes a deposit back.
func (s *Server) ReverseDeposit(ctx context.Context, r *pb.ReverseDepositRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, deposit.Stream, r.DepositId, deposit.Reverse, r)
}

// RecordPatientPayment books a patient's money.
func (s *Server) RecordPatientPayment(ctx context.Context, r *pb.RecordPatientPaymentRequest) (*typev1.Receipt, error) {
	var known patientpayment.Known
	var err error
	if _, known.Patient, err = engine.Find(ctx, s.rt.Engine, patientpayment.PatientMirror, r.PatientId); err != nil {
		return nil, err
	}
	if r.AccountId != "" {
		var charge *pb.ChargePosted
		if charge, known.Account, err = engine.Find(ctx, s.rt.Engine, account.ChargeMirror, r.AccountId); err != nil {
			return nil, err
		}
		known.AccountPatient = charge.GetPatientId()
	}
	id := engine.NewID(ctx, "ppm")
	return engine.Execute(ctx, s.rt.Engine, patientpayment.Stream, id, func(st patientpayment.State, c *pb.RecordPatientPaymentRequest) ([]es.Event, error) {
		return patientpayment.Receive(st, c, id, known)
	}, r)
}

// RefundPatientPayment gives back what is held of a patient's payment.
func (s *Server) RefundPatientPayment(ctx context.Context, r *pb.RefundPatientPaymentRequest) (*typev1.Receipt, error) {
	payment, _, err := engine.Load(ctx, s.rt.Engine, patientpayment.Stream, r.PatientPaymentId)
	if err != nil {
		return nil, err
	}
	id := engine.NewID(ctx, "rfd")
	receipt, err := engine.Execute(ctx, s.rt.Engine, patientledger.Stream, cmp.Or(payment.Received.GetPatientId(), r.PatientPaymentId), func(st patientledger.State, c *pb.RefundPatientPaymentRequest) ([]es.Event, error) {
		return patientledger.Refund(st, c, id, payment.Received)
	}, r)
	if err != nil {
		return nil, err
	}
	receipt.Id = id // of what was made, which lives on the patient's ledger
	return receipt, nil
}

// ReversePatientPayment takes a patient's payment back.
func (s *Server) ReversePatientPayment(ctx context.Context, r *pb.ReversePatientPaymentRequest) (*typev1.Receipt, error) {
	payment, _, err := engine.Load(ctx, s.rt.Engine, patientpayment.Stream, r.PatientPaymentId)
	if err != nil {
		return nil, err
	}
	receipt, err := engine.Execute(ctx, s.rt.Engine, patientledger.Stream, cmp.Or(payment.Received.GetPatientId(), r.PatientPaymentId), func(st patientledger.State, c *pb.ReversePatientPaymentRequest) ([]es.Event, error) {
		return patientledger.Reverse(st, c, payment.Received)
	}, r)
	if err != nil {
		return nil, err
	}
	receipt.Id = r.PatientPaymentId // which is reversed on the patient's ledger
	return receipt, nil
}

// VoidCharge takes a charge off that no payer is asked for.
func (s *Server) VoidCharge(ctx context.Context, r *pb.VoidChargeRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, account.Stream, r.AccountId, account.VoidSelfPay, r)
}

// AcceptUnderpayment gives up what is in dispute on a line.
func (s *Server) AcceptUnderpayment(ctx context.Context, r *pb.AcceptUnderpaymentRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, account.Stream, r.AccountId, account.Accept, r)
}

// AssignHeldPayment gives held money to the claim that it is for.
func (s *Server) AssignHeldPayment(ctx context.Context, r *pb.AssignHeldPaymentRequest) (*typev1.Receipt, error) {
	to := remittance.Assignment{ClaimID: r.ClaimId}
	var err error
	if to.ClaimID == "" {
		if to.ClaimID, _, err = engine.Find(ctx, s.rt.Engine, account.NumberMirror, r.PatientControlNumber); err != nil {
			return nil, err
		}
	}
	if to.Read, _, err = engine.Find(ctx, s.rt.Engine, remittance.ReadMirror, r.RemittanceId); err != nil {
		return nil, err
	}
	if to.Claim, to.Known, err = engine.Find(ctx, s.rt.Engine, account.ClaimMirror, to.ClaimID); err != nil {
		return nil, err
	}
	if to.Contracts, _, err = engine.Find(ctx, s.rt.Engine, account.ContractMirror, to.Claim.Payer.ID); err != nil {
		return nil, err
	}
	return engine.ExecuteBeside(ctx, s.rt.Engine, remittance.Stream, r.RemittanceId, account.Stream, to.Claim.AccountID, func(st remittance.State, on account.State, c *pb.AssignHeldPaymentRequest) (events, beside []es.Event, err error) {
		return remittance.Assign(st, on, c, to)
	}, r)
}

// query reads rows of the caller's tenant; the tenant is $1.
func query[T any](ctx context.Context, s *Server, what string, scan pgx.RowToFunc[T], sql string, args ...any) ([]T, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	rows, err := s.rt.DB.Query(ctx, sql, append([]any{caller.Tenant}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return list, nil
}

// The sort key before the first row of lists that show the latest day first.
const latest = "9999-12-31"

var depositStates = map[string]pb.DepositStatus{
	"open": pb.DepositStatus_DEPOSIT_STATUS_OPEN, "matched": pb.DepositStatus_DEPOSIT_STATUS_MATCHED, "differs": pb.DepositStatus_DEPOSIT_STATUS_DIFFERS,
	"reversed": pb.DepositStatus_DEPOSIT_STATUS_REVERSED,
}

// ListDeposits are the deposits, newest first.
func (s *Server) ListDeposits(ctx context.Context, r *pb.ListDepositsRequest) (*pb.ListDepositsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, latest, "")
	if err != nil {
		return nil, err
	}
	list, err := query(ctx, s, "deposits", func(row pgx.CollectableRow) (*pb.Deposit, error) {
		d := &pb.Deposit{}
		var amount int64
		var state string
		err := row.Scan(&d.DepositId, &d.PayerId, &d.PayerIdentifier, &d.TraceNumber, &amount, &d.DepositDate, &state, &d.RemittanceId)
		d.Amount, d.Status = money.Of(amount), depositStates[state]
		return d, err
	}, `SELECT deposit_id, payer_id, payer_identifier, trace_number, amount, deposit_date::text, status, remittance_id FROM deposits
		WHERE tenant_id = $1 AND (deposit_date, deposit_id) < ($2::text::date, $3) AND ($4 = '' OR status = $4)
		ORDER BY deposit_date DESC, deposit_id DESC LIMIT $5`, at.Key[0], at.Key[1], name(depositStates, r.Status), at.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &pb.ListDepositsResponse{}
	out.Deposits, out.NextPageToken = page.Cut(list, at, func(d *pb.Deposit) []string { return []string{d.DepositDate, d.DepositId} })
	return out, nil
}

// name is the word the tables use for a status; empty: unspecified.
func name[E comparable](names map[string]E, value E) string {
	for n, v := range names {
		if v == value {
			return n
		}
	}
	return ""
}

// ListPatientPayments are one patient's payments, newest first.
func (s *Server) ListPatientPayments(ctx context.Context, r *pb.ListPatientPaymentsRequest) (*pb.ListPatientPaymentsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, latest, "")
	if err != nil {
		return nil, err
	}
	list, err := query(ctx, s, "patient payments", func(row pgx.CollectableRow) (*pb.PatientPayment, error) {
		p := &pb.PatientPayment{}
		var amount, allocated, refunded int64
		err := row.Scan(&p.PatientPaymentId, &p.PatientId, &amount, &allocated, &refunded, &p.Method, &p.Reference, &p.ReceivedDate, &p.AccountId, &p.ReversedDate)
		held := amount - allocated - refunded
		if p.ReversedDate != "" {
			held = 0
		}
		p.Amount, p.Allocated, p.Unallocated, p.Refunded = money.Of(amount), money.Of(allocated), money.Of(held), money.Of(refunded)
		return p, err
	}, `SELECT patient_payment_id, patient_id, amount, allocated_amount, refunded_amount, method, reference, received_date::text, account_id, coalesce(reversed_date::text, '') FROM patient_payments
		WHERE tenant_id = $1 AND patient_id = $2 AND (received_date, patient_payment_id) < ($3::text::date, $4)
		ORDER BY received_date DESC, patient_payment_id DESC LIMIT $5`, r.PatientId, at.Key[0], at.Key[1], at.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &pb.ListPatientPaymentsResponse{}
	out.PatientPayments, out.NextPageToken = page.Cut(list, at, func(p *pb.PatientPayment) []string { return []string{p.ReceivedDate, p.PatientPaymentId} })
	return out, nil
}

const accountColumns = `SELECT account_id, patient_id, location_id, rendering_clinician_id, service_date::text, charge_amount, insurance_amount, patient_amount, settled, version
	FROM accounts `

func scanAccount(row pgx.CollectableRow) (*pb.Account, error) {
	a := &pb.Account{}
	var charge, insurance, patient int64
	err := row.Scan(&a.AccountId, &a.PatientId, &a.LocationId, &a.RenderingClinicianId, &a.ServiceDate, &charge, &insurance, &patient, &a.Settled, &a.Version)
	a.Charge, a.InsuranceBalance, a.PatientBalance = money.Of(charge), money.Of(insurance), money.Of(patient)
	return a, err
}

// ListAccounts are accounts, newest service first.
func (s *Server) ListAccounts(ctx context.Context, r *pb.ListAccountsRequest) (*pb.ListAccountsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, latest, "")
	if err != nil {
		return nil, err
	}
	list, err := query(ctx, s, "accounts", scanAccount, accountColumns+`WHERE tenant_id = $1 AND (service_date, account_id) < ($2::text::date, $3)
		AND ($4 = '' OR patient_id = $4) AND (NOT $5 OR insurance_amount <> 0 OR patient_amount <> 0) ORDER BY service_date DESC, account_id DESC LIMIT $6`,
		at.Key[0], at.Key[1], r.PatientId, r.OpenOnly, at.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &pb.ListAccountsResponse{}
	out.Accounts, out.NextPageToken = page.Cut(list, at, func(a *pb.Account) []string { return []string{a.ServiceDate, a.AccountId} })
	return out, nil
}

// GetAccount is one account with its lines, balances and legs.
func (s *Server) GetAccount(ctx context.Context, r *pb.GetAccountRequest) (*pb.Account, error) {
	list, err := query(ctx, s, "account", scanAccount, accountColumns+`WHERE tenant_id = $1 AND account_id = $2`, r.AccountId)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, status.Errorf(codes.NotFound, "there is no account %s", r.AccountId)
	}
	a := list[0]
	st, _, err := engine.Load(ctx, s.rt.Engine, account.Stream, r.AccountId)
	if err != nil {
		return nil, err
	}
	a.ResponsiblePayers = st.Charge.GetResponsiblePayers()
	a.Lines = lines(st)
	a.Explanation = account.Explained(st).Sentence()
	if a.Legs, err = s.legs(ctx, "account_id", r.AccountId); err != nil {
		return nil, err
	}
	a.Balances, err = query(ctx, s, "balances", func(row pgx.CollectableRow) (*pb.LedgerBalance, error) {
		b := &pb.LedgerBalance{}
		var balance int64
		err := row.Scan(&b.Account, &b.PayerId, &b.PayerSequence, &balance)
		b.Balance = money.Of(balance)
		return b, err
	}, `SELECT ledger_account, payer_id, payer_sequence, sum(amount)::bigint FROM ledger_legs WHERE tenant_id = $1 AND account_id = $2
		GROUP BY ledger_account, payer_id, payer_sequence ORDER BY ledger_account, payer_sequence, payer_id`, r.AccountId)
	return a, err
}

func lines(st account.State) []*pb.AccountLine {
	var out []*pb.AccountLine
	line := func(id string) *pb.AccountLine {
		l := st.Lines[id]
		if l == nil {
			l = &account.Line{}
		}
		return &pb.AccountLine{
			LineId: id, Charge: money.Of(l.Charge), InsurancePaid: money.Of(l.Paid), Adjusted: money.Of(l.Adjusted), PatientShare: money.Of(l.Patient),
			InsuranceOpen: money.Of(l.Open), Denied: money.Of(account.Denied(st, id)),
			Disputed: money.Of(account.Disputed(st, id)),
		}
	}
	expected := map[string]int64{}
	for _, e := range st.Charge.GetExpected() {
		expected[e.LineId] = e.AllowedAmount
	}
	for _, c := range st.Charge.GetLines() {
		l := line(c.LineId)
		l.ServiceCode, l.Modifiers = c.ServiceCode, c.Modifiers
		if amount, ok := expected[c.LineId]; ok {
			l.Expected = money.Of(amount)
		}
		out = append(out, l)
	}
	if _, told := st.Lines[""]; told || account.Denied(st, "") != 0 || account.Disputed(st, "") != 0 {
		out = append(out, line(""))
	}
	return out
}

// legs of one account or of one remittance, oldest first. column is one of ours.
func (s *Server) legs(ctx context.Context, column, id string) ([]*pb.LedgerLeg, error) {
	return query(ctx, s, "legs", func(row pgx.CollectableRow) (*pb.LedgerLeg, error) {
		l := &pb.LedgerLeg{}
		var amount int64
		err := row.Scan(&l.EventId, &l.EventType, &l.OccurredOn, &l.Position, &l.Account, &l.PayerId, &l.PayerSequence, &l.LineId, &amount, &l.AccountId, &l.RemittanceId, &l.Source)
		l.Amount = money.Of(amount)
		return l, err
	}, `SELECT event_id::text, event_type, occurred_on::text, position, ledger_account, payer_id, payer_sequence, line_id, amount, account_id, remittance_id, source
		FROM ledger_legs WHERE tenant_id = $1 AND `+column+` = $2 ORDER BY position, leg`, id)
}

var remittanceStates = map[string]pb.RemittanceStatus{
	"balanced": pb.RemittanceStatus_REMITTANCE_STATUS_BALANCED, "quarantined": pb.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED,
}

// listed is a remittance and its place in the list.
type listed struct {
	*pb.Remittance
	position int64
}

const remittanceColumns = `SELECT position, remittance_id, interchange_id, payer_id, payer_name, payer_identifier, trace_number, payment_amount, effective_date, claims, status,
	deposit_id, differing_deposit_id, unapplied_amount, provider_adjustment_amount, residuals, reasons FROM remittances `

func scanRemittance(row pgx.CollectableRow) (listed, error) {
	m := listed{Remittance: &pb.Remittance{}}
	var payment, unapplied, adjustments int64
	var state string
	err := row.Scan(&m.position, &m.RemittanceId, &m.InterchangeId, &m.PayerId, &m.PayerName, &m.PayerIdentifier, &m.TraceNumber, &payment, &m.EffectiveDate, &m.Claims, &state,
		&m.DepositId, &m.DifferingDepositId, &unapplied, &adjustments, &m.Residuals, &m.Reasons)
	m.Payment, m.Unapplied, m.ProviderAdjustments, m.Status = money.Of(payment), money.Of(unapplied), money.Of(adjustments), remittanceStates[state]
	return m, err
}

// ListRemittances are the remittances, newest first.
func (s *Server) ListRemittances(ctx context.Context, r *pb.ListRemittancesRequest) (*pb.ListRemittancesResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "9223372036854775807")
	if err != nil {
		return nil, err
	}
	list, err := query(ctx, s, "remittances", scanRemittance, remittanceColumns+`WHERE tenant_id = $1 AND position < $2::text::bigint AND ($3 = '' OR status = $3)
		ORDER BY position DESC LIMIT $4`, at.Key[0], name(remittanceStates, r.Status), at.Limit+1)
	if err != nil {
		return nil, err
	}
	cut, next := page.Cut(list, at, func(m listed) []string { return []string{strconv.FormatInt(m.position, 10)} })
	out := &pb.ListRemittancesResponse{NextPageToken: next}
	for _, m := range cut {
		m.Residuals = nil
		out.Remittances = append(out.Remittances, m.Remittance)
	}
	return out, nil
}

// GetRemittance is one remittance with everything booked from it.
func (s *Server) GetRemittance(ctx context.Context, r *pb.GetRemittanceRequest) (*pb.Remittance, error) {
	list, err := query(ctx, s, "remittance", scanRemittance, remittanceColumns+`WHERE tenant_id = $1 AND remittance_id = $2`, r.RemittanceId)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, status.Errorf(codes.NotFound, "there is no remittance %s", r.RemittanceId)
	}
	m := list[0].Remittance
	m.Legs, err = s.legs(ctx, "remittance_id", r.RemittanceId)
	return m, err
}
