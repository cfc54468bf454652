package authorization

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/authorization/requirement"
	"github.com/evenkeel/evenkeel/services/authorization/unitledger"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedAuthorizationServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// RequestAuthorization records that permission was asked for.
func (s *Server) RequestAuthorization(ctx context.Context, r *pb.RequestAuthorizationRequest) (*typev1.Receipt, error) {
	_, patient, err := engine.Find(ctx, s.rt.Engine, unitledger.PatientMirror, r.PatientId)
	if err != nil {
		return nil, err
	}
	_, payer, err := engine.Find(ctx, s.rt.Engine, requirement.PolicyMirror, r.PayerId)
	if err != nil {
		return nil, err
	}
	id := engine.NewID(ctx, "aut")
	return engine.Execute(ctx, s.rt.Engine, unitledger.Stream, id, func(st unitledger.State, c *pb.RequestAuthorizationRequest) ([]es.Event, error) {
		return unitledger.Request(st, c, id, unitledger.Known{Patient: patient, Payer: payer})
	}, r)
}

// ApproveAuthorization records the payer's approval.
func (s *Server) ApproveAuthorization(ctx context.Context, r *pb.ApproveAuthorizationRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, unitledger.Stream, r.AuthorizationId, unitledger.Approve, r)
}

// DenyAuthorization records the payer's no.
func (s *Server) DenyAuthorization(ctx context.Context, r *pb.DenyAuthorizationRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, unitledger.Stream, r.AuthorizationId, unitledger.Deny, r)
}

// ReserveUnits holds units for a visit.
func (s *Server) ReserveUnits(ctx context.Context, r *pb.ReserveUnitsRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, unitledger.Stream, r.AuthorizationId, unitledger.Reserve, r)
}

// ReleaseUnits gives a visit's units back.
func (s *Server) ReleaseUnits(ctx context.Context, r *pb.ReleaseUnitsRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, unitledger.Stream, r.AuthorizationId, unitledger.Release, r)
}

const columns = `SELECT authorization_id, patient_id, payer_id, status, auth_no, from_date::text, thru_date::text, version, location_ids,
	(SELECT coalesce(json_agg(json_build_object('service_code', u.service_code, 'approved', u.approved, 'held', u.held, 'consumed', u.consumed,
		'left', u.approved - u.held - u.consumed) ORDER BY u.service_code), '[]')
	 FROM authorization_units u WHERE u.tenant_id = a.tenant_id AND u.authorization_id = a.authorization_id)
	FROM authorizations a `

func scan(row pgx.CollectableRow) (*pb.Authorization, error) {
	a := &pb.Authorization{}
	var state string
	err := row.Scan(&a.AuthorizationId, &a.PatientId, &a.PayerId, &state, &a.AuthNo, &a.FromDate, &a.ThruDate, &a.Version, &a.LocationIds, &a.Units)
	a.Status = map[string]pb.AuthorizationStatus{
		"requested": pb.AuthorizationStatus_AUTHORIZATION_STATUS_REQUESTED,
		"approved":  pb.AuthorizationStatus_AUTHORIZATION_STATUS_APPROVED,
		"denied":    pb.AuthorizationStatus_AUTHORIZATION_STATUS_DENIED,
	}[state]
	return a, err
}

// GetAuthorization is one authorization with its units.
func (s *Server) GetAuthorization(ctx context.Context, r *pb.GetAuthorizationRequest) (*pb.Authorization, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	rows, err := s.rt.DB.Query(ctx, columns+`WHERE tenant_id = $1 AND authorization_id = $2`, caller.Tenant, r.AuthorizationId)
	if err != nil {
		return nil, fmt.Errorf("get authorization: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scan)
	if err == pgx.ErrNoRows {
		return nil, status.Errorf(codes.NotFound, "there is no authorization %s", r.AuthorizationId)
	}
	if err != nil {
		return nil, fmt.Errorf("get authorization: %w", err)
	}
	a.Entries, err = s.entries(ctx, a)
	return a, err
}

// entries are the changes of an authorization's ledger: who reserved and used how many units, and when.
func (s *Server) entries(ctx context.Context, a *pb.Authorization) ([]*pb.AuthorizationEntry, error) {
	history, err := s.rt.Engine.History(ctx, unitledger.Stream.Name(a.AuthorizationId))
	if err != nil {
		return nil, err
	}
	var out []*pb.AuthorizationEntry
	for _, r := range history {
		out = append(out, entries(r)...)
	}
	for _, e := range out {
		claims, _, err := engine.Find(ctx, s.rt.Engine, ClaimMirror, e.EncounterId)
		if err != nil {
			return nil, err
		}
		e.ClaimId = claims[a.PayerId]
	}
	return out, nil
}

// ListAuthorizations are the authorizations of one patient.
func (s *Server) ListAuthorizations(ctx context.Context, r *pb.ListAuthorizationsRequest) (*pb.ListAuthorizationsResponse, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	at, err := page.Parse(r.PageSize, r.PageToken, "9999-12-31", "")
	if err != nil {
		return nil, err
	}
	rows, err := s.rt.DB.Query(ctx, columns+`WHERE tenant_id = $1 AND patient_id = $2 AND (from_date, authorization_id) < ($3::text::date, $4)
		OR tenant_id = $1 AND patient_id = $2 AND $4 = '' ORDER BY from_date DESC, authorization_id DESC LIMIT $5`,
		caller.Tenant, r.PatientId, at.Key[0], at.Key[1], at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list authorizations: %w", err)
	}
	list, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list authorizations: %w", err)
	}
	out := &pb.ListAuthorizationsResponse{}
	out.Authorizations, out.NextPageToken = page.Cut(list, at, func(a *pb.Authorization) []string { return []string{a.FromDate, a.AuthorizationId} })
	return out, nil
}

// CheckRequirement says whether a payer wants an authorization.
func (s *Server) CheckRequirement(ctx context.Context, r *pb.CheckRequirementRequest) (*pb.CheckRequirementResponse, error) {
	if !date.Valid(r.ServiceDate) {
		return nil, refuse.Because(requirement.DayExists, "service_date", "%q is not a day: write YYYY-MM-DD", r.ServiceDate)
	}
	policies, known, err := engine.Find(ctx, s.rt.Engine, requirement.PolicyMirror, r.PayerId)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, status.Errorf(codes.NotFound, "there is no payer %s", r.PayerId)
	}
	required, basis := requirement.Answer(policies, r.ServiceCode, r.ServiceDate)
	return &pb.CheckRequirementResponse{Required: required, Basis: basis, RuleId: requirement.PayerWants.ID}, nil
}
