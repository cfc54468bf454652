package unitledger

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
	"github.com/evenkeel/evenkeel/pkg/refuse"
)

type events = []es.Event

var (
	requested = &pb.AuthorizationRequested{AuthorizationId: "aut_1", PatientId: "pat_1", PayerId: "pay_1"}
	approved  = &pb.AuthorizationApproved{AuthorizationId: "aut_1", PatientId: "pat_1", PayerId: "pay_1", AuthNo: "A1", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"97153": 12}}
)

const march, june, july = "2026-03-02", "2026-06-30", "2026-07-01"

func held(visit, date string, units int32) es.Event {
	return &pb.UnitsReserved{AuthorizationId: "aut_1", AppointmentId: visit, ServiceCode: "97153", ServiceDate: date, Units: units}
}

func TestReserve(t *testing.T) {
	ask := func(date string, units int32) *pb.ReserveUnitsRequest {
		return &pb.ReserveUnitsRequest{AuthorizationId: "aut_1", AppointmentId: "v2", ServiceCode: "97153", ServiceDate: date, Units: units}
	}
	estest.Run(t, Stream, Reserve, []estest.Case[*pb.ReserveUnitsRequest]{
		{Name: "the last units can be held", Given: events{requested, approved, held("v1", march, 8)}, When: ask(march, 4), Then: events{held("v2", march, 4)}},
		{Name: "one unit too many is refused", Given: events{requested, approved, held("v1", march, 8)}, When: ask(march, 5), Refused: "authorization.units_within_approval"},
		{Name: "the last day counts", Given: events{requested, approved}, When: ask(june, 4), Then: events{held("v2", june, 4)}},
		{Name: "both problems are said at once", Given: events{requested, approved}, When: ask(july, 13), Refused: "authorization.within_period authorization.units_within_approval"},
		{Name: "asking again changes nothing", Given: events{requested, approved, held("v2", march, 4)}, When: ask(march, 4)},
		{Name: "asking differently is not swallowed", Given: events{requested, approved, held("v2", march, 4)}, When: ask(march, 2), Refused: "authorization.one_hold_per_visit"},
		{Name: "nothing approved, nothing covered", Given: events{requested}, When: ask(march, 1), Refused: "authorization.within_period authorization.units_within_approval"},
		{
			Name:  "a booking that is heard of after its visit was coded holds nothing",
			Given: events{requested, approved, &pb.UnitsConsumed{AuthorizationId: "aut_1", EncounterId: "enc_1", AppointmentId: "v2", ServiceCode: "97153", ServiceDate: march, Units: 4}},
			When:  ask(march, 4),
		},
		{Name: "nothing requested, nothing there", When: ask(march, 1), Refused: "authorization.requested"},
	})
}

func TestRelease(t *testing.T) {
	when := &pb.ReleaseUnitsRequest{AuthorizationId: "aut_1", AppointmentId: "v1", Reason: "cancelled"}
	estest.Run(t, Stream, Release, []estest.Case[*pb.ReleaseUnitsRequest]{
		{
			Name: "a cancelled visit gives its units back", Given: events{requested, approved, held("v1", march, 8)}, When: when,
			Then: events{&pb.UnitsReleased{AuthorizationId: "aut_1", AppointmentId: "v1", ServiceCode: "97153", Units: 8, Reason: "cancelled"}},
		},
		{Name: "a visit that holds nothing changes nothing", Given: events{requested, approved}, When: when},
	})
}

func TestConsume(t *testing.T) {
	use := func(units int32) Use {
		return Use{AuthorizationID: "aut_1", EncounterID: "enc_1", AppointmentID: "v1", PatientID: "pat_1", ServiceCode: "97153", ServiceDate: march, Units: units}
	}
	used := func(units, released int32) es.Event {
		e := &pb.UnitsConsumed{AuthorizationId: "aut_1", EncounterId: "enc_1", AppointmentId: "v1", ServiceCode: "97153", ServiceDate: march, Units: units, ReleasedUnits: released}
		if released > 0 {
			e.ReleasedServiceCode = "97153"
		}
		return e
	}
	exhausted := &pb.AuthorizationExhausted{AuthorizationId: "aut_1", PatientId: "pat_1", ServiceCode: "97153"}
	estest.Run(t, Stream, Consume, []estest.Case[Use]{
		{Name: "the hold of the visit turns into use", Given: events{requested, approved, held("v1", march, 8)}, When: use(6), Then: events{used(6, 8)}},
		{Name: "more than held is fine while units are left", Given: events{requested, approved, held("v1", march, 2)}, When: use(3), Then: events{used(3, 2)}},
		{Name: "the last unit is said", Given: events{requested, approved}, When: use(12), Then: events{used(12, 0), exhausted}},
		{Name: "units held by others can't be used", Given: events{requested, approved, held("v9", march, 8)}, When: use(5), Refused: "authorization.units_within_approval"},
		{Name: "an encounter uses units once", Given: events{requested, approved, used(6, 0)}, When: use(6)},
	})
}

