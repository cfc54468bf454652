package collections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/collections/patientbalance"
	"github.com/evenkeel/evenkeel/services/collections/statement"
	"github.com/evenkeel/evenkeel/services/collections/workitem"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedCollectionsServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// AssignWorkItem gives an item to somebody.
func (s *Server) AssignWorkItem(ctx context.Context, r *pb.AssignWorkItemRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, workitem.Stream, r.WorkItemId, workitem.Assign, r)
}

// ResolveWorkItem closes an item by hand.
func (s *Server) ResolveWorkItem(ctx context.Context, r *pb.ResolveWorkItemRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, workitem.Stream, r.WorkItemId, workitem.Resolve, r)
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

const (
	workItemColumns = `SELECT w.work_item_id, w.kind, w.title, w.detail, w.owner, w.assignee, w.state, w.opened_date::text, w.due_date::text, w.at_risk_amount, w.default_action, w.outcome, w.automatic,
	w.patient_id, w.claim_id, w.account_id, w.encounter_id, w.appointment_id, w.remittance_id, w.deposit_id, w.interchange_id, w.payer_id, w.authorization_id, w.version, w.note,
	` + workItemNumber + `, `
	workItemNumber = `coalesce(n.patient_control_number, '')`
	workItemsFrom  = ` FROM work_items w` + workItemsOf
	workItemsOf    = ` LEFT JOIN claim_numbers n ON n.tenant_id = w.tenant_id AND n.claim_id = w.claim_id WHERE w.tenant_id = $1`
	// as they were on the day $9
	workItemsAsOf = ` FROM work_item_days w` + workItemsOf + ` AND w.from_day <= $9::text::date AND w.thru_day > $9::text::date`
)

// DayExists: a day is a real calendar day. Source: the calendar.
var DayExists = refuse.Rule{ID: "collections.day_exists", Version: 1, Owner: "integrations"}

// workItemSorts are what work items can be sorted by.
var workItemSorts = map[string]page.Column{
	"due_date": page.Day("w.due_date"), "opened_date": page.Day("w.opened_date"), "at_risk": page.Number("w.at_risk_amount"),
	"title": page.Text("w.title"), "owner": page.Text("w.owner"), "assignee": page.Text("w.assignee"),
	"patient_control_number": page.Text(workItemNumber),
}

func scanWorkItem(row pgx.CollectableRow) (page.Keyed[*pb.WorkItem], error) {
	w := &pb.WorkItem{}
	k := page.Keyed[*pb.WorkItem]{Row: w}
	var state string
	var atRisk int64
	err := row.Scan(&w.WorkItemId, &w.Kind, &w.Title, &w.Detail, &w.Owner, &w.Assignee, &state, &w.OpenedDate, &w.DueDate, &atRisk, &w.DefaultAction, &w.Outcome, &w.Automatic,
		&w.PatientId, &w.ClaimId, &w.AccountId, &w.EncounterId, &w.AppointmentId, &w.RemittanceId, &w.DepositId, &w.InterchangeId, &w.PayerId, &w.AuthorizationId, &w.Version, &w.Note,
		&w.PatientControlNumber, &k.Key)
	w.AtRisk, w.State = money.Of(atRisk), pb.WorkItemState_WORK_ITEM_STATE_OPEN
	if state == "resolved" {
		w.State = pb.WorkItemState_WORK_ITEM_STATE_RESOLVED
	}
	return k, err
}

// ListWorkItems are the items, as of a day where one is named, in the order asked for; earliest due first where none is.
func (s *Server) ListWorkItems(ctx context.Context, r *pb.ListWorkItemsRequest) (*pb.ListWorkItemsResponse, error) {
	o, err := page.Sorted(r.Sort, "due_date", workItemSorts, []string{"w.work_item_id"}, r.PageSize, r.PageToken)
	var no refuse.List
	no.If(r.AsOf != "" && !date.Valid(r.AsOf), DayExists, "as_of", "%q is not a day: write YYYY-MM-DD", r.AsOf)
	if err := refuse.Together(no.Err(), err); err != nil {
		return nil, err
	}
	state := map[pb.WorkItemState]string{pb.WorkItemState_WORK_ITEM_STATE_OPEN: "open", pb.WorkItemState_WORK_ITEM_STATE_RESOLVED: "resolved"}[r.State]
	from, next := workItemsFrom, 9
	args := []any{r.Owner, r.Kind, state, r.PatientId, r.ClaimId, r.Assignee, r.PatientControlNumber}
	if r.AsOf != "" {
		from, next, args = workItemsAsOf, 10, append(args, r.AsOf)
	}
	after, values := o.After(next)
	list, err := query(ctx, s, "work items", scanWorkItem, workItemColumns+o.Key()+from+`
		AND ($2 = '' OR w.owner = $2) AND ($3 = '' OR w.kind = $3) AND ($4 = '' OR w.state = $4) AND ($5 = '' OR w.patient_id = $5) AND ($6 = '' OR w.claim_id = $6)
		AND ($7 = '' OR w.assignee = $7) AND ($8 = '' OR n.patient_control_number = $8) AND `+after+o.By(),
		append(args, values...)...)
	if err != nil {
		return nil, err
	}
	out := &pb.ListWorkItemsResponse{}
	out.WorkItems, out.NextPageToken = page.CutSorted(list, o)
	return out, nil
}

