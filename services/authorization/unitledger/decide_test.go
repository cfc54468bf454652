package unitledger

import (
	"fmt"
	"maps"
	"testing"

	"google.golang.org/protobuf/proto"
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
	return &pb.UnitsReserved{AuthorizationId: "aut_1", AppointmentId: visit, ServiceCode: "97153", ServiceDate: date, Units: units, PatientId: "pat_1"}
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
			Then: events{&pb.UnitsReleased{AuthorizationId: "aut_1", AppointmentId: "v1", ServiceCode: "97153", Units: 8, Reason: "cancelled", PatientId: "pat_1"}},
		},
		{Name: "a visit that holds nothing changes nothing", Given: events{requested, approved}, When: when},
	})
}

func use(units int32) Use {
	return Use{AuthorizationID: "aut_1", EncounterID: "enc_1", AppointmentID: "v1", PatientID: "pat_1", ServiceCode: "97153", ServiceDate: march, Units: units}
}

func consumed(units, released int32) es.Event {
	e := &pb.UnitsConsumed{AuthorizationId: "aut_1", EncounterId: "enc_1", AppointmentId: "v1", ServiceCode: "97153", ServiceDate: march, Units: units, ReleasedUnits: released, PatientId: "pat_1"}
	if released > 0 {
		e.ReleasedServiceCode = "97153"
	}
	return e
}

func restored(units int32, reason string) es.Event {
	return &pb.UnitsRestored{AuthorizationId: "aut_1", EncounterId: "enc_1", AppointmentId: "v1", PatientId: "pat_1", ServiceCode: "97153", ServiceDate: march, Units: units, Reason: reason}
}

var exhausted = &pb.AuthorizationExhausted{AuthorizationId: "aut_1", PatientId: "pat_1", ServiceCode: "97153"}

func TestConsume(t *testing.T) {
	with := func(change func(*Use)) Use {
		c := use(1)
		change(&c)
		return c
	}
	local := proto.CloneOf(approved)
	local.LocationIds = []string{"loc_1"}
	estest.Run(t, Stream, Consume, []estest.Case[Use]{
		{Name: "the hold of the visit turns into use", Given: events{requested, approved, held("v1", march, 8)}, When: use(6), Then: events{consumed(6, 8)}},
		{Name: "more than held is fine while units are left", Given: events{requested, approved, held("v1", march, 2)}, When: use(3), Then: events{consumed(3, 2)}},
		{Name: "the last unit is said", Given: events{requested, approved}, When: use(12), Then: events{consumed(12, 0), exhausted}},
		{Name: "units held by others can't be used", Given: events{requested, approved, held("v9", march, 8)}, When: use(5), Refused: "authorization.units_within_approval"},
		{Name: "an encounter uses units once", Given: events{requested, approved, consumed(6, 0)}, When: use(6)},
		{Name: "more units are billed: the difference is used", Given: events{requested, approved, consumed(6, 0)}, When: use(8), Then: events{consumed(2, 0)}},
		{Name: "more than are left are refused, what was used stays used", Given: events{requested, approved, consumed(6, 0), held("v9", march, 5)}, When: use(8), Refused: "authorization.units_within_approval"},
		{Name: "fewer units are billed: the difference is there again", Given: events{requested, approved, consumed(6, 0)}, When: use(4), Then: events{restored(2, "4 are billed now, not 6")}},
		{Name: "and again, and once only", Given: events{requested, approved, consumed(6, 0), restored(2, "4 are billed now, not 6")}, When: use(4)},
		{Name: "a day outside the approval", Given: events{requested, approved}, When: with(func(c *Use) { c.ServiceDate = july }), Refused: "authorization.within_period"},
		{Name: "another code", Given: events{requested, approved}, When: with(func(c *Use) { c.ServiceCode = "97155" }), Refused: "authorization.code_approved"},
		{Name: "another patient", Given: events{requested, approved}, When: with(func(c *Use) { c.PatientID = "pat_2" }), Refused: "authorization.of_patient"},
		{Name: "another location than the approval names", Given: events{requested, local}, When: with(func(c *Use) { c.LocationID = "loc_2" }), Refused: "authorization.at_location"},
		{Name: "the location that it names", Given: events{requested, local}, When: with(func(c *Use) { c.LocationID = "loc_1" }), Then: events{consumed(1, 0)}},
	})
}

