package authorization_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/authorization"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The service through its API, on PostgreSQL and a broker: asked for, approved, held by a visit that intake books, used by what coding codes.
func TestFromRequestToUse(t *testing.T) {
	p := hosttest.Start(t, nil, authorization.New())
	api := pb.NewAuthorizationServiceClient(hosttest.Conn(t, p, "authorization"))
	patient := hosttest.Publish(t, p, "intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Sample"}})
	payer := hosttest.Publish(t, p, "registry", "payer/pay_1", &registryv1.PayerRegistered{PayerId: "pay_1"})
	policy := hosttest.Publish(t, p, "registry", "payer/pay_1", &registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2026-01-01", AuthorizationCodes: []string{"90837"}})

	ctx := hosttest.As(t.Context(), p, "k1", patient, payer, policy)
	asked := &pb.RequestAuthorizationRequest{PatientId: "pat_1", PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"90837": 2}}
	r, err := api.RequestAuthorization(ctx, asked)
	if err != nil {
		t.Fatal(err)
	}
	again, err := api.RequestAuthorization(ctx, asked)
	if err != nil || again.Id != r.Id || !again.Replayed {
		t.Fatalf("the repeated request: %v, %v", again, err)
	}
	if _, err := api.RequestAuthorization(hosttest.As(t.Context(), p, "k2"), &pb.RequestAuthorizationRequest{
		PatientId: "pat_9", PayerId: "pay_9", FromDate: "2026-01-01", ThruDate: "2025-06-30", UnitsByCode: map[string]int32{"90837": 2},
	}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("a request for nobody: %v", err)
	}
	approve := &pb.ApproveAuthorizationRequest{AuthorizationId: r.Id, AuthNo: "A-77", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"90837": 2}}
	if _, err := api.ApproveAuthorization(hosttest.As(t.Context(), p, "k3"), approve); err != nil {
		t.Fatal(err)
	}

	for day, want := range map[string]string{
		"2026-03-02": "required by payer policy of 2026-01-01", "2025-12-31": "no payer policy is in force on 2025-12-31", "2026-99-01": "refused", "2026-02-30": "refused",
	} {
		answer, err := api.CheckRequirement(hosttest.As(t.Context(), p, ""), &pb.CheckRequirementRequest{PayerId: "pay_1", ServiceCode: "90837", ServiceDate: day})
		said := answer.GetBasis()
		if answer.GetRequired() {
			said = "required by " + said
		}
		if err != nil {
			said = "refused"
			if !strings.Contains(fmt.Sprint(status.Convert(err).Details()), "authorization.day_exists") {
				t.Error(err)
			}
		}
		if said != want {
			t.Errorf("on %s: %q, %v; want %q", day, said, err, want)
		}
	}

	visit := func(id, authorization string) {
		hosttest.Publish(t, p, "intake", "appointment/"+id, &intakev1.AppointmentScheduled{
			AppointmentId: id, PatientId: "pat_1", ServiceCode: "90837", ServiceDate: "2026-03-02", Units: 1, AuthorizationId: authorization,
			ResponsiblePayers: []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY}},
		})
	}
	// Visits are of different streams, which may overtake each other: each waits for the one before.
	held := func(want int32) {
		t.Helper()
		hosttest.Until(t, fmt.Sprint(want, " held"), func() error {
			a, err := api.GetAuthorization(hosttest.As(t.Context(), p, ""), &pb.GetAuthorizationRequest{AuthorizationId: r.Id})
			if err == nil && a.Units[0].Held != want {
				err = fmt.Errorf("%d are held", a.Units[0].Held)
			}
			return err
		})
	}
	visit("apt_1", r.Id)
	held(1)
	visit("apt_2", r.Id)
	held(2)
	visit("apt_3", r.Id) // one too many
	hosttest.Publish(t, p, "coding", "encounter/enc_1", &codingv1.CodingCompleted{
		EncounterId: "enc_1", AppointmentId: "apt_1", PatientId: "pat_1", ServiceDate: "2026-03-02", AuthorizationId: r.Id,
		Lines: []*typev1.ServiceLine{{ServiceCode: "90837", UnitsThousandths: 1000}},
	})
	hosttest.Until(t, "one held, one used", func() error {
		a, err := api.GetAuthorization(hosttest.As(t.Context(), p, ""), &pb.GetAuthorizationRequest{AuthorizationId: r.Id})
		if err != nil {
			return err
		}
		u := a.Units[0]
		if u.Approved != 2 || u.Held != 1 || u.Consumed != 1 || u.Left != 0 {
			return fmt.Errorf("approved %d, held %d, consumed %d, left %d", u.Approved, u.Held, u.Consumed, u.Left)
		}
		return nil
	})
	hosttest.Until(t, "the third visit is somebody's work", func() error {
		history, err := p.Runtime("authorization").Engine.Log.Read(context.Background(), 0, 100)
		if err != nil {
			return err
		}
		seen := map[string]int{}
		for _, e := range history {
			seen[e.Type]++
		}
		if seen["evenkeel.authorization.v1.UnitsRefused"] != 1 || seen["evenkeel.authorization.v1.AuthorizationRequirementDetermined"] != 3 {
			return fmt.Errorf("the log has %v", seen)
		}
		return nil
	})
	list, err := api.ListAuthorizations(hosttest.As(t.Context(), p, ""), &pb.ListAuthorizationsRequest{PatientId: "pat_1"})
	if err != nil || len(list.Authorizations) != 1 {
		t.Fatalf("listed %v, %v", list, err)
	}
}

