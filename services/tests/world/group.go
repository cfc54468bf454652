package world

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/refuse"
	"github.com/evenkeel/evenkeel/services/intake/coverage"
	"github.com/evenkeel/evenkeel/services/intake/eligibility"
	"github.com/evenkeel/evenkeel/services/intake/known"
	"github.com/evenkeel/evenkeel/services/intake/patient"
)

// Group is a small group of clinicians in a world, with patients to see.
type Group struct {
	World        *World
	Organization string
	Location     string
	Clinicians   []string
	Payers       []string // the payer simulator's plans, by PayerPlan
	Patients     []Patient
	visits       int
	permits      int
}

// Patient of a group.
type Patient struct {
	ID, Coverage, Authorization string
	Payer                       int // of Group.Payers
}

// PayerPlan is a plan that the payer simulator knows, as the group's registry has it.
type PayerPlan struct {
	Name, EDIPayerID, ReceiverID string
	AuthorizationCodes           []string
	Rates                        map[string]int64 // cents by code
	FilingDays                   int32
}

// do runs a command until the service has heard of everything it needs: a refusal because a fact has not arrived is tried again after more steps.
func (g *Group) do(service, key string, call func(context.Context, Conn) (*typev1.Receipt, error)) (string, error) {
	var id string
	var last error
	for try := range 400 {
		last = g.World.Do(service, key, func(ctx context.Context, c Conn) error {
			r, err := call(ctx, c)
			if err == nil {
				id = r.Id
			}
			return err
		})
		if last == nil {
			return id, nil
		}
		if refuse.Reasons(last) == nil && status.Code(last) != codes.NotFound {
			break
		}
		switch {
		case try%100 == 99: // a swarm of faults can keep a fact away for ever: they end now and then, and then it must arrive
			faults := g.World.faults
			g.World.SetFaults(Faults{})
			if err := g.World.Settle(); err != nil {
				return "", err
			}
			g.World.SetFaults(faults)
		case try%20 == 19: // a slow reader may be what it takes
			g.World.Delay()
		}
		g.World.Now = g.World.Now.Add(3 * time.Second) // so that what was lost is asked for again
		if err := g.World.Chaos(500); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("%s %s: %w", service, key, last)
}

// Prices of the group, gross, in cents.
var Prices = map[string]int64{
	"90791": 25000, "90832": 11000, "90834": 15000, "90837": 20000, "90847": 18000, "90853": 7000,
}

// NewGroup registers a group: one organization and location, two clinicians, the plans' payers with contracts and policies.
func NewGroup(w *World, plans []PayerPlan) (*Group, error) {
	g := &Group{World: w}
	address := &typev1.Address{Line1: "1 Harbor Street", City: "Portland", State: "ME", PostalCode: "041010001"}
	var err error
	steps := []func() error{
		func() error {
			g.Organization, err = g.do("registry", "organization", func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
				return registryv1.NewRegistryServiceClient(c).RegisterOrganization(ctx, &registryv1.RegisterOrganizationRequest{
					Name: "Harbor Behavioral Group", Npi: "1234567893", TaxId: "010000001", Taxonomy: "261QM0801X", Address: address, Phone: "2075550100",
				})
			})
			return err
		},
		func() error {
			var rates []*registryv1.ChargePrice
			for _, code := range sorted(Prices) {
				rates = append(rates, &registryv1.ChargePrice{ServiceCode: code, Charge: money.Of(Prices[code])})
			}
			_, err := g.do("registry", "prices", func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
				return registryv1.NewRegistryServiceClient(c).PublishChargeSchedule(ctx, &registryv1.PublishChargeScheduleRequest{OrganizationId: g.Organization, FromDate: "2025-01-01", Rates: rates})
			})
			return err
		},
		func() error {
			g.Location, err = g.do("registry", "location", func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
				return registryv1.NewRegistryServiceClient(c).RegisterLocation(ctx, &registryv1.RegisterLocationRequest{
					OrganizationId: g.Organization, Name: "Harbor Street", PlaceOfService: "11", Address: address, TimeZone: "America/New_York",
				})
			})
			return err
		},
		func() error {
			for i, npi := range []string{"1000000004", "1000000012"} {
				id, err := g.do("registry", fmt.Sprint("clinician", i), func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
					return registryv1.NewRegistryServiceClient(c).RegisterClinician(ctx, &registryv1.RegisterClinicianRequest{
						Name: &typev1.PersonName{Last: "Example", First: fmt.Sprint("Clinician", 'A'+i)}, Npi: npi, Taxonomy: "1041C0700X",
						LicenseType: typev1.LicenseType_LICENSE_TYPE_CLINICAL_SOCIAL_WORKER, LicenseNumber: fmt.Sprint("LC", i), LicenseState: "ME", LocationIds: []string{g.Location}, FromDate: "2020-01-01",
					})
				})
				if err != nil {
					return err
				}
				g.Clinicians = append(g.Clinicians, id)
			}
			return nil
		},
	}
	for _, plan := range plans {
		steps = append(steps, func() error { return g.payer(plan) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return g, w.Settle()
}

func (g *Group) payer(plan PayerPlan) error {
	id, err := g.do("registry", "payer "+plan.EDIPayerID, func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return registryv1.NewRegistryServiceClient(c).RegisterPayer(ctx, &registryv1.RegisterPayerRequest{
			Name: plan.Name, EdiPayerId: plan.EDIPayerID, FilingIndicator: "CI", ReceiverId: plan.ReceiverID,
		})
	})
	if err != nil {
		return err
	}
	g.Payers = append(g.Payers, id)
	if _, err := g.do("registry", "policy "+plan.EDIPayerID, func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return registryv1.NewRegistryServiceClient(c).SetPayerPolicy(ctx, &registryv1.SetPayerPolicyRequest{
			PayerId: id, FromDate: "2025-01-01", TimelyFilingDays: plan.FilingDays, AuthorizationCodes: plan.AuthorizationCodes, TelehealthModifier: "95", TelehealthCovered: true,
			SupervisedBilling: registryv1.SupervisedBilling_SUPERVISED_BILLING_SUPERVISOR_RENDERS,
		})
	}); err != nil {
		return err
	}
	var rates []*registryv1.AllowedPrice
	for _, code := range sorted(plan.Rates) {
		rates = append(rates, &registryv1.AllowedPrice{ServiceCode: code, Allowed: money.Of(plan.Rates[code])})
	}
	_, err = g.do("registry", "contract "+plan.EDIPayerID, func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return registryv1.NewRegistryServiceClient(c).PublishContract(ctx, &registryv1.PublishContractRequest{PayerId: id, FromDate: "2025-01-01", Rates: rates})
	})
	return err
}

