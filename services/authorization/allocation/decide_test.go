package allocation

import (
	"testing"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/es/estest"
)

type events = []es.Event

const (
	march = "2026-03-02"
	april = "2026-04-06"
	july  = "2026-07-06"
)

// coded is a coded visit of one unit of 90837 for which pay_1 wants an authorization.
func coded(encounter, appointment, day, named string) *pb.AllocationNoted {
	return noted(&pb.VisitToCover{
		EncounterId: encounter, AppointmentId: appointment, ServiceDate: day, LocationId: "loc_1", AuthorizationId: named, ServiceCode: "90837", Units: 1,
		Needs: []*pb.UnitsNeeded{{PayerId: "pay_1", ServiceCode: "90837", Units: 1}},
	})
}

func noted(v *pb.VisitToCover) *pb.AllocationNoted {
	return &pb.AllocationNoted{PatientId: "pat_1", Fact: &pb.AllocationNoted_Visit{Visit: v}}
}

func changed(n *pb.AllocationNoted, change func(*pb.VisitToCover)) *pb.AllocationNoted {
	change(n.GetVisit())
	return n
}

// approval is pay_1's, for 90837, from January through June.
func approval(id string, change ...func(*pb.ApprovalKnown)) *pb.AllocationNoted {
	a := &pb.ApprovalKnown{AuthorizationId: id, PayerId: "pay_1", FromDate: "2026-01-01", ThruDate: "2026-06-30", ServiceCodes: []string{"90837"}}
	for _, c := range change {
		c(a)
	}
	return &pb.AllocationNoted{PatientId: "pat_1", Fact: &pb.AllocationNoted_Approval{Approval: a}}
}

func asked(authorization, encounter, appointment, day string, units int32, reason ...string) *pb.UnitsAssigned {
	e := &pb.UnitsAssigned{
		PatientId: "pat_1", AuthorizationId: authorization, AppointmentId: appointment, EncounterId: encounter, ServiceCode: "90837", ServiceDate: day, Units: units, LocationId: "loc_1",
	}
	if len(reason) > 0 {
		e.Reason = reason[0]
	}
	return e
}

func free(authorization, appointment, reason string) *pb.UnitsAssigned {
	return &pb.UnitsAssigned{PatientId: "pat_1", AuthorizationId: authorization, AppointmentId: appointment, Reason: reason}
}

func refused(authorization, encounter, appointment string) *pb.AllocationNoted {
	return &pb.AllocationNoted{PatientId: "pat_1", Fact: &pb.AllocationNoted_Refusal{Refusal: &pb.RefusalKnown{AuthorizationId: authorization, EncounterId: encounter, AppointmentId: appointment}}}
}

func called(appointment, reason string) *pb.AllocationNoted {
	return &pb.AllocationNoted{PatientId: "pat_1", Fact: &pb.AllocationNoted_Over{Over: &pb.AppointmentOver{AppointmentId: appointment, Reason: reason}}}
}

func freed(authorization string) *pb.AllocationNoted {
	return &pb.AllocationNoted{PatientId: "pat_1", Fact: &pb.AllocationNoted_FreedAuthorizationId{FreedAuthorizationId: authorization}}
}

func byHand(authorization, appointment string) *pb.AllocationNoted {
	return &pb.AllocationNoted{PatientId: "pat_1", Fact: &pb.AllocationNoted_Hold{Hold: &pb.HoldKnown{AuthorizationId: authorization, AppointmentId: appointment}}}
}