// A visit that is billed no more, or that another authorization covers, gives back what it used.
func TestGiveBack(t *testing.T) {
	estest.Run(t, Stream, giveBack("the visit is billed no more"), []estest.Case[Use]{
		{Name: "all of it", Given: events{requested, approved, consumed(6, 0), consumed(2, 0)}, When: use(0), Then: events{restored(8, "the visit is billed no more")}},
		{Name: "once", Given: events{requested, approved, consumed(6, 0), restored(6, "the visit is billed no more")}, When: use(0)},
		{Name: "what used nothing gives nothing back", Given: events{requested, approved}, When: use(0)},
		{Name: "of an authorization that was never requested there is nothing to give back", When: use(0)},
	})
}

// A visit that was given as something else frees what it held and what it had used, whatever is said of its use.
func TestWhatWasGivenOtherwiseFreesItsUnits(t *testing.T) {
	given := use(1)
	given.ServiceCode = "90834"
	_, err := Consume(State{Requested: requested, Approved: approved}, given)
	refused := &pb.UnitsRefused{AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1", Reasons: refuse.Reasons(err), ServiceCode: "90834", ServiceDate: march, Units: 1}
	freed := &pb.UnitsReleased{AuthorizationId: "aut_1", AppointmentId: "v1", ServiceCode: "97153", Units: 2, Reason: "the visit was given as 90834", PatientId: "pat_1"}
	estest.Run(t, Stream, consumeOrRecord, []estest.Case[Use]{
		{Name: "its hold is free again", Given: events{requested, approved, held("v1", march, 2)}, When: given, Then: events{freed, refused}},
		{Name: "another visit's hold stays", Given: events{requested, approved, held("v9", march, 2)}, When: given, Then: events{refused}},
		{Name: "what it had used of the other code is there again", Given: events{requested, approved, consumed(6, 0)}, When: given, Then: events{restored(6, "the visit is billed as 90834"), refused}},
		{Name: "it is said once", Given: events{requested, approved, held("v1", march, 2), freed, refused}, When: given},
		{Name: "and again once the payer has decided again", Given: events{requested, approved, refused, approved}, When: given, Then: events{refused}},
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
		history := events{requested, approved}
		s := estest.Fold(Stream, history)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			visit := fmt.Sprint("v", rapid.IntRange(1, 8).Draw(t, "visit"))
			units := rapid.Int32Range(1, 6).Draw(t, "units")
			var es events
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0:
				es, _ = Reserve(s, &pb.ReserveUnitsRequest{AuthorizationId: "aut_1", AppointmentId: visit, ServiceCode: "97153", ServiceDate: march, Units: units})
			case 1:
				es, _ = Release(s, &pb.ReleaseUnitsRequest{AuthorizationId: "aut_1", AppointmentId: visit})
			case 2:
				es, _ = Consume(s, Use{AuthorizationID: "aut_1", EncounterID: "e" + visit, AppointmentID: visit, PatientID: "pat_1", ServiceCode: "97153", ServiceDate: march, Units: units})
			case 3:
				es, _ = giveBack("voided")(s, Use{AuthorizationID: "aut_1", EncounterID: "e" + visit})
			}
			for _, e := range es {
				s = Evolve(s, e)
			}
			inUse := used(s)["97153"]
			history = append(history, es...)
			if inUse > 12 || s.Left["97153"] != 12-inUse {
				t.Fatalf("%d units in use of 12, the fold says %d left", inUse, s.Left["97153"])
			}
		}
		if again := estest.Fold(Stream, history); !maps.Equal(again.Left, s.Left) || !maps.Equal(again.Consumed, s.Consumed) {
			t.Fatalf("replayed %v %v, live %v %v", again.Left, again.Consumed, s.Left, s.Consumed)
		}
	})
}