// Admit registers a patient with coverage of a payer, checks eligibility, and asks for an authorization of units for a code (0: none).
func (g *Group) Admit(n, payer int, code string, units int32) error {
	w := g.World
	p := Patient{Payer: payer}
	name := &typev1.PersonName{Last: fmt.Sprint("Testpatient", n), First: "Sample"}
	today := w.Now.Format("2006-01-02")
	var err error
	if p.ID, err = g.do("intake", fmt.Sprint("patient", n), func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return intakev1.NewIntakeServiceClient(c).RegisterPatient(ctx, &intakev1.RegisterPatientRequest{
			Name: name, BirthDate: "1990-02-03", Sex: typev1.Sex_SEX_FEMALE, LocationId: g.Location,
			Address: &typev1.Address{Line1: "2 Elm Street", City: "Portland", State: "ME", PostalCode: "04101"},
		})
	}); err != nil {
		return err
	}
	if p.Coverage, err = g.do("intake", fmt.Sprint("coverage", n), func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return intakev1.NewIntakeServiceClient(c).AddCoverage(ctx, &intakev1.AddCoverageRequest{
			PatientId: p.ID, PayerId: g.Payers[payer], PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, PlanName: "Plan", FromDate: "2025-01-01",
			Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: fmt.Sprintf("M%06d", n),
		})
	}); err != nil {
		return err
	}
	if err := g.ask(n, p); err != nil {
		return err
	}
	if units > 0 {
		if p.Authorization, err = g.permit(fmt.Sprint(n), p, today, code, units); err != nil {
			return err
		}
	}
	g.Patients = append(g.Patients, p)
	return nil
}

// Permit gets another authorization of units for a code, from a day on that may have passed.
func (g *Group) Permit(n int, from time.Time, code string, units int32) error {
	g.permits++
	_, err := g.permit(fmt.Sprint("late", g.permits), g.Patients[n], from.Format("2006-01-02"), code, units)
	return err
}

func (g *Group) permit(key string, p Patient, from, code string, units int32) (string, error) {
	thru, byCode := g.World.Now.AddDate(1, 0, 0).Format("2006-01-02"), map[string]int32{code: units}
	id, err := g.do("authorization", "authorization"+key, func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return authorizationv1.NewAuthorizationServiceClient(c).RequestAuthorization(ctx, &authorizationv1.RequestAuthorizationRequest{
			PatientId: p.ID, PayerId: g.Payers[p.Payer], FromDate: from, ThruDate: thru, UnitsByCode: byCode,
		})
	})
	if err != nil {
		return "", err
	}
	_, err = g.do("authorization", "approval"+key, func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return authorizationv1.NewAuthorizationServiceClient(c).ApproveAuthorization(ctx, &authorizationv1.ApproveAuthorizationRequest{
			AuthorizationId: id, AuthNo: "AUTH" + key, FromDate: from, ThruDate: thru, UnitsByCode: byCode,
		})
	})
	return id, err
}