func TestGivenVisits(t *testing.T) {
	walkIn := coded("enc_1", "", march, "")
	named := coded("enc_1", "", march, "aut_1")
	estest.Run(t, Stream, Note, []estest.Case[*pb.AllocationNoted]{
		{Name: "without an approval the visit waits", When: walkIn, Then: events{walkIn}},
		{Name: "the one that was there covers it", Given: events{approval("aut_1")}, When: walkIn, Then: events{walkIn, asked("aut_1", "enc_1", "", march, 1)}},
		{Name: "one that is approved after the visit was coded covers it", Given: events{walkIn}, When: approval("aut_1"), Then: events{approval("aut_1"), asked("aut_1", "enc_1", "", march, 1)}},
		{
			Name: "the oldest service comes first", Given: events{coded("enc_2", "", april, ""), walkIn}, When: approval("aut_1"),
			Then: events{approval("aut_1"), asked("aut_1", "enc_1", "", march, 1), asked("aut_1", "enc_2", "", april, 1)},
		},
		{Name: "another day is not covered", Given: events{coded("enc_1", "", july, "")}, When: approval("aut_1"), Then: events{approval("aut_1")}},
		{Name: "nor another code", Given: events{walkIn}, When: approval("aut_1", func(a *pb.ApprovalKnown) { a.ServiceCodes = []string{"90834"} }), Then: events{approval("aut_1", func(a *pb.ApprovalKnown) { a.ServiceCodes = []string{"90834"} })}},
		{Name: "nor another payer", Given: events{walkIn}, When: approval("aut_1", func(a *pb.ApprovalKnown) { a.PayerId = "pay_2" }), Then: events{approval("aut_1", func(a *pb.ApprovalKnown) { a.PayerId = "pay_2" })}},
		{Name: "nor another location", Given: events{walkIn}, When: approval("aut_1", func(a *pb.ApprovalKnown) { a.LocationIds = []string{"loc_2"} }), Then: events{approval("aut_1", func(a *pb.ApprovalKnown) { a.LocationIds = []string{"loc_2"} })}},
		{Name: "the one that was named is asked first, whatever is known of it: its no is heard", Given: events{approval("aut_2")}, When: named, Then: events{named, asked("aut_1", "enc_1", "", march, 1)}},
		{
			Name: "after its no the next is asked", Given: events{approval("aut_2"), named, asked("aut_1", "enc_1", "", march, 1)}, When: refused("aut_1", "enc_1", ""),
			Then: events{refused("aut_1", "enc_1", ""), asked("aut_2", "enc_1", "", march, 1), asked("aut_1", "enc_1", "", march, 0, "another authorization covers the visit")},
		},
		{
			Name: "where there is none it waits", Given: events{named, asked("aut_1", "enc_1", "", march, 1)}, When: refused("aut_1", "enc_1", ""), Then: events{refused("aut_1", "enc_1", "")},
		},
		{
			Name: "and asks again when the payer approves, or extends", Given: events{named, asked("aut_1", "enc_1", "", march, 1), refused("aut_1", "enc_1", "")}, When: approval("aut_1"),
			Then: events{approval("aut_1"), asked("aut_1", "enc_1", "", march, 1)},
		},
		{
			Name: "and when units become free", Given: events{approval("aut_1"), walkIn, asked("aut_1", "enc_1", "", march, 1), refused("aut_1", "enc_1", "")}, When: freed("aut_1"),
			Then: events{freed("aut_1"), asked("aut_1", "enc_1", "", march, 1)},
		},
		{Name: "free units that nobody waits for are no news", Given: events{approval("aut_1"), walkIn, asked("aut_1", "enc_1", "", march, 1)}, When: freed("aut_1")},
		{Name: "a covered visit stays where it is when another authorization comes", Given: events{approval("aut_2"), walkIn, asked("aut_2", "enc_1", "", march, 1)}, When: approval("aut_1"), Then: events{approval("aut_1")}},
		{
			Name: "of two the one that ends first is used first", Given: events{approval("aut_1"), approval("aut_2", func(a *pb.ApprovalKnown) { a.ThruDate = "2026-03-31" })}, When: walkIn,
			Then: events{walkIn, asked("aut_2", "enc_1", "", march, 1)},
		},
		{
			Name: "a visit that is billed with more units asks for them", Given: events{approval("aut_1"), walkIn, asked("aut_1", "enc_1", "", march, 1)},
			When: changed(coded("enc_1", "", march, ""), func(v *pb.VisitToCover) { v.Needs[0].Units = 2 }),
			Then: events{changed(coded("enc_1", "", march, ""), func(v *pb.VisitToCover) { v.Needs[0].Units = 2 }), asked("aut_1", "enc_1", "", march, 2)},
		},
		{
			Name: "one that is billed no more gives its units back", Given: events{approval("aut_1"), walkIn, asked("aut_1", "enc_1", "", march, 1)},
			When: noted(&pb.VisitToCover{EncounterId: "enc_1", ServiceDate: march, Voided: true}),
			Then: events{noted(&pb.VisitToCover{EncounterId: "enc_1", ServiceDate: march, Voided: true}), asked("aut_1", "enc_1", "", march, 0, "the visit is billed no more")},
		},
		{Name: "a visit for which nobody wants one, and none was named, is no news", When: noted(&pb.VisitToCover{EncounterId: "enc_1", ServiceDate: march, ServiceCode: "90834", Units: 1})},
		{
			Name: "one that was named is asked, also where the payer wants none",
			When: noted(&pb.VisitToCover{EncounterId: "enc_1", ServiceDate: march, LocationId: "loc_1", ServiceCode: "90837", Units: 1, AuthorizationId: "aut_1"}),
			Then: events{noted(&pb.VisitToCover{EncounterId: "enc_1", ServiceDate: march, LocationId: "loc_1", ServiceCode: "90837", Units: 1, AuthorizationId: "aut_1"}), asked("aut_1", "enc_1", "", march, 1)},
		},
		{
			Name: "each payer that wants one is asked for its own", Given: events{approval("aut_1"), approval("aut_2", func(a *pb.ApprovalKnown) { a.PayerId = "pay_2" })},
			When: changed(coded("enc_1", "", march, ""), func(v *pb.VisitToCover) {
				v.Needs = append(v.Needs, &pb.UnitsNeeded{PayerId: "pay_2", ServiceCode: "90837", Units: 1})
			}),
			Then: events{changed(coded("enc_1", "", march, ""), func(v *pb.VisitToCover) {
				v.Needs = append(v.Needs, &pb.UnitsNeeded{PayerId: "pay_2", ServiceCode: "90837", Units: 1})
			}), asked("aut_1", "enc_1", "", march, 1), asked("aut_2", "enc_1", "", march, 1)},
		},
		{Name: "the same again changes nothing", Given: events{walkIn}, When: walkIn},
	})
}

