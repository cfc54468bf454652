package registry

import (
	"context"
	"fmt"
	"time"
	_ "time/tzdata" // time zones are known on machines without a database of them

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/page"
	"github.com/evenkeel/evenkeel/services/registry/clinician"
	"github.com/evenkeel/evenkeel/services/registry/contract"
	"github.com/evenkeel/evenkeel/services/registry/location"
	"github.com/evenkeel/evenkeel/services/registry/organization"
	"github.com/evenkeel/evenkeel/services/registry/payer"
)

// Server answers the service's gRPC methods.
type Server struct {
	pb.UnimplementedRegistryServiceServer
	rt *host.Runtime
}

// NewServer answers with a runtime.
func NewServer(rt *host.Runtime) *Server { return &Server{rt: rt} }

// RegisterOrganization registers who bills.
func (s *Server) RegisterOrganization(ctx context.Context, r *pb.RegisterOrganizationRequest) (*typev1.Receipt, error) {
	id := engine.NewID(ctx, "org")
	return engine.Execute(ctx, s.rt.Engine, organization.Stream, id, func(st organization.State, c *pb.RegisterOrganizationRequest) ([]es.Event, error) {
		return organization.Register(st, c, id)
	}, r)
}

// PublishChargeSchedule publishes gross prices.
func (s *Server) PublishChargeSchedule(ctx context.Context, r *pb.PublishChargeScheduleRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, organization.Stream, r.OrganizationId, organization.PublishCharges, r)
}

// RegisterLocation registers where visits happen.
func (s *Server) RegisterLocation(ctx context.Context, r *pb.RegisterLocationRequest) (*typev1.Receipt, error) {
	org, _, err := engine.Load(ctx, s.rt.Engine, organization.Stream, r.OrganizationId)
	if err != nil {
		return nil, err
	}
	_, badZone := time.LoadLocation(r.TimeZone)
	known := location.Known{Organization: org.Registered != nil, TimeZone: r.TimeZone != "" && r.TimeZone != "Local" && badZone == nil}
	id := engine.NewID(ctx, "loc")
	return engine.Execute(ctx, s.rt.Engine, location.Stream, id, func(st location.State, c *pb.RegisterLocationRequest) ([]es.Event, error) {
		return location.Register(st, c, id, known)
	}, r)
}

// RegisterClinician registers a clinician.
func (s *Server) RegisterClinician(ctx context.Context, r *pb.RegisterClinicianRequest) (*typev1.Receipt, error) {
	var missing []string
	for _, l := range r.LocationIds {
		at, _, err := engine.Load(ctx, s.rt.Engine, location.Stream, l)
		if err != nil {
			return nil, err
		}
		if at.Registered == nil {
			missing = append(missing, l)
		}
	}
	id := engine.NewID(ctx, "cli")
	return engine.Execute(ctx, s.rt.Engine, clinician.Stream, id, func(st clinician.State, c *pb.RegisterClinicianRequest) ([]es.Event, error) {
		return clinician.Register(st, c, id, missing)
	}, r)
}

// AssignSupervision says who supervises.
func (s *Server) AssignSupervision(ctx context.Context, r *pb.AssignSupervisionRequest) (*typev1.Receipt, error) {
	by, _, err := engine.Load(ctx, s.rt.Engine, clinician.Stream, r.SupervisorClinicianId)
	if err != nil {
		return nil, err
	}
	return engine.Execute(ctx, s.rt.Engine, clinician.Stream, r.ClinicianId, func(st clinician.State, c *pb.AssignSupervisionRequest) ([]es.Event, error) {
		return clinician.Supervise(st, c, by.Registered)
	}, r)
}

// RegisterPayer registers a payer.
func (s *Server) RegisterPayer(ctx context.Context, r *pb.RegisterPayerRequest) (*typev1.Receipt, error) {
	behavioral, _, err := engine.Load(ctx, s.rt.Engine, payer.Stream, r.BehavioralPayerId)
	if err != nil {
		return nil, err
	}
	return engine.Execute(ctx, s.rt.Engine, payer.Stream, payer.ID(r.EdiPayerId), func(st payer.State, c *pb.RegisterPayerRequest) ([]es.Event, error) {
		return payer.Register(st, c, behavioral.Registered)
	}, r)
}

