package registry_test

import (
	"fmt"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/registry"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var address = &typev1.Address{Line1: "12 Main St", City: "Springfield", State: "IL", PostalCode: "627010001"}

// The service through its API, on PostgreSQL and a broker: a group is set up, each thing is read back, alone and in its list.
func TestAGroupIsSetUp(t *testing.T) {
	p := hosttest.Start(t, nil, registry.New())
	api := pb.NewRegistryServiceClient(hosttest.Conn(t, p, "registry"))
	n := 0
	must := func(r *typev1.Receipt, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r.Id
	}
	ctx := t.Context()
	key := func() string { n++; return fmt.Sprint("k", n) }
	org := must(api.RegisterOrganization(hosttest.As(ctx, p, key()), &pb.RegisterOrganizationRequest{
		Name: "Evergreen Group", Npi: "1234567893", TaxId: "123456789", Taxonomy: "261QM0801X", Address: address, Phone: "2175550100",
	}))
	must(api.PublishChargeSchedule(hosttest.As(ctx, p, key()), &pb.PublishChargeScheduleRequest{
		OrganizationId: org, FromDate: "2026-01-01", Rates: []*pb.ChargePrice{{ServiceCode: "90837", Charge: money.Of(20000)}},
	}))
	must(api.PublishChargeSchedule(hosttest.As(ctx, p, key()), &pb.PublishChargeScheduleRequest{
		OrganizationId: org, FromDate: "2026-07-01", Rates: []*pb.ChargePrice{{ServiceCode: "90837", Charge: money.Of(22000)}},
	}))
	loc := must(api.RegisterLocation(hosttest.As(ctx, p, key()), &pb.RegisterLocationRequest{
		OrganizationId: org, Name: "Downtown", PlaceOfService: "11", Address: address, TimeZone: "America/Chicago",
	}))
	clinician := func(first string, l typev1.LicenseType) string {
		return must(api.RegisterClinician(hosttest.As(ctx, p, key()), &pb.RegisterClinicianRequest{
			Name: &typev1.PersonName{Last: "Ames", First: first}, Npi: "1234567893", Taxonomy: "101YM0800X", LicenseType: l, LicenseNumber: "L1", LicenseState: "IL",
			LocationIds: []string{loc}, FromDate: "2026-01-01",
		}))
	}
	lead := clinician("Rita", typev1.LicenseType_LICENSE_TYPE_PSYCHOLOGIST)
	associate := clinician("Sam", typev1.LicenseType_LICENSE_TYPE_ASSOCIATE)
	must(api.AssignSupervision(hosttest.As(ctx, p, key()), &pb.AssignSupervisionRequest{ClinicianId: associate, SupervisorClinicianId: lead, FromDate: "2026-01-01"}))
	payer := func(edi, behavioral string) string {
		return must(api.RegisterPayer(hosttest.As(ctx, p, key()), &pb.RegisterPayerRequest{Name: "Payer " + edi, EdiPayerId: edi, FilingIndicator: "CI", ReceiverId: "HOUSE", BehavioralPayerId: behavioral}))
	}
	mind := payer("mind9", "")
	blue := payer("00621", mind)
	must(api.SetPayerPolicy(hosttest.As(ctx, p, key()), &pb.SetPayerPolicyRequest{
		PayerId: mind, FromDate: "2026-01-01", TimelyFilingDays: 90, AuthorizationCodes: []string{"90837"}, SupervisedBilling: pb.SupervisedBilling_SUPERVISED_BILLING_SUPERVISOR_RENDERS,
	}))
	contract := must(api.PublishContract(hosttest.As(ctx, p, key()), &pb.PublishContractRequest{
		PayerId: mind, FromDate: "2026-01-01", Rates: []*pb.AllowedPrice{{ServiceCode: "90837", Allowed: money.Of(12000)}},
	}))

	read := hosttest.As(ctx, p, "")
	if o, err := api.GetOrganization(read, &pb.GetOrganizationRequest{OrganizationId: org}); err != nil || o.Name != "Evergreen Group" || o.Version != 3 {
		t.Errorf("organization: %v, %v", o, err)
	}
	if l, err := api.ListOrganizations(read, &pb.ListOrganizationsRequest{}); err != nil || len(l.Organizations) != 1 || l.Organizations[0].Address.City != "Springfield" || l.Organizations[0].Version != 3 {
		t.Errorf("organizations: %v, %v", l, err)
	}
	first, err := api.ListChargeSchedules(read, &pb.ListChargeSchedulesRequest{OrganizationId: org, PageSize: 1})
	if err != nil || len(first.ChargeSchedules) != 1 || first.ChargeSchedules[0].Rates[0].Charge.AmountMinor != 20000 || first.NextPageToken == "" {
		t.Fatalf("first charge schedule: %v, %v", first, err)
	}
	if l, err := api.ListChargeSchedules(read, &pb.ListChargeSchedulesRequest{OrganizationId: org, PageSize: 1, PageToken: first.NextPageToken}); err != nil || len(l.ChargeSchedules) != 1 || l.ChargeSchedules[0].FromDate != "2026-07-01" || l.NextPageToken != "" {
		t.Errorf("second charge schedule: %v, %v", l, err)
	}
	if l, err := api.ListLocations(read, &pb.ListLocationsRequest{OrganizationId: org}); err != nil || len(l.Locations) != 1 || l.Locations[0].TimeZone != "America/Chicago" {
		t.Errorf("locations: %v, %v", l, err)
	}
	if c, err := api.GetClinician(read, &pb.GetClinicianRequest{ClinicianId: associate}); err != nil || len(c.Supervisions) != 1 || c.Supervisions[0].SupervisorClinicianId != lead {
		t.Errorf("clinician: %v, %v", c, err)
	}
	some, err := api.ListClinicians(read, &pb.ListCliniciansRequest{LocationId: loc, PageSize: 1})
	if err != nil || len(some.Clinicians) != 1 || some.NextPageToken == "" || some.Clinicians[0].LicenseType == 0 || some.Clinicians[0].FromDate != "2026-01-01" {
		t.Fatalf("clinicians: %v, %v", some, err)
	}
	if rest, err := api.ListClinicians(read, &pb.ListCliniciansRequest{LocationId: loc, PageSize: 1, PageToken: some.NextPageToken}); err != nil || len(rest.Clinicians) != 1 || rest.Clinicians[0].ClinicianId == some.Clinicians[0].ClinicianId {
		t.Errorf("the other clinicians: %v, %v", rest, err)
	}
	if l, err := api.ListPayers(read, &pb.ListPayersRequest{EdiPayerId: "MIND9"}); err != nil || len(l.Payers) != 1 || l.Payers[0].PayerId != mind || l.Payers[0].Version != 2 {
		t.Errorf("payers: %v, %v", l, err)
	}
	if g, err := api.GetPayer(read, &pb.GetPayerRequest{PayerId: blue}); err != nil || g.BehavioralPayerId != mind {
		t.Errorf("payer: %v, %v", g, err)
	}
	if l, err := api.ListPayerPolicies(read, &pb.ListPayerPoliciesRequest{PayerId: mind}); err != nil || len(l.Policies) != 1 {
		t.Errorf("policies: %v, %v", l, err)
	}
	if c, err := api.GetContract(read, &pb.GetContractRequest{ContractId: contract}); err != nil || len(c.Rates) != 1 || c.Rates[0].Allowed.AmountMinor != 12000 {
		t.Errorf("contract: %v, %v", c, err)
	}
	if l, err := api.ListContracts(read, &pb.ListContractsRequest{PayerId: mind}); err != nil || len(l.Contracts) != 1 || l.Contracts[0].ThruDate != "" {
		t.Errorf("contracts: %v, %v", l, err)
	}
	if _, err := api.GetLocation(read, &pb.GetLocationRequest{LocationId: "loc_9"}); status.Code(err) != codes.NotFound {
		t.Errorf("a location that does not exist: %v", err)
	}
	if _, err := api.RegisterPayer(hosttest.As(ctx, p, key()), &pb.RegisterPayerRequest{Name: "Mind", EdiPayerId: "MIND9", FilingIndicator: "CI", ReceiverId: "HOUSE"}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a payer registered twice: %v", err)
	}
}

// A claim of another billing system registers who it names; what it lacks is left open; the next claim changes nothing.
func TestAnImportedClaimRegistersWhoItNames(t *testing.T) {
	p := hosttest.Start(t, nil, registry.New())
	api := pb.NewRegistryServiceClient(hosttest.Conn(t, p, "registry"))
	claim := func(id string) *exchangev1.ClaimImported {
		return &exchangev1.ClaimImported{
			ImportId: id, PatientId: "pat_1", OrganizationId: "org_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: "not a day", PlaceOfService: "11",
			BillingProvider:   &claimsv1.Provider{OrganizationName: "Old Group", Npi: "123456789"},
			RenderingProvider: &claimsv1.Provider{Name: &typev1.PersonName{Last: "Ames"}},
			Coverages:         []*exchangev1.ImportedCoverage{{CoverageId: "cov_1", PayerId: "pay_1", PayerName: "Blue", EdiPayerId: "00621"}},
		}
	}
	hosttest.Publish(t, p, "exchange", "interchange/itc_1", claim("imp_1"))
	hosttest.Publish(t, p, "exchange", "interchange/itc_1", claim("imp_2"))
	hosttest.Publish(t, p, "exchange", "interchange/itc_1", &exchangev1.ClaimImported{ImportId: "imp_3", OrganizationId: "org_2"})
	read := hosttest.As(t.Context(), p, "")
	hosttest.Until(t, "all are registered", func() error {
		_, err := api.GetOrganization(read, &pb.GetOrganizationRequest{OrganizationId: "org_2"}) // of the last claim
		return err
	})
	if o, err := api.GetOrganization(read, &pb.GetOrganizationRequest{OrganizationId: "org_1"}); err != nil || o.Npi != "123456789" || o.TaxId != "" || o.Version != 1 {
		t.Errorf("organization: %v, %v", o, err)
	}
	if l, err := api.GetLocation(read, &pb.GetLocationRequest{LocationId: "loc_1"}); err != nil || l.OrganizationId != "org_1" || l.Version != 1 {
		t.Errorf("location: %v, %v", l, err)
	}
	if l, err := api.ListClinicians(read, &pb.ListCliniciansRequest{}); err != nil || len(l.Clinicians) != 1 || l.Clinicians[0].FromDate != "" {
		t.Errorf("clinicians: %v, %v", l, err)
	}
	if l, err := api.ListPayers(read, &pb.ListPayersRequest{}); err != nil || len(l.Payers) != 1 || l.Payers[0].ReceiverId != "00621" {
		t.Errorf("payers: %v, %v", l, err)
	}
}