// GetWorkItem is one item.
func (s *Server) GetWorkItem(ctx context.Context, r *pb.GetWorkItemRequest) (*pb.WorkItem, error) {
	list, err := query(ctx, s, "work item", scanWorkItem, workItemColumns+`ARRAY[]::text[]`+workItemsFrom+` AND w.work_item_id = $2`, r.WorkItemId)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, status.Errorf(codes.NotFound, "there is no work item %s", r.WorkItemId)
	}
	return list[0].Row, nil
}

// GetPatientBalance is what a patient owes, by account, and why.
func (s *Server) GetPatientBalance(ctx context.Context, r *pb.GetPatientBalanceRequest) (*pb.PatientBalance, error) {
	_, known, err := engine.Find(ctx, s.rt.Engine, patientbalance.PatientMirror, r.PatientId)
	if err != nil {
		return nil, err
	}
	st, version, err := engine.Load(ctx, s.rt.Engine, patientbalance.Stream, r.PatientId)
	if err != nil {
		return nil, err
	}
	if !known && version == 0 {
		return nil, status.Errorf(codes.NotFound, "there is no patient %s", r.PatientId)
	}
	held, _, err := engine.Find(ctx, s.rt.Engine, patientbalance.FundsMirror, r.PatientId)
	if err != nil {
		return nil, err
	}
	out := &pb.PatientBalance{PatientId: r.PatientId, Balance: money.Of(st.Balance), Unapplied: money.Of(held), LastStatementId: st.Last.GetStatementId(), LastStatementDate: st.Last.GetStatementDate()}
	for _, a := range patientbalance.Owing(st) {
		story, _, err := engine.Find(ctx, s.rt.Engine, patientbalance.StoryMirror, a.ID)
		if err != nil {
			return nil, err
		}
		l := story.Line(a)
		out.Accounts = append(out.Accounts, &pb.PatientAccountBalance{
			AccountId: l.AccountId, ServiceDate: l.ServiceDate, Balance: money.Of(l.BalanceAmount), Explanation: l.Explanation, Charge: money.Of(l.ChargeAmount),
			InsurancePaid: money.Of(l.InsurancePaidAmount), Adjusted: money.Of(l.AdjustedAmount), PatientPaid: money.Of(l.PatientPaidAmount),
			InsuranceOpen: money.Of(story.WithInsurance()),
		})
	}
	return out, nil
}

// IssueStatement writes a statement now.
func (s *Server) IssueStatement(ctx context.Context, r *pb.IssueStatementRequest) (*typev1.Receipt, error) {
	facts, err := s.facts(ctx, r.PatientId)
	if err != nil {
		return nil, err
	}
	id := engine.NewID(ctx, "stm")
	receipt, err := engine.Execute(ctx, s.rt.Engine, patientbalance.Stream, r.PatientId, func(st patientbalance.State, c *pb.IssueStatementRequest) ([]es.Event, error) {
		return patientbalance.Issue(st, c, id, facts)
	}, r)
	if err != nil {
		return nil, err
	}
	receipt.Id = id // of what was made, which lives on the stream of the patient's balance
	return receipt, nil
}

// facts are what a statement says beside the balance, as the mirrors know it now.
func (s *Server) facts(ctx context.Context, patientID string) (patientbalance.Facts, error) {
	var facts patientbalance.Facts
	patient, known, err := engine.Find(ctx, s.rt.Engine, patientbalance.PatientMirror, patientID)
	if err != nil || !known {
		return facts, err
	}
	facts = patientbalance.Facts{Patient: true, Name: patient.Name, Address: patient.Address, Accounts: map[string]patientbalance.Story{}}
	if facts.Held, _, err = engine.Find(ctx, s.rt.Engine, patientbalance.FundsMirror, patientID); err != nil {
		return facts, err
	}
	ids, _, err := engine.Find(ctx, s.rt.Engine, patientbalance.AccountsMirror, patientID)
	if err != nil {
		return facts, err
	}
	for _, id := range ids {
		if facts.Accounts[id], _, err = engine.Find(ctx, s.rt.Engine, patientbalance.StoryMirror, id); err != nil {
			return facts, err
		}
	}
	var failed error
	facts.Sender = patientbalance.SenderOf(ids, facts.Accounts, func(id string) string {
		organizationID, _, err := engine.Find(ctx, s.rt.Engine, patientbalance.LocationMirror, id)
		if err != nil {
			failed = err
		}
		return organizationID
	}, func(id string) patientbalance.Sender {
		sender, _, err := engine.Find(ctx, s.rt.Engine, patientbalance.OrganizationMirror, id)
		if err != nil {
			failed = err
		}
		return sender
	})
	return facts, failed
}

