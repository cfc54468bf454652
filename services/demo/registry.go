package demo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"google.golang.org/protobuf/proto"

	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// What the registry is told: once, before anybody comes.

// organization is the first request of a group: its receipt says when the group began.
func (e *ehr) organization(ctx context.Context) (*typev1.Receipt, error) {
	return e.create(ctx, "organization", "/v1/organizations", func() (proto.Message, error) { return organization, nil })
}

func (e *ehr) location(ctx context.Context, key string) (string, error) {
	return e.idOf(ctx, "location "+key, "/v1/locations", func() (proto.Message, error) {
		of, err := e.organization(ctx)
		if err != nil {
			return nil, err
		}
		for _, p := range places {
			if p.key == key {
				request := proto.CloneOf(p.request)
				request.OrganizationId = of.Id
				return request, nil
			}
		}
		return nil, fmt.Errorf("location %s: %w", key, errNotThere)
	})
}

func (e *ehr) clinician(ctx context.Context, key string) (string, error) {
	return e.idOf(ctx, "clinician "+key, "/v1/clinicians", func() (proto.Message, error) {
		for _, c := range clinicians {
			if c.key != key {
				continue
			}
			request := proto.CloneOf(c.request)
			for _, p := range c.places {
				id, err := e.location(ctx, p)
				if err != nil {
					return nil, err
				}
				request.LocationIds = append(request.LocationIds, id)
			}
			return request, nil
		}
		return nil, fmt.Errorf("clinician %s: %w", key, errNotThere)
	})
}

// payer is the id of a payer. A payer is registered once in a tenant: one that another group has registered is taken as it is.
func (e *ehr) payer(ctx context.Context, key string) (string, error) {
	one := payerOf(key)
	id, err := e.idOf(ctx, "payer "+key, "/v1/payers", func() (proto.Message, error) { return one.request, nil })
	if !refused(err, "registry.payer_new") {
		return id, err
	}
	var found registryv1.ListPayersResponse
	if err := e.read(ctx, "/v1/payers", url.Values{"edi_payer_id": {one.request.EdiPayerId}}, &found); err != nil {
		return "", err
	}
	if len(found.Payers) != 1 {
		return "", fmt.Errorf("%d payers have the EDI payer id %s, which is unique in a tenant", len(found.Payers), one.request.EdiPayerId)
	}
	return found.Payers[0].PayerId, nil
}

// open registers everything that is there before the first patient.
func (e *ehr) open(ctx context.Context) error {
	for _, p := range places {
		if _, err := e.location(ctx, p.key); err != nil {
			return err
		}
	}
	if err := each(ctx, clinicians, func(ctx context.Context, c clinician) error { _, err := e.clinician(ctx, c.key); return err }); err != nil {
		return err
	}
	if err := e.supervise(ctx); err != nil {
		return err
	}
	of, err := e.organization(ctx)
	if err != nil {
		return err
	}
	schedule := &registryv1.PublishChargeScheduleRequest{FromDate: "2024-01-01"}
	for _, code := range slices.Sorted(maps.Keys(prices)) {
		schedule.Rates = append(schedule.Rates, &registryv1.ChargePrice{ServiceCode: code, Charge: money.Of(prices[code])})
	}
	if _, err := e.write(ctx, "charges", "/v1/organizations/"+of.Id+"/charge-schedules", schedule); err != nil {
		return err
	}
	for i := range payers {
		if err := e.contracts(ctx, &payers[i]); err != nil {
			return err
		}
	}
	return e.quiet(ctx)
}

func (e *ehr) supervise(ctx context.Context) error {
	for _, c := range clinicians {
		if c.supervisor == "" {
			continue
		}
		id, err := e.clinician(ctx, c.key)
		if err != nil {
			return err
		}
		by, err := e.clinician(ctx, c.supervisor)
		if err != nil {
			return err
		}
		if _, err := e.write(ctx, "supervision "+c.key, "/v1/clinicians/"+id+"/supervisions", &registryv1.AssignSupervisionRequest{SupervisorClinicianId: by, FromDate: c.request.FromDate}); err != nil {
			return err
		}
	}
	return nil
}

// contracts: what was agreed for the years before, a little less, and what holds now.
func (e *ehr) contracts(ctx context.Context, p *payer) error {
	id, err := e.payer(ctx, p.key)
	if err != nil || len(p.contracted) == 0 {
		return err
	}
	for _, c := range []struct {
		from, thru string
		share      int32 // millionths of what holds now
	}{{"2024-01-01", "2025-12-31", 970_000}, {"2026-01-01", "", 1_000_000}} {
		contract := &registryv1.PublishContractRequest{PayerId: id, FromDate: c.from, ThruDate: c.thru, Rates: p.rates(c.share)}
		if _, err := e.write(ctx, "contract "+p.key+" "+c.from, "/v1/contracts", contract); err != nil {
			return err
		}
	}
	return nil
}

// policies enters what the group has learned of payers by a day.
func (e *ehr) policies(ctx context.Context, day int) error {
	for i := range payers {
		for _, known := range payers[i].policies {
			if known.learned != day {
				continue
			}
			id, err := e.payer(ctx, payers[i].key)
			if err != nil {
				return err
			}
			policy := proto.CloneOf(known.policy)
			policy.PayerId = "" // it is in the path
			if known.policy.FromDate == "" {
				policy.FromDate = e.date(day)
			}
			if _, err := e.write(ctx, fmt.Sprintf("policy %s %d", payers[i].key, day), "/v1/payers/"+id+"/policies", policy); err != nil {
				return err
			}
		}
	}
	return nil
}

// payerOf is a payer by its key. The plan names no other.
func payerOf(key string) *payer {
	i := slices.IndexFunc(payers, func(p payer) bool { return p.key == key })
	return &payers[i]
}

// policyOn is what the group knows of a payer's rules on a day.
func (p *payer) policyOn(day int) *registryv1.SetPayerPolicyRequest {
	var found *registryv1.SetPayerPolicyRequest
	for _, known := range slices.SortedFunc(slices.Values(p.policies), func(a, b learned) int { return cmp.Compare(a.learned, b.learned) }) {
		if known.learned <= max(day, 0) {
			found = known.policy
		}
	}
	return found
}

// authorizes says whether the payer wants an authorization for a code, as the group knows it from the start.
func (p *payer) authorizes(code string) bool {
	return slices.Contains(p.policyOn(0).GetAuthorizationCodes(), code)
}