// 64 callers want the last unit: one gets it.
func TestTheLastUnitIsGivenOnce(t *testing.T) {
	p := hosttest.Start(t, nil, authorization.New())
	api := pb.NewAuthorizationServiceClient(hosttest.Conn(t, p, "authorization"))
	tokens := []string{
		hosttest.Publish(t, p, "intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Sample"}}),
		hosttest.Publish(t, p, "registry", "payer/pay_1", &registryv1.PayerRegistered{PayerId: "pay_1"}),
	}
	r, err := api.RequestAuthorization(hosttest.As(t.Context(), p, "k1", tokens...), &pb.RequestAuthorizationRequest{
		PatientId: "pat_1", PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"90837": 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := api.ApproveAuthorization(hosttest.As(t.Context(), p, "k2"), &pb.ApproveAuthorizationRequest{
		AuthorizationId: r.Id, AuthNo: "A-1", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"90837": 1},
	}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 64)
	for i := range errs {
		wg.Go(func() {
			_, errs[i] = api.ReserveUnits(hosttest.As(t.Context(), p, fmt.Sprint("r", i)), &pb.ReserveUnitsRequest{
				AuthorizationId: r.Id, AppointmentId: fmt.Sprint("apt_", i), ServiceCode: "90837", ServiceDate: "2026-03-02", Units: 1,
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if status.Code(err) != codes.FailedPrecondition {
			t.Error(errors.Join(errors.New("neither given nor refused"), err))
		}
	}
	if won != 1 {
		t.Fatalf("%d visits got the last unit", won)
	}
}

// An authorization that is approved after visits were coded covers them, oldest first, as far as it reaches; what is voided gives its units to who waits; who does not
// come frees what was held. The entries tell it all, and their sums are the ledger's.
func TestApprovedAfterTheVisits(t *testing.T) {
	p := hosttest.Start(t, nil, authorization.New())
	api := pb.NewAuthorizationServiceClient(hosttest.Conn(t, p, "authorization"))
	tokens := []string{
		hosttest.Publish(t, p, "intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Sample"}}),
		hosttest.Publish(t, p, "registry", "payer/pay_1", &registryv1.PayerRegistered{PayerId: "pay_1"}),
		hosttest.Publish(t, p, "registry", "payer/pay_1", &registryv1.PayerPolicySet{PayerId: "pay_1", FromDate: "2026-01-01", AuthorizationCodes: []string{"90837"}}),
	}
	// Asked for first, which waits until the policy is known here.
	units := map[string]int32{"90837": 2}
	r, err := api.RequestAuthorization(hosttest.As(t.Context(), p, "k1", tokens...), &pb.RequestAuthorizationRequest{PatientId: "pat_1", PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: units})
	if err != nil {
		t.Fatal(err)
	}
	payers := []*intakev1.ResponsiblePayer{{PayerId: "pay_1", PayerSequence: typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY}}
	noted := 0
	coded := func(encounter, day string) {
		t.Helper()
		hosttest.Publish(t, p, "coding", "encounter/"+encounter, &codingv1.CodingCompleted{
			EncounterId: encounter, PatientId: "pat_1", ServiceDate: day, ResponsiblePayers: payers, Lines: []*typev1.ServiceLine{{ServiceCode: "90837", UnitsThousandths: 1000}},
		})
		noted++
		hosttest.Until(t, encounter+" is known to wait", func() error {
			history, err := p.Runtime("authorization").Engine.Log.Read(t.Context(), 0, 100)
			facts := 0
			for _, e := range history {
				if e.Type == "evenkeel.authorization.v1.AllocationNoted" {
					facts++
				}
			}
			if err == nil && facts != noted {
				err = fmt.Errorf("%d facts are noted, not %d", facts, noted)
			}
			return err
		})
	}
	coded("enc_2", "2026-03-09")
	coded("enc_1", "2026-03-02")
	coded("enc_3", "2026-03-16")
	hosttest.Publish(t, p, "claims", "claim/clm_1", &claimsv1.ClaimCreated{ClaimId: "clm_1", EncounterId: "enc_1", PatientId: "pat_1", Content: &claimsv1.ClaimContent{PayerId: "pay_1"}})

	if _, err := api.ApproveAuthorization(hosttest.As(t.Context(), p, "k2"), &pb.ApproveAuthorizationRequest{AuthorizationId: r.Id, AuthNo: "A-77", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: units}); err != nil {
		t.Fatal(err)
	}
	// told is what the entries say, in their order; the sums must be the ledger's whenever one looks.
	told := func(want ...string) {
		t.Helper()
		hosttest.Until(t, fmt.Sprint(want), func() error {
			a, err := api.GetAuthorization(hosttest.As(t.Context(), p, ""), &pb.GetAuthorizationRequest{AuthorizationId: r.Id})
			if err != nil {
				return err
			}
			var said []string
			var held, consumed int32
			for _, e := range a.Entries {
				held, consumed = held+e.Held, consumed+e.Consumed
				said = append(said, strings.TrimPrefix(e.Kind.String(), "AUTHORIZATION_ENTRY_KIND_")+" "+e.AppointmentId+e.EncounterId+" "+e.ClaimId)
			}
			if u := a.Units[0]; u.Held != held || u.Consumed != consumed || u.Held+u.Consumed+u.Left != u.Approved {
				return fmt.Errorf("the entries say %d held and %d consumed, the ledger %v", held, consumed, u)
			}
			if !slices.Equal(said, want) {
				return fmt.Errorf("the entries are %q", said)
			}
			return nil
		})
	}
	two := []string{"CONSUMED enc_1 clm_1", "CONSUMED enc_2 "}
	told(two...)
	hosttest.Publish(t, p, "posting", "account/enc_1", &postingv1.ChargeVoided{AccountId: "enc_1", EncounterId: "enc_1", PatientId: "pat_1"})
	three := append(two, "RESTORED enc_1 clm_1", "CONSUMED enc_3 ")
	told(three...)

	units["90837"] = 3
	if _, err := api.ApproveAuthorization(hosttest.As(t.Context(), p, "k3"), &pb.ApproveAuthorizationRequest{AuthorizationId: r.Id, AuthNo: "A-77", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: units}); err != nil {
		t.Fatal(err)
	}
	hosttest.Publish(t, p, "intake", "appointment/apt_4", &intakev1.AppointmentScheduled{AppointmentId: "apt_4", PatientId: "pat_1", ServiceCode: "90837", ServiceDate: "2026-03-23", Units: 1, ResponsiblePayers: payers})
	four := append(three, "RESERVED apt_4 ")
	told(four...)
	hosttest.Publish(t, p, "intake", "appointment/apt_4", &intakev1.AppointmentNoShowed{AppointmentId: "apt_4", PatientId: "pat_1"})
	told(append(four, "RELEASED apt_4 ")...)
}