// ListStatements are one patient's statements, newest first.
func (s *Server) ListStatements(ctx context.Context, r *pb.ListStatementsRequest) (*pb.ListStatementsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "9999-12-31", "")
	if err != nil {
		return nil, err
	}
	list, err := query(ctx, s, "statements", func(row pgx.CollectableRow) (*pb.Statement, error) {
		x := &pb.Statement{}
		var balance, held int64
		err := row.Scan(&x.StatementId, &x.PatientId, &x.StatementDate, &x.DueDate, &balance, &held)
		x.Balance, x.Held, x.ToPay = money.Of(balance), money.Of(held), money.Of(max(balance-held, 0))
		return x, err
	}, `SELECT statement_id, patient_id, statement_date::text, due_date::text, balance_amount, held_amount FROM statements
		WHERE tenant_id = $1 AND patient_id = $2 AND (statement_date, statement_id) < ($3::text::date, $4)
		ORDER BY statement_date DESC, statement_id DESC LIMIT $5`, r.PatientId, at.Key[0], at.Key[1], at.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &pb.ListStatementsResponse{}
	out.Statements, out.NextPageToken = page.Cut(list, at, func(x *pb.Statement) []string { return []string{x.StatementDate, x.StatementId} })
	return out, nil
}

// issued is a statement as it was written, opened from its patient's stream.
func (s *Server) issued(ctx context.Context, id string) (*pb.StatementIssued, error) {
	patients, err := query(ctx, s, "statement", pgx.RowTo[string], `SELECT patient_id FROM statements WHERE tenant_id = $1 AND statement_id = $2`, id)
	if err != nil {
		return nil, err
	}
	if len(patients) > 0 {
		history, err := s.rt.Engine.History(ctx, patientbalance.Stream.Name(patients[0]))
		if err != nil {
			return nil, err
		}
		for _, r := range history {
			if e, ok := r.Event.(*pb.StatementIssued); ok && e.StatementId == id {
				return e, nil
			}
		}
	}
	return nil, status.Errorf(codes.NotFound, "there is no statement %s", id)
}

// GetStatement is one statement.
func (s *Server) GetStatement(ctx context.Context, r *pb.GetStatementRequest) (*pb.Statement, error) {
	e, err := s.issued(ctx, r.StatementId)
	if err != nil {
		return nil, err
	}
	out := &pb.Statement{
		StatementId: e.StatementId, PatientId: e.PatientId, StatementDate: e.StatementDate, DueDate: e.DueDate, Balance: money.Of(e.BalanceAmount),
		Held: money.Of(e.HeldAmount), ToPay: money.Of(patientbalance.ToPay(e)), PatientName: e.PatientName, PatientAddress: e.PatientAddress,
		OrganizationName: e.OrganizationName, OrganizationAddress: e.OrganizationAddress, OrganizationPhone: e.OrganizationPhone,
	}
	for _, l := range e.Lines {
		out.Entries = append(out.Entries, &pb.StatementEntry{
			AccountId: l.AccountId, ServiceDate: l.ServiceDate, Explanation: l.Explanation, Charge: money.Of(l.ChargeAmount), InsurancePaid: money.Of(l.InsurancePaidAmount),
			Adjusted: money.Of(l.AdjustedAmount), PatientPaid: money.Of(l.PatientPaidAmount), Balance: money.Of(l.BalanceAmount),
		})
	}
	return out, nil
}

// GetStatementHtml is one statement as a page.
func (s *Server) GetStatementHtml(ctx context.Context, r *pb.GetStatementHtmlRequest) (*httpbody.HttpBody, error) {
	return s.body(ctx, r.StatementId, "text/html; charset=utf-8", statement.HTML)
}

// GetStatementPdf is one statement as a letter.
func (s *Server) GetStatementPdf(ctx context.Context, r *pb.GetStatementPdfRequest) (*httpbody.HttpBody, error) {
	return s.body(ctx, r.StatementId, "application/pdf", statement.PDF)
}

func (s *Server) body(ctx context.Context, id, contentType string, write func(*pb.StatementIssued) ([]byte, error)) (*httpbody.HttpBody, error) {
	e, err := s.issued(ctx, id)
	if err != nil {
		return nil, err
	}
	data, err := write(e)
	if err != nil {
		return nil, err
	}
	return &httpbody.HttpBody{ContentType: contentType, Data: data}, nil
}
