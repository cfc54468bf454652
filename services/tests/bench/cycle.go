package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/pprof"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/clock"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/money"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t835"
	"github.com/evenkeel/evenkeel/services/authorization"
	"github.com/evenkeel/evenkeel/services/claims"
	"github.com/evenkeel/evenkeel/services/coding"
	"github.com/evenkeel/evenkeel/services/collections"
	"github.com/evenkeel/evenkeel/services/exchange"
	"github.com/evenkeel/evenkeel/services/intake"
	"github.com/evenkeel/evenkeel/services/payersim"
	"github.com/evenkeel/evenkeel/services/posting"
	"github.com/evenkeel/evenkeel/services/registry"
	"github.com/evenkeel/evenkeel/services/reporting"
)

func services() []host.Service {
	return []host.Service{
		registry.New(), intake.New(), authorization.New(), coding.New(), claims.New(), posting.New(), collections.New(), exchange.New(), payersim.New(), reporting.New(),
	}
}

var tenant = uuid.MustParse("0e7e0000-0000-8000-8000-0000000000be")

// start of the sandbox clock: a Monday.
var start = time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)

// callers is how many clients send encounters at once.
const callers = 64

// group is a process with all services, and a group of clinicians in it.
type group struct {
	process             *host.Process
	clock               *clock.Sandbox
	db                  *pgxpool.Pool
	location, clinician string
	payer               string
	patients            []string
	keys                atomic.Int64
}

// cycle starts all services in this process and measures encounters, the remittance, the rebuild and the aging in it.
func (b *bench) cycle(ctx context.Context) (err error) {
	g := &group{}
	all := services()
	if err := host.Migrate(ctx, b.parts.AdminURL, b.parts.Secret, all); err != nil {
		return err
	}
	if err := clock.Prepare(ctx, b.parts.AdminURL, clock.Start{At: start, Frozen: true}); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	if g.clock, err = clock.Open(ctx, b.parts.AdminURL, log); err != nil {
		return err
	}
	defer g.clock.Close()
	if g.db, err = pgxpool.New(ctx, b.parts.AdminURL); err != nil {
		return err
	}
	defer g.db.Close()
	g.process, err = host.Start(ctx, host.Options{
		Services: all, DatabaseURL: b.parts.URL, Brokers: b.parts.Brokers, Secret: b.parts.Secret, Clock: g.clock.Now, ClockChanged: g.clock.Moved, Log: log,
	})
	if err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if stopped := g.process.Stop(stopping); err == nil {
			err = stopped
		}
	}()
	fmt.Fprintln(os.Stderr, "registering a group …")
	if err := g.register(ctx, max(b.claims/20, 1)); err != nil {
		return fmt.Errorf("register the group: %w", err)
	}
	if err := b.profiled(func() error { return b.encounters(ctx, g) }); err != nil {
		return fmt.Errorf("encounters: %w", err)
	}
	if err := b.rebuild(ctx, g); err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	if err := b.aging(ctx, g); err != nil {
		return fmt.Errorf("aging: %w", err)
	}
	return nil
}