// SetPayerPolicy sets a payer's rules.
func (s *Server) SetPayerPolicy(ctx context.Context, r *pb.SetPayerPolicyRequest) (*typev1.Receipt, error) {
	return engine.Execute(ctx, s.rt.Engine, payer.Stream, r.PayerId, payer.SetPolicy, r)
}

// PublishContract publishes what a payer agreed to pay.
func (s *Server) PublishContract(ctx context.Context, r *pb.PublishContractRequest) (*typev1.Receipt, error) {
	by, _, err := engine.Load(ctx, s.rt.Engine, payer.Stream, r.PayerId)
	if err != nil {
		return nil, err
	}
	id := engine.NewID(ctx, "con")
	return engine.Execute(ctx, s.rt.Engine, contract.Stream, id, func(st contract.State, c *pb.PublishContractRequest) ([]es.Event, error) {
		return contract.Publish(st, c, id, by.Registered != nil)
	}, r)
}

// GetOrganization is one organization.
func (s *Server) GetOrganization(ctx context.Context, r *pb.GetOrganizationRequest) (*pb.Organization, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, organization.Stream, r.OrganizationId)
	if err != nil {
		return nil, err
	}
	if st.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no organization %s", r.OrganizationId)
	}
	e := st.Registered
	return &pb.Organization{
		OrganizationId: r.OrganizationId, Name: e.Name, Npi: e.Npi, TaxId: e.TaxId, Taxonomy: e.Taxonomy, Address: e.Address, Phone: e.Phone, Version: int32(version),
	}, nil
}

// ListOrganizations are the tenant's organizations.
func (s *Server) ListOrganizations(ctx context.Context, r *pb.ListOrganizationsRequest) (*pb.ListOrganizationsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, `SELECT organization_id, name, npi, tax_id, taxonomy, line1, line2, city, state, postal_code, phone, version FROM organizations
		WHERE tenant_id = $1 AND organization_id > $2 ORDER BY organization_id LIMIT $3`, at.Key[0], at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.Organization, error) {
		o := &pb.Organization{Address: &typev1.Address{}}
		a := o.Address
		return o, row.Scan(&o.OrganizationId, &o.Name, &o.Npi, &o.TaxId, &o.Taxonomy, &a.Line1, &a.Line2, &a.City, &a.State, &a.PostalCode, &o.Phone, &o.Version)
	})
	if err != nil {
		return nil, fmt.Errorf("list organizations: %w", err)
	}
	out := &pb.ListOrganizationsResponse{}
	out.Organizations, out.NextPageToken = page.Cut(list, at, func(o *pb.Organization) []string { return []string{o.OrganizationId} })
	return out, nil
}

// ListChargeSchedules are an organization's prices.
func (s *Server) ListChargeSchedules(ctx context.Context, r *pb.ListChargeSchedulesRequest) (*pb.ListChargeSchedulesResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	st, _, err := engine.Load(ctx, s.rt.Engine, organization.Stream, r.OrganizationId)
	if err != nil {
		return nil, err
	}
	if st.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no organization %s", r.OrganizationId)
	}
	var list []*pb.ChargeSchedule
	for _, e := range st.Schedules {
		if e.FromDate <= at.Key[0] || len(list) > at.Limit {
			continue
		}
		schedule := &pb.ChargeSchedule{OrganizationId: e.OrganizationId, FromDate: e.FromDate}
		for _, rate := range e.Rates {
			schedule.Rates = append(schedule.Rates, &pb.ChargePrice{ServiceCode: rate.ServiceCode, Charge: money.Of(rate.ChargeAmount)})
		}
		list = append(list, schedule)
	}
	out := &pb.ListChargeSchedulesResponse{}
	out.ChargeSchedules, out.NextPageToken = page.Cut(list, at, func(c *pb.ChargeSchedule) []string { return []string{c.FromDate} })
	return out, nil
}

// GetLocation is one location.
func (s *Server) GetLocation(ctx context.Context, r *pb.GetLocationRequest) (*pb.Location, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, location.Stream, r.LocationId)
	if err != nil {
		return nil, err
	}
	if st.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no location %s", r.LocationId)
	}
	e := st.Registered
	return &pb.Location{
		LocationId: r.LocationId, OrganizationId: e.OrganizationId, Name: e.Name, Npi: e.Npi, PlaceOfService: e.PlaceOfService, Address: e.Address,
		TimeZone: e.TimeZone, Version: int32(version),
	}, nil
}