func TestVisitsToCome(t *testing.T) {
	booked := coded("", "apt_1", march, "")
	held := events{approval("aut_1"), booked, asked("aut_1", "", "apt_1", march, 1)}
	came := coded("enc_1", "apt_1", march, "")
	estest.Run(t, Stream, Note, []estest.Case[*pb.AllocationNoted]{
		{Name: "the units of a visit to come are held", Given: events{approval("aut_1")}, When: booked, Then: events{booked, asked("aut_1", "", "apt_1", march, 1)}},
		{Name: "also when the approval comes after the booking", Given: events{booked}, When: approval("aut_1"), Then: events{approval("aut_1"), asked("aut_1", "", "apt_1", march, 1)}},
		{Name: "a cancelled visit frees its hold", Given: held, When: called("apt_1", "ill"), Then: events{called("apt_1", "ill"), free("aut_1", "apt_1", "ill")}},
		{Name: "once", Given: append(held[:3:3], called("apt_1", "ill"), free("aut_1", "apt_1", "ill")), When: called("apt_1", "ill")},
		{Name: "a booking that is heard of after its end holds nothing", Given: events{approval("aut_1"), called("apt_1", "ill")}, When: booked},
		{Name: "when it was given, the ledger that holds is the one that is asked", Given: held, When: came, Then: events{came, asked("aut_1", "enc_1", "apt_1", march, 1)}},
		{
			Name: "a hold elsewhere is free when the visit was given under another", Given: held, When: coded("enc_1", "apt_1", march, "aut_9"),
			Then: events{coded("enc_1", "apt_1", march, "aut_9"), asked("aut_9", "enc_1", "apt_1", march, 1), free("aut_1", "apt_1", "the visit was given under another authorization, or needs none")},
		},
		{
			Name: "and when it needs none as it was given", Given: held, When: noted(&pb.VisitToCover{EncounterId: "enc_1", AppointmentId: "apt_1", ServiceDate: march, ServiceCode: "90834", Units: 1}),
			Then: events{
				noted(&pb.VisitToCover{EncounterId: "enc_1", AppointmentId: "apt_1", ServiceDate: march, ServiceCode: "90834", Units: 1}),
				free("aut_1", "apt_1", "the visit was given under another authorization, or needs none"),
			},
		},
		{Name: "a hold that a person made is known", Given: events{approval("aut_1")}, When: byHand("aut_1", "apt_2"), Then: events{byHand("aut_1", "apt_2")}},
		{Name: "our own is no news", Given: held, When: byHand("aut_1", "apt_1")},
		{Name: "and is freed like our own", Given: events{byHand("aut_1", "apt_2")}, When: called("apt_2", "ill"), Then: events{called("apt_2", "ill"), free("aut_1", "apt_2", "ill")}},
		{Name: "also when the visit was off before it was made", Given: events{called("apt_2", "ill")}, When: byHand("aut_1", "apt_2"), Then: events{byHand("aut_1", "apt_2"), free("aut_1", "apt_2", "ill")}},
		{Name: "what is held is used first", Given: events{approval("aut_1"), approval("aut_2"), byHand("aut_2", "apt_1")}, When: came, Then: events{came, asked("aut_2", "enc_1", "apt_1", march, 1)}},
		{Name: "a hold that its use has taken is not freed under it", Given: append(held[:3:3], came, asked("aut_1", "enc_1", "apt_1", march, 1)), When: byHand("aut_1", "apt_1")},
	})
}
