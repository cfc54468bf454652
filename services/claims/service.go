package claims

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/claims/claim"
	"github.com/evenkeel/evenkeel/services/claims/content"
	"github.com/evenkeel/evenkeel/services/claims/edits"
	"github.com/evenkeel/evenkeel/services/claims/pcn"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedClaimsServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// CorrectClaim prepares a new version of a claim with changed lines.
func (s *Server) CorrectClaim(ctx context.Context, r *pb.CorrectClaimRequest) (*typev1.Receipt, error) {
	_, scrub, err := s.facts(ctx, r.ClaimId)
	if err != nil {
		return nil, err
	}
	if scrub.Ours, err = s.typed(ctx, r); err != nil {
		return nil, err
	}
	return engine.Execute(ctx, s.rt.Engine, claim.Stream, r.ClaimId, func(st claim.State, c *pb.CorrectClaimRequest) ([]es.Event, error) {
		return claim.Correct(st, c, scrub)
	}, r)
}

// typed are the authorizations of ours whose numbers a correction names.
func (s *Server) typed(ctx context.Context, r *pb.CorrectClaimRequest) (map[string][]edits.Permission, error) {
	look := &looker{ctx: ctx, engine: s.rt.Engine}
	numbers := []string{r.AuthorizationNumber}
	for _, l := range r.Lines {
		numbers = append(numbers, l.AuthorizationNumber)
	}
	ours := map[string][]edits.Permission{}
	for _, number := range numbers {
		if number == "" || ours[number] != nil {
			continue
		}
		seen := map[string]bool{}
		approvals, _ := es.Find(look, claim.NumberMirror, number)
		for _, a := range approvals {
			ledger, _ := es.Find(look, claim.LedgerMirror, a.AuthorizationId)
			if !seen[a.AuthorizationId] && ledger.Approved.GetAuthNo() == number {
				ours[number] = append(ours[number], edits.Permission{Approved: ledger.Approved, InUse: ledger.InUse})
			}
			seen[a.AuthorizationId] = true
		}
	}
	return ours, look.err
}

// VoidClaim takes a claim back.
func (s *Server) VoidClaim(ctx context.Context, r *pb.VoidClaimRequest) (*typev1.Receipt, error) {
	_, scrub, err := s.facts(ctx, r.ClaimId)
	if err != nil {
		return nil, err
	}
	return engine.Execute(ctx, s.rt.Engine, claim.Stream, r.ClaimId, func(st claim.State, c *pb.VoidClaimRequest) ([]es.Event, error) {
		return claim.Void(st, c, scrub)
	}, r)
}

// ReleaseClaim sends a held claim as it is.
func (s *Server) ReleaseClaim(ctx context.Context, r *pb.ReleaseClaimRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, claim.Stream, r.ClaimId, claim.Release, r)
}

// ReportClaimStatus tells what the payer says of a version that it has not answered.
func (s *Server) ReportClaimStatus(ctx context.Context, r *pb.ReportClaimStatusRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, claim.Stream, r.ClaimId, claim.ReportStatus, r)
}

// RescrubClaim scrubs a held claim with the facts of now.
func (s *Server) RescrubClaim(ctx context.Context, r *pb.RescrubClaimRequest) (*typev1.Receipt, error) {
	fresh, scrub, err := s.facts(ctx, r.ClaimId)
	if err != nil {
		return nil, err
	}
	return engine.Execute(ctx, s.rt.Engine, claim.Stream, r.ClaimId, func(st claim.State, c *pb.RescrubClaimRequest) ([]es.Event, error) {
		scrub.Today = c.Today
		return claim.Rescrub(st, claim.Again{ClaimID: c.ClaimId, Fresh: fresh, Scrub: scrub})
	}, r)
}

// facts are what a claim would be made of and judged by now; nothing if there is no such claim, which the decision says.
func (s *Server) facts(ctx context.Context, id string) (*pb.ClaimContent, edits.Facts, error) {
	st, _, err := engine.Load(ctx, s.rt.Engine, claim.Stream, id)
	if err != nil || st.Created == nil {
		return nil, edits.Facts{}, err
	}
	look := &looker{ctx: ctx, engine: s.rt.Engine}
	coded, there := es.Find(look, claim.CodedMirror, st.Created.EncounterId)
	if look.err != nil {
		return nil, edits.Facts{}, look.err
	}
	if !there {
		return nil, edits.Facts{}, fmt.Errorf("facts of claim %s: its encounter %s is not known here", id, st.Created.EncounterId)
	}
	for _, p := range coded.ResponsiblePayers {
		if p.PayerSequence != st.Content.PayerSequence {
			continue
		}
		facts, scrub, err := claim.Gather(look, coded, p, "")
		var wait *es.WaitError
		if errors.As(err, &wait) {
			err = nil // what was known once is known still; the content stays as it is
		}
		if err = errors.Join(err, look.err); err != nil {
			return nil, edits.Facts{}, fmt.Errorf("facts of claim %s: %w", id, err)
		}
		if wait != nil || len(facts.Earlier) == 0 {
			scrub.TimelyFilingDue = st.Created.TimelyFilingDueDate
		}
		if wait != nil {
			return nil, scrub, nil
		}
		return content.Build(facts), scrub, nil
	}
	return nil, edits.Facts{}, fmt.Errorf("facts of claim %s: its encounter has no payer number %d", id, st.Content.PayerSequence)
}

// looker reads mirrors for one request. The first error is kept.
type looker struct {
	ctx    context.Context
	engine *engine.Engine
	err    error
}