// ListLocations are the tenant's locations.
func (s *Server) ListLocations(ctx context.Context, r *pb.ListLocationsRequest) (*pb.ListLocationsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, `SELECT location_id, organization_id, name, npi, place_of_service, line1, line2, city, state, postal_code, time_zone, version FROM locations
		WHERE tenant_id = $1 AND ($2 = '' OR organization_id = $2) AND location_id > $3 ORDER BY location_id LIMIT $4`, r.OrganizationId, at.Key[0], at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list locations: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.Location, error) {
		l := &pb.Location{Address: &typev1.Address{}}
		a := l.Address
		return l, row.Scan(&l.LocationId, &l.OrganizationId, &l.Name, &l.Npi, &l.PlaceOfService, &a.Line1, &a.Line2, &a.City, &a.State, &a.PostalCode, &l.TimeZone, &l.Version)
	})
	if err != nil {
		return nil, fmt.Errorf("list locations: %w", err)
	}
	out := &pb.ListLocationsResponse{}
	out.Locations, out.NextPageToken = page.Cut(list, at, func(l *pb.Location) []string { return []string{l.LocationId} })
	return out, nil
}

// GetClinician is one clinician with the supervisions.
func (s *Server) GetClinician(ctx context.Context, r *pb.GetClinicianRequest) (*pb.Clinician, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, clinician.Stream, r.ClinicianId)
	if err != nil {
		return nil, err
	}
	if st.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no clinician %s", r.ClinicianId)
	}
	e := st.Registered
	out := &pb.Clinician{
		ClinicianId: r.ClinicianId, Name: e.Name, Npi: e.Npi, Taxonomy: e.Taxonomy, LicenseType: e.LicenseType, LicenseNumber: e.LicenseNumber,
		LicenseState: e.LicenseState, LocationIds: e.LocationIds, FromDate: e.FromDate, Version: int32(version),
	}
	for _, by := range st.Supervisions {
		out.Supervisions = append(out.Supervisions, &pb.Supervision{SupervisorClinicianId: by.SupervisorClinicianId, FromDate: by.FromDate, ThruDate: by.ThruDate})
	}
	return out, nil
}

// ListClinicians are the tenant's clinicians.
func (s *Server) ListClinicians(ctx context.Context, r *pb.ListCliniciansRequest) (*pb.ListCliniciansResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, `SELECT clinician_id, last_name, first_name, middle_name, name_suffix, npi, taxonomy, license_type, license_number, license_state, location_ids,
			coalesce(from_date::text, ''), version FROM clinicians
		WHERE tenant_id = $1 AND ($2 = '' OR location_ids @> ARRAY[$2]) AND clinician_id > $3 AND ($4 = '' OR npi = $4) ORDER BY clinician_id LIMIT $5`, r.LocationId, at.Key[0], r.Npi, at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list clinicians: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.Clinician, error) {
		c := &pb.Clinician{Name: &typev1.PersonName{}}
		n := c.Name
		return c, row.Scan(&c.ClinicianId, &n.Last, &n.First, &n.Middle, &n.Suffix, &c.Npi, &c.Taxonomy, &c.LicenseType, &c.LicenseNumber, &c.LicenseState, &c.LocationIds,
			&c.FromDate, &c.Version)
	})
	if err != nil {
		return nil, fmt.Errorf("list clinicians: %w", err)
	}
	out := &pb.ListCliniciansResponse{}
	out.Clinicians, out.NextPageToken = page.Cut(list, at, func(c *pb.Clinician) []string { return []string{c.ClinicianId} })
	return out, nil
}

// GetPayer is one payer.
func (s *Server) GetPayer(ctx context.Context, r *pb.GetPayerRequest) (*pb.Payer, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, payer.Stream, r.PayerId)
	if err != nil {
		return nil, err
	}
	if st.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no payer %s", r.PayerId)
	}
	e := st.Registered
	return &pb.Payer{
		PayerId: r.PayerId, Name: e.Name, EdiPayerId: e.EdiPayerId, FilingIndicator: e.FilingIndicator, ReceiverId: e.ReceiverId,
		BehavioralPayerId: e.BehavioralPayerId, Version: int32(version),
	}, nil
}