// ask asks the payer whether the patient is covered. The service finds the patient of a coverage in its tables, which a world does not have, so the question is put to its decision.
func (g *Group) ask(n int, p Patient) error {
	return g.World.Do("intake", fmt.Sprint("eligibility", n), func(ctx context.Context, c Conn) error {
		ctx = engine.WithCaller(ctx, c.Caller)
		e := c.Node.Engine
		who, _, err := engine.Load(ctx, e, patient.Stream, p.ID)
		if err != nil {
			return err
		}
		all, _, err := engine.Load(ctx, e, coverage.Stream, p.ID)
		if err != nil {
			return err
		}
		held, ok := all.Find(p.Coverage)
		if !ok {
			return fmt.Errorf("the patient has no coverage %s", p.Coverage)
		}
		facts := eligibility.Known{Patient: who.Registered, Coverage: &held}
		if facts.Payer, _, err = engine.Find(ctx, e, known.Payers, held.Payer()); err != nil {
			return err
		}
		if facts.Organization, _, err = engine.Find(ctx, e, known.Organizations, g.Organization); err != nil {
			return err
		}
		id := engine.NewID(ctx, "elg")
		_, err = engine.Execute(ctx, e, eligibility.Stream, id, func(s eligibility.State, c *intakev1.CheckEligibilityRequest) ([]es.Event, error) {
			return eligibility.Ask(s, c, id, facts)
		}, &intakev1.CheckEligibilityRequest{CoverageId: p.Coverage})
		return err
	})
}

// Session is one visit of a patient that has taken place: booked, come to, written down and signed. minutes choose the code.
func (g *Group) Session(n int, minutes int, modality typev1.Modality) error {
	g.visits++
	w, p, key := g.World, g.Patients[n], fmt.Sprint("visit", g.visits)
	clinician := g.Clinicians[n%len(g.Clinicians)]
	start := w.Now.Add(-2 * time.Hour).Truncate(time.Minute)
	end := start.Add(time.Duration(minutes) * time.Minute)
	code := "90834"
	switch {
	case minutes >= 53:
		code = "90837"
	case minutes < 38:
		code = "90832"
	}
	authorization := ""
	if code == "90837" {
		authorization = p.Authorization
	}
	appointment, err := g.do("intake", key+" appointment", func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return intakev1.NewIntakeServiceClient(c).ScheduleAppointment(ctx, &intakev1.ScheduleAppointmentRequest{
			PatientId: p.ID, ClinicianId: clinician, LocationId: g.Location, StartAt: timestamppb.New(start), EndAt: timestamppb.New(end), Modality: modality, ServiceCode: code, Units: proto.Int32(1),
			AuthorizationId: authorization,
		})
	})
	if err != nil {
		return err
	}
	encounter, err := g.do("coding", key+" encounter", func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return codingv1.NewCodingServiceClient(c).ReceiveEncounter(ctx, &codingv1.ReceiveEncounterRequest{
			PatientId: p.ID, AppointmentId: appointment, ClinicianId: clinician, LocationId: g.Location, ServiceDate: start.In(easternTime).Format("2006-01-02"), StartAt: timestamppb.New(start),
			EndAt: timestamppb.New(end), Modality: modality, ServiceKind: codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, AuthorizationId: authorization, DiagnosisCodes: []string{"F411"},
		})
	})
	if err != nil {
		return err
	}
	_, err = g.do("coding", key+" signature", func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return codingv1.NewCodingServiceClient(c).SignEncounter(ctx, &codingv1.SignEncounterRequest{EncounterId: encounter, SignedByClinicianId: clinician})
	})
	return err
}

// Pay is a payment of a patient.
func (g *Group) Pay(n int, cents int64) error {
	g.visits++
	p, key := g.Patients[n], fmt.Sprint("payment", g.visits)
	_, err := g.do("posting", key, func(ctx context.Context, c Conn) (*typev1.Receipt, error) {
		return postingv1.NewPostingServiceClient(c).RecordPatientPayment(ctx, &postingv1.RecordPatientPaymentRequest{PatientId: p.ID, Amount: money.Of(cents), Method: "card", Reference: key})
	})
	return err
}

// Correct bills other units of a line of a claim; Void takes a claim back. What the service refuses, since the payer has the claim or it is gone, changes nothing and is no error.
func (g *Group) Correct(claimID, lineID string, thousandths int32) error {
	return g.change(func(ctx context.Context, c claimsv1.ClaimsServiceClient) (*typev1.Receipt, error) {
		return c.CorrectClaim(ctx, &claimsv1.CorrectClaimRequest{ClaimId: claimID, Reason: "other units", Lines: []*claimsv1.LineChange{{LineId: lineID, UnitsThousandths: thousandths}}})
	})
}

// Void takes a claim back.
func (g *Group) Void(claimID string) error {
	return g.change(func(ctx context.Context, c claimsv1.ClaimsServiceClient) (*typev1.Receipt, error) {
		return c.VoidClaim(ctx, &claimsv1.VoidClaimRequest{ClaimId: claimID, Reason: "billed by mistake"})
	})
}

func (g *Group) change(call func(context.Context, claimsv1.ClaimsServiceClient) (*typev1.Receipt, error)) error {
	g.visits++
	err := g.World.Do("claims", fmt.Sprint("change", g.visits), func(ctx context.Context, c Conn) error {
		_, err := call(ctx, claimsv1.NewClaimsServiceClient(c))
		return err
	})
	if refuse.Reasons(err) != nil {
		return nil
	}
	return err
}

var easternTime = mustZone("America/New_York")

func mustZone(name string) *time.Location {
	l, err := time.LoadLocation(name)
	if err != nil {
		panic(errors.Join(errors.New("the time zone data is missing"), err))
	}
	return l
}