// A visit that was given as something else frees what it held, whatever is said of its use.
func TestWhatWasGivenOtherwiseFreesItsHold(t *testing.T) {
	given := Use{AuthorizationID: "aut_1", EncounterID: "enc_1", AppointmentID: "v1", PatientID: "pat_1", ServiceCode: "90834", ServiceDate: march, Units: 1}
	_, err := Consume(State{Requested: requested, Approved: approved}, given)
	refused := &pb.UnitsRefused{AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1", Reasons: refuse.Reasons(err)}
	freed := &pb.UnitsReleased{AuthorizationId: "aut_1", AppointmentId: "v1", ServiceCode: "97153", Units: 2, Reason: "the visit was given as 90834"}
	estest.Run(t, Stream, consumeOrRecord, []estest.Case[Use]{
		{Name: "its hold is free again", Given: events{requested, approved, held("v1", march, 2)}, When: given, Then: events{freed, refused}},
		{Name: "another visit's hold stays", Given: events{requested, approved, held("v9", march, 2)}, When: given, Then: events{refused}},
		{Name: "it is said once", Given: events{requested, approved, held("v1", march, 2), freed, refused}, When: given},
	})
}

func TestApprove(t *testing.T) {
	when := func(units int32) *pb.ApproveAuthorizationRequest {
		return &pb.ApproveAuthorizationRequest{AuthorizationId: "aut_1", AuthNo: "A1", FromDate: "2026-01-01", ThruDate: "2026-06-30", UnitsByCode: map[string]int32{"97153": units}}
	}
	estest.Run(t, Stream, Approve, []estest.Case[*pb.ApproveAuthorizationRequest]{
		{Name: "an approval is recorded", Given: events{requested}, When: when(12), Then: events{approved}},
		{Name: "the same again changes nothing", Given: events{requested, approved}, When: when(12)},
		{Name: "fewer units than visits hold are refused", Given: events{requested, approved, held("v1", march, 8)}, When: when(7), Refused: "authorization.units_within_approval"},
		{Name: "what was not requested can't be approved", When: when(12), Refused: "authorization.requested"},
	})
}

func TestRequest(t *testing.T) {
	decide := func(known Known) func(State, *pb.RequestAuthorizationRequest) ([]es.Event, error) {
		return func(s State, c *pb.RequestAuthorizationRequest) ([]es.Event, error) {
			return Request(s, c, "aut_1", known)
		}
	}
	when := &pb.RequestAuthorizationRequest{PatientId: "pat_1", PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-06-30"}
	backwards := &pb.RequestAuthorizationRequest{PatientId: "pat_1", PayerId: "pay_1", FromDate: "2026-06-30", ThruDate: "2026-01-01"}
	estest.Run(t, Stream, decide(Known{true, true}), []estest.Case[*pb.RequestAuthorizationRequest]{
		{Name: "a request is recorded", When: when, Then: events{&pb.AuthorizationRequested{AuthorizationId: "aut_1", PatientId: "pat_1", PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-06-30"}}},
		{Name: "a period ends after it begins", When: backwards, Refused: "authorization.period"},
	})
	estest.Run(t, Stream, decide(Known{}), []estest.Case[*pb.RequestAuthorizationRequest]{
		{Name: "patient and payer must exist", When: when, Refused: "authorization.patient_exists authorization.payer_exists"},
	})
}

// Whatever is asked in whatever order, held and consumed units stay within the approval, and the fold knows how many are left.
func TestUnitsNeverExceedTheApproval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := estest.Fold(Stream, events{requested, approved})
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			visit := fmt.Sprint("v", rapid.IntRange(1, 8).Draw(t, "visit"))
			units := rapid.Int32Range(1, 6).Draw(t, "units")
			var es events
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				es, _ = Reserve(s, &pb.ReserveUnitsRequest{AuthorizationId: "aut_1", AppointmentId: visit, ServiceCode: "97153", ServiceDate: march, Units: units})
			case 1:
				es, _ = Release(s, &pb.ReleaseUnitsRequest{AuthorizationId: "aut_1", AppointmentId: visit})
			case 2:
				es, _ = Consume(s, Use{AuthorizationID: "aut_1", EncounterID: "e" + visit, AppointmentID: visit, ServiceCode: "97153", ServiceDate: march, Units: units})
			}
			for _, e := range es {
				s = Evolve(s, e)
			}
			inUse := used(s)["97153"]
			if inUse > 12 || s.Left["97153"] != 12-inUse {
				t.Fatalf("%d units in use of 12, the fold says %d left", inUse, s.Left["97153"])
			}
		}
	})
}