// ListPayers are the tenant's payers.
func (s *Server) ListPayers(ctx context.Context, r *pb.ListPayersRequest) (*pb.ListPayersResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, `SELECT payer_id, name, edi_payer_id, filing_indicator, receiver_id, behavioral_payer_id, version FROM payers
		WHERE tenant_id = $1 AND ($2 = '' OR edi_payer_id = $2) AND payer_id > $3 ORDER BY payer_id LIMIT $4`, payer.Capitals(r.EdiPayerId), at.Key[0], at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list payers: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.Payer, error) {
		p := &pb.Payer{}
		return p, row.Scan(&p.PayerId, &p.Name, &p.EdiPayerId, &p.FilingIndicator, &p.ReceiverId, &p.BehavioralPayerId, &p.Version)
	})
	if err != nil {
		return nil, fmt.Errorf("list payers: %w", err)
	}
	out := &pb.ListPayersResponse{}
	out.Payers, out.NextPageToken = page.Cut(list, at, func(p *pb.Payer) []string { return []string{p.PayerId} })
	return out, nil
}

// ListPayerPolicies are a payer's rules.
func (s *Server) ListPayerPolicies(ctx context.Context, r *pb.ListPayerPoliciesRequest) (*pb.ListPayerPoliciesResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	st, _, err := engine.Load(ctx, s.rt.Engine, payer.Stream, r.PayerId)
	if err != nil {
		return nil, err
	}
	if st.Registered == nil {
		return nil, status.Errorf(codes.NotFound, "there is no payer %s", r.PayerId)
	}
	var list []*pb.PayerPolicySet
	for _, e := range st.Policies {
		if e.FromDate > at.Key[0] && len(list) <= at.Limit {
			list = append(list, e)
		}
	}
	out := &pb.ListPayerPoliciesResponse{}
	out.Policies, out.NextPageToken = page.Cut(list, at, func(p *pb.PayerPolicySet) []string { return []string{p.FromDate} })
	return out, nil
}

// GetContract is one contract with its rates.
func (s *Server) GetContract(ctx context.Context, r *pb.GetContractRequest) (*pb.Contract, error) {
	st, version, err := engine.Load(ctx, s.rt.Engine, contract.Stream, r.ContractId)
	if err != nil {
		return nil, err
	}
	if st.Published == nil {
		return nil, status.Errorf(codes.NotFound, "there is no contract %s", r.ContractId)
	}
	e := st.Published
	out := &pb.Contract{ContractId: r.ContractId, PayerId: e.PayerId, FromDate: e.FromDate, ThruDate: e.ThruDate, Version: int32(version)}
	for _, rate := range e.Rates {
		out.Rates = append(out.Rates, &pb.AllowedPrice{ServiceCode: rate.ServiceCode, Modifier: rate.Modifier, LicenseType: rate.LicenseType, Allowed: money.Of(rate.AllowedAmount)})
	}
	return out, nil
}

// ListContracts are the tenant's contracts.
func (s *Server) ListContracts(ctx context.Context, r *pb.ListContractsRequest) (*pb.ListContractsResponse, error) {
	at, err := page.Parse(r.PageSize, r.PageToken, "")
	if err != nil {
		return nil, err
	}
	rows, err := s.query(ctx, `SELECT contract_id, payer_id, from_date::text, coalesce(thru_date::text, ''), version FROM contracts
		WHERE tenant_id = $1 AND ($2 = '' OR payer_id = $2) AND contract_id > $3 ORDER BY contract_id LIMIT $4`, r.PayerId, at.Key[0], at.Limit+1)
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*pb.Contract, error) {
		c := &pb.Contract{}
		return c, row.Scan(&c.ContractId, &c.PayerId, &c.FromDate, &c.ThruDate, &c.Version)
	})
	if err != nil {
		return nil, fmt.Errorf("list contracts: %w", err)
	}
	out := &pb.ListContractsResponse{}
	out.Contracts, out.NextPageToken = page.Cut(list, at, func(c *pb.Contract) []string { return []string{c.ContractId} })
	return out, nil
}

// query reads the caller's tenant: $1.
func (s *Server) query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	caller, ok := engine.CallerOf(ctx)
	if !ok {
		return nil, engine.ErrNoCaller
	}
	return s.rt.DB.Query(ctx, sql, append([]any{caller.Tenant}, args...)...)
}