// Mirrored are the events kept under the key.
func (l *looker) Mirrored(mirror, key string) []es.Event {
	events, _, err := engine.Find(l.ctx, l.engine, es.Mirror[[]es.Event]{Name: mirror, Evolve: func(all []es.Event, e es.Event) []es.Event { return append(all, e) }}, key)
	l.err = errors.Join(l.err, err)
	return events
}

const columns = `SELECT claim_id, patient_control_number, encounter_id, account_id, patient_id, payer_id, payer_sequence, location_id, service_date::text, charge_amount, paid_amount,
	patient_responsibility_amount, denied_amount, status, transport, adjudication, work, claim_version, frequency_code, payer_claim_control_number,
	coalesce(submitted_date::text, ''), coalesce(timely_filing_due_date::text, ''), imported, version FROM claims `

func scan(row pgx.CollectableRow) (*pb.ClaimSummary, error) {
	c := &pb.ClaimSummary{}
	var sequence, frequency int32
	var charge, paid, patient, denied int64
	var state, transport, adjudication, work string
	err := row.Scan(&c.ClaimId, &c.PatientControlNumber, &c.EncounterId, &c.AccountId, &c.PatientId, &c.PayerId, &sequence, &c.LocationId, &c.ServiceDate, &charge, &paid,
		&patient, &denied, &state, &transport, &adjudication, &work, &c.ClaimVersion, &frequency, &c.PayerClaimControlNumber,
		&c.SubmittedDate, &c.TimelyFilingDueDate, &c.Imported, &c.Version)
	c.PayerSequence, c.FrequencyCode = typev1.PayerSequence(sequence), pb.FrequencyCode(frequency)
	c.Charge, c.Paid, c.PatientResponsibility, c.Denied = money.Of(charge), money.Of(paid), money.Of(patient), money.Of(denied)
	c.Status = pb.ClaimStatus(pb.ClaimStatus_value["CLAIM_STATUS_"+strings.ToUpper(state)])
	c.Transport = pb.TransportStatus(pb.TransportStatus_value["TRANSPORT_STATUS_"+strings.ToUpper(transport)])
	c.Adjudication = pb.AdjudicationStatus(pb.AdjudicationStatus_value["ADJUDICATION_STATUS_"+strings.ToUpper(adjudication)])
	c.Work = pb.WorkStatus(pb.WorkStatus_value["WORK_STATUS_"+strings.ToUpper(work)])
	return c, err
}

// NumberTypedRight: a claim number that is looked for has its check character. Source: package pcn.
var NumberTypedRight = refuse.Rule{ID: "claims.number_typed_right", Version: 1, Owner: "billing"}

// word is the status as the table has it; empty for unspecified.
func word(s pb.ClaimStatus) string {
	if s == pb.ClaimStatus_CLAIM_STATUS_UNSPECIFIED {
		return ""
	}
	return strings.ToLower(strings.TrimPrefix(s.String(), "CLAIM_STATUS_"))
}

// ListClaims are claims, newest service date first.
func (s *Server) ListClaims(ctx context.Context, r *pb.ListClaimsRequest) (*pb.ListClaimsResponse, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	at, err := page.Parse(r.PageSize, r.PageToken, "9999-12-31", "")
	var no refuse.List
	no.If(r.PatientControlNumber != "" && !pcn.Valid(r.PatientControlNumber), NumberTypedRight, "patient_control_number",
		"%q is no number of ours: a character is wrong, missing or swapped", r.PatientControlNumber)
	if err := refuse.Together(err, no.Err()); err != nil {
		return nil, err
	}
	query, args := columns+`WHERE tenant_id = $1 AND (service_date, claim_id) < ($2::text::date, $3)`, []any{caller.Tenant, at.Key[0], at.Key[1]}
	for _, f := range []struct{ column, value string }{
		{"payer_id", r.PayerId}, {"status", word(r.Status)}, {"patient_id", r.PatientId}, {"encounter_id", r.EncounterId}, {"location_id", r.LocationId},
		{"patient_control_number", r.PatientControlNumber},
	} {
		if f.value != "" { // only what is asked for, so that its index is used
			args = append(args, f.value)
			query += fmt.Sprintf(" AND %s = $%d", f.column, len(args))
		}
	}
	rows, err := s.rt.DB.Query(ctx, fmt.Sprintf("%s ORDER BY service_date DESC, claim_id DESC LIMIT %d", query, at.Limit+1), args...)
	if err != nil {
		return nil, fmt.Errorf("list claims: %w", err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list claims: %w", err)
	}
	out := &pb.ListClaimsResponse{}
	out.Claims, out.NextPageToken = page.Cut(list, at, func(c *pb.ClaimSummary) []string { return []string{c.ServiceDate, c.ClaimId} })
	return out, nil
}

// GetClaim is one claim: the row with its status, the rest folded from what happened to it.
func (s *Server) GetClaim(ctx context.Context, r *pb.GetClaimRequest) (*pb.Claim, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	rows, err := s.rt.DB.Query(ctx, columns+`WHERE tenant_id = $1 AND claim_id = $2`, caller.Tenant, r.ClaimId)
	if err != nil {
		return nil, fmt.Errorf("get claim: %w", err)
	}
	summary, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, status.Errorf(codes.NotFound, "there is no claim %s", r.ClaimId)
	}
	if err != nil {
		return nil, fmt.Errorf("get claim: %w", err)
	}
	history, err := s.rt.Engine.History(ctx, claim.Stream.Name(r.ClaimId))
	if err != nil {
		return nil, err
	}
	return show(summary, history), nil
}