// call runs one command with a key of its own, and again while the service has not heard of what it needs.
func call[C any](ctx context.Context, g *group, service string, client func(grpc.ClientConnInterface) C, do func(context.Context, C) (*typev1.Receipt, error)) (string, error) {
	conn, err := g.process.Conn(service)
	if err != nil {
		return "", err
	}
	key := fmt.Sprintf("bench-%d", g.keys.Add(1))
	ctx = host.Outgoing(ctx, g.process.Token(), engine.Caller{Tenant: tenant, Actor: "key:bench", RequestKey: key, Correlation: uuid.New()})
	deadline := time.Now().Add(20 * time.Second)
	for {
		r, err := do(ctx, client(conn))
		if err == nil {
			return r.Id, nil
		}
		if time.Now().After(deadline) {
			return "", err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// register makes a group of one clinician, a payer that the payer simulator plays, and patients.
func (g *group) register(ctx context.Context, patients int) error {
	office := &typev1.Address{Line1: "1 Harbor Street", City: "Portland", State: "ME", PostalCode: "041010001"}
	reg := registryv1.NewRegistryServiceClient
	organization, err := call(ctx, g, "registry", reg, func(ctx context.Context, c registryv1.RegistryServiceClient) (*typev1.Receipt, error) {
		return c.RegisterOrganization(ctx, &registryv1.RegisterOrganizationRequest{Name: "Harbor Behavioral Group", Npi: "1234567893", TaxId: "010000001", Taxonomy: "261QM0801X", Address: office, Phone: "2075550100"})
	})
	if err != nil {
		return err
	}
	if _, err := call(ctx, g, "registry", reg, func(ctx context.Context, c registryv1.RegistryServiceClient) (*typev1.Receipt, error) {
		return c.PublishChargeSchedule(ctx, &registryv1.PublishChargeScheduleRequest{OrganizationId: organization, FromDate: "2025-01-01", Rates: []*registryv1.ChargePrice{{ServiceCode: "90834", Charge: money.Of(15000)}}})
	}); err != nil {
		return err
	}
	if g.location, err = call(ctx, g, "registry", reg, func(ctx context.Context, c registryv1.RegistryServiceClient) (*typev1.Receipt, error) {
		return c.RegisterLocation(ctx, &registryv1.RegisterLocationRequest{OrganizationId: organization, Name: "Harbor Street", PlaceOfService: "11", Address: office, TimeZone: "America/New_York"})
	}); err != nil {
		return err
	}
	if g.clinician, err = call(ctx, g, "registry", reg, func(ctx context.Context, c registryv1.RegistryServiceClient) (*typev1.Receipt, error) {
		return c.RegisterClinician(ctx, &registryv1.RegisterClinicianRequest{
			Name: &typev1.PersonName{Last: "Example", First: "Clinician"}, Npi: "1000000004", Taxonomy: "1041C0700X", LicenseType: typev1.LicenseType_LICENSE_TYPE_CLINICAL_SOCIAL_WORKER,
			LicenseNumber: "LC1", LicenseState: "ME", LocationIds: []string{g.location}, FromDate: "2020-01-01",
		})
	}); err != nil {
		return err
	}
	if g.payer, err = call(ctx, g, "registry", reg, func(ctx context.Context, c registryv1.RegistryServiceClient) (*typev1.Receipt, error) {
		return c.RegisterPayer(ctx, &registryv1.RegisterPayerRequest{Name: "Evergreen Health Plan", EdiPayerId: "EVG01", FilingIndicator: "CI", ReceiverId: "EVERGREEN"})
	}); err != nil {
		return err
	}
	if _, err := call(ctx, g, "registry", reg, func(ctx context.Context, c registryv1.RegistryServiceClient) (*typev1.Receipt, error) {
		return c.SetPayerPolicy(ctx, &registryv1.SetPayerPolicyRequest{
			PayerId: g.payer, FromDate: "2025-01-01", TimelyFilingDays: 180, SupervisedBilling: registryv1.SupervisedBilling_SUPERVISED_BILLING_SUPERVISOR_RENDERS,
		})
	}); err != nil {
		return err
	}
	if _, err := call(ctx, g, "registry", reg, func(ctx context.Context, c registryv1.RegistryServiceClient) (*typev1.Receipt, error) {
		return c.PublishContract(ctx, &registryv1.PublishContractRequest{PayerId: g.payer, FromDate: "2025-01-01", Rates: []*registryv1.AllowedPrice{{ServiceCode: "90834", Allowed: money.Of(10000)}}})
	}); err != nil {
		return err
	}
	g.patients = make([]string, patients)
	each, within := errgroup.WithContext(ctx)
	each.SetLimit(callers)
	for n := range patients {
		each.Go(func() (err error) {
			if g.patients[n], err = call(within, g, "intake", intakev1.NewIntakeServiceClient, func(ctx context.Context, c intakev1.IntakeServiceClient) (*typev1.Receipt, error) {
				return c.RegisterPatient(ctx, &intakev1.RegisterPatientRequest{
					Name: &typev1.PersonName{Last: fmt.Sprint("Testpatient", n), First: "Sample"}, BirthDate: "1990-02-03", Sex: typev1.Sex_SEX_FEMALE, LocationId: g.location,
					Address: &typev1.Address{Line1: "2 Elm Street", City: "Portland", State: "ME", PostalCode: "04101"},
				})
			}); err != nil {
				return err
			}
			_, err = call(within, g, "intake", intakev1.NewIntakeServiceClient, func(ctx context.Context, c intakev1.IntakeServiceClient) (*typev1.Receipt, error) {
				return c.AddCoverage(ctx, &intakev1.AddCoverageRequest{
					PatientId: g.patients[n], PayerId: g.payer, PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY, PlanName: "Plan", FromDate: "2025-01-01",
					Relationship: typev1.Relationship_RELATIONSHIP_SELF, MemberId: fmt.Sprintf("M%06d", n),
				})
			})
			return err
		})
	}
	return each.Wait()
}

// encounter is one signed visit, some days ago: no two of one patient are alike.
func (g *group) encounter(ctx context.Context, n int) error {
	begin := start.AddDate(0, 0, -n/len(g.patients)).Add(-2 * time.Hour)
	id, err := call(ctx, g, "coding", codingv1.NewCodingServiceClient, func(ctx context.Context, c codingv1.CodingServiceClient) (*typev1.Receipt, error) {
		return c.ReceiveEncounter(ctx, &codingv1.ReceiveEncounterRequest{
			PatientId: g.patients[n%len(g.patients)], ClinicianId: g.clinician, LocationId: g.location, ServiceDate: begin.Format(time.DateOnly), StartAt: timestamppb.New(begin),
			EndAt: timestamppb.New(begin.Add(45 * time.Minute)), Modality: typev1.Modality_MODALITY_IN_PERSON, ServiceKind: codingv1.ServiceKind_SERVICE_KIND_PSYCHOTHERAPY, DiagnosisCodes: []string{"F411"},
		})
	})
	if err != nil {
		return err
	}
	_, err = call(ctx, g, "coding", codingv1.NewCodingServiceClient, func(ctx context.Context, c codingv1.CodingServiceClient) (*typev1.Receipt, error) {
		return c.SignEncounter(ctx, &codingv1.SignEncounterRequest{EncounterId: id, SignedByClinicianId: g.clinician})
	})
	return err
}

// until waits until a count is reached.
func (g *group) until(ctx context.Context, what string, want int, sql string) error {
	const patience = 3 * time.Minute // without any progress
	last, moved := -1, time.Now()
	for {
		var have int
		if err := g.db.QueryRow(ctx, sql).Scan(&have); err != nil {
			return fmt.Errorf("count %s: %w", what, err)
		}
		if have >= want {
			return nil
		}
		if have != last {
			last, moved = have, time.Now()
		}
		if time.Since(moved) > patience {
			return fmt.Errorf("%d of %d %s, and no more for %s", have, want, what, patience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-g.process.Done():
			return fmt.Errorf("the process has ended: %w", g.process.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// heard waits until a service has handled all that another has said.
func (g *group) heard(ctx context.Context, reader, source string) error {
	var slots int
	if err := g.db.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %q.inbox WHERE source = $1", reader), source).Scan(&slots); err != nil || slots == 0 {
		return err
	}
	return g.until(ctx, "slots of "+source+" that "+reader+" has handled", slots,
		fmt.Sprintf("SELECT count(*) FROM %q.inbox i, %q.head h WHERE i.source = '%s' AND i.position >= h.by_slot[i.slot + 1]", reader, source, source))
}

func (g *group) events(ctx context.Context) (n int64, err error) {
	for _, s := range services() {
		var position int64
		if err := g.db.QueryRow(ctx, fmt.Sprintf("SELECT position FROM %q.head", s.Name)).Scan(&position); err != nil {
			return 0, err
		}
		n += position
	}
	return n, nil
}

// profiled writes down where the processor's time goes meanwhile, if that was asked for.
func (b *bench) profiled(do func() error) error {
	if b.profile == "" {
		return do()
	}
	f, err := os.Create(b.profile)
	if err != nil {
		return fmt.Errorf("profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(fmt.Errorf("profile: %w", err), f.Close())
	}
	err = do()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// encounters sends encounters as fast as they are taken and waits until each is paid; the payment of all of them comes as one remittance, whose posting is timed by itself.
func (b *bench) encounters(ctx context.Context, g *group) error {
	n := b.claims
	fmt.Fprintf(os.Stderr, "%d encounters through the whole cycle …\n", n)
	for _, reader := range []string{"coding", "claims", "exchange", "posting", "authorization"} {
		for _, source := range []string{"registry", "intake"} {
			if err := g.heard(ctx, reader, source); err != nil {
				return err
			}
		}
	}
	before, err := g.events(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	each, within := errgroup.WithContext(ctx)
	each.SetLimit(callers)
	for i := range n {
		each.Go(func() error { return g.encounter(within, i) })
	}
	if err := each.Wait(); err != nil {
		return err
	}
	signed := time.Since(began)
	if err := g.until(ctx, "claims queued", n, `SELECT count(*) FROM exchange.event WHERE type = 'evenkeel.exchange.v1.ClaimQueued'`); err != nil {
		return err
	}
	// The last batch is not full: it goes when it is due.
	if err := g.clock.Advance(ctx, start.Add(time.Hour)); err != nil {
		return err
	}
	if err := g.until(ctx, "claims accepted", n, `SELECT count(*) FROM reporting.claims WHERE transport = 'accepted'`); err != nil {
		return err
	}
	sent := time.Since(began)
	fmt.Fprintf(os.Stderr, "one remittance of %d claims …\n", n)
	posting := time.Now()
	if err := g.clock.Advance(ctx, start.AddDate(0, 0, 16)); err != nil {
		return err
	}
	if err := g.until(ctx, "claims posted", n, `SELECT count(DISTINCT stream) FROM posting.event WHERE type = 'evenkeel.posting.v1.InsurancePaymentPosted'`); err != nil {
		return err
	}
	posted := time.Since(posting)
	if err := g.until(ctx, "claims paid, in the reports", n, `SELECT count(*) FROM reporting.claims WHERE adjudication <> 'none'`); err != nil {
		return err
	}
	whole := time.Since(began)
	after, err := g.events(ctx)
	if err != nil {
		return err
	}
	files, decode, err := b.remittances(ctx, g)
	if err != nil {
		return err
	}
	events := float64(after - before)
	b.add(measure{Name: "encounters received and signed, 64 callers", Value: float64(n) / signed.Seconds(), Unit: "encounters/s", Reference: "single commits (2 each)", Ratio: 2 * float64(n) / signed.Seconds() / b.single})
	b.add(measure{Name: "encounters to accepted claims", Value: float64(n) / sent.Seconds(), Unit: "encounters/s"})
	b.add(measure{Name: "encounters through the whole cycle", Value: float64(n) / whole.Seconds(), Unit: "encounters/s", Reference: "single commits", Ratio: float64(n) / whole.Seconds() / b.single})
	b.add(measure{Name: fmt.Sprintf("  its events (%.1f an encounter)", events/float64(n)), Value: events / whole.Seconds(), Unit: "events/s", Reference: "single commits", Ratio: events / whole.Seconds() / b.single})
	b.add(measure{Name: fmt.Sprintf("claims of %d remittance(s), %d in all, to the ledger", files, n), Value: float64(n) / posted.Seconds(), Unit: "claims/s", Reference: "single commits", Ratio: float64(n) / posted.Seconds() / b.single})
	b.add(measure{Name: "  reading and balancing the 835 alone", Value: decode, Unit: "claims/s", Reference: "the measure above", Ratio: decode / (float64(n) / posted.Seconds())})
	return nil
}

// remittances are the 835s that came: how many, and how many claims a second are read and balanced in memory.
func (b *bench) remittances(ctx context.Context, g *group) (files int, perSecond float64, err error) {
	conn, err := g.process.Conn("exchange")
	if err != nil {
		return 0, 0, err
	}
	client := exchangev1.NewExchangeServiceClient(conn)
	asked := host.Outgoing(ctx, g.process.Token(), engine.Caller{Tenant: tenant, Actor: "key:bench"})
	list, err := client.ListInterchanges(asked, &exchangev1.ListInterchangesRequest{PageSize: 500, Direction: "in"})
	if err != nil {
		return 0, 0, err
	}
	claims, took := 0, time.Duration(0)
	for _, i := range list.Interchanges {
		if i.Kind != string(x12.K835) {
			continue
		}
		files++
		content, err := client.GetContent(asked, &exchangev1.GetContentRequest{InterchangeId: i.InterchangeId})
		if err != nil {
			return 0, 0, err
		}
		began := time.Now()
		file, _ := x12.Read(content.Data)
		for _, set := range file.Sets() {
			s, _ := t835.Parse(set)
			if s == nil {
				return 0, 0, fmt.Errorf("a remittance of %d bytes can't be read", len(content.Data))
			}
			t835.Check(s)
			for _, batch := range s.Batches {
				claims += len(batch.Claims)
			}
		}
		took += time.Since(began)
	}
	if claims == 0 {
		return 0, 0, fmt.Errorf("no remittance came")
	}
	return files, float64(claims) / took.Seconds(), nil
}
