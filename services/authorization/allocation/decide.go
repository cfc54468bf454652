package allocation

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Note notes a fact and says which units follow from it. A fact that is known, or that nobody waits for, changes nothing.
func Note(s State, fact *pb.AllocationNoted) ([]es.Event, error) {
	if !s.news(fact) {
		return nil, nil
	}
	events := []es.Event{fact}
	after := Evolve(s.clone(), fact)
	for _, id := range after.oldestFirst() {
		for _, e := range after.assign(fact.PatientId, id) {
			events = append(events, e)
			after = Evolve(after, e)
		}
	}
	for _, e := range after.freed(fact.PatientId) {
		events = append(events, e)
	}
	return events, nil
}

// news says whether a fact is to be noted.
func (s State) news(fact *pb.AllocationNoted) bool {
	switch f := fact.Fact.(type) {
	case *pb.AllocationNoted_Visit:
		v := f.Visit
		known := s.Visits[visitID(v.EncounterId, v.AppointmentId)]
		if v.EncounterId == "" && s.Over[v.AppointmentId] || proto.Equal(known, v) {
			return false
		}
		return known != nil || v.AuthorizationId != "" || len(v.Needs) > 0 || s.Visits[v.AppointmentId] != nil || s.holds(v.AppointmentId)
	case *pb.AllocationNoted_Over:
		return !s.Over[f.Over.AppointmentId]
	case *pb.AllocationNoted_Approval:
		return !proto.Equal(s.Approvals[f.Approval.AuthorizationId], f.Approval)
	case *pb.AllocationNoted_Hold:
		at := place{f.Hold.AppointmentId, f.Hold.AuthorizationId}
		return s.Assigned[at].GetUnits() == 0 && !s.ByHand[at] && !s.usedFor(at)
	case *pb.AllocationNoted_Refusal:
		at := place{visitID(f.Refusal.EncounterId, f.Refusal.AppointmentId), f.Refusal.AuthorizationId}
		return s.Assigned[at].GetUnits() > 0 && !s.Refused[at]
	case *pb.AllocationNoted_FreedAuthorizationId:
		for at := range s.Refused {
			if at.authorization == f.FreedAuthorizationId {
				return true
			}
		}
	}
	return false
}

func (s State) holds(appointment string) bool {
	for at, e := range s.Assigned {
		if at.visit == appointment && e.Units > 0 {
			return true
		}
	}
	for at := range s.ByHand {
		if at.visit == appointment {
			return true
		}
	}
	return false
}

// usedFor says whether the visit of the appointment was given and asked this authorization, whose ledger has turned the hold into use.
func (s State) usedFor(hold place) bool {
	for at, e := range s.Assigned {
		if e.EncounterId != "" && e.AppointmentId == hold.visit && at.authorization == hold.authorization && e.Units > 0 {
			return true
		}
	}
	return false
}

func (s State) oldestFirst() []string {
	return slices.SortedFunc(maps.Keys(s.Visits), func(a, b string) int {
		return cmp.Or(strings.Compare(s.Visits[a].ServiceDate, s.Visits[b].ServiceDate), strings.Compare(a, b))
	})
}

// assign says what has changed of one visit: what it asks for now, and what it gives back.
func (s State) assign(patient, id string) []*pb.UnitsAssigned {
	v := s.Visits[id]
	var out []*pb.UnitsAssigned
	wanted := map[string]bool{}
	for _, e := range s.wanted(patient, v) {
		at := place{id, e.AuthorizationId}
		wanted[e.AuthorizationId] = true
		if s.Again[at] || !proto.Equal(s.Assigned[at], e) {
			out = append(out, e)
		}
	}
	reason := "another authorization covers the visit"
	if v.Voided {
		reason = "the visit is billed no more"
	}
	for _, authorization := range s.askedOf(id) {
		if !wanted[authorization] {
			out = append(out, nothing(patient, s.Assigned[place{id, authorization}], reason))
		}
	}
	return out
}

// freed gives back what appointments hold that are over, and that no given visit has used.
func (s State) freed(patient string) []*pb.UnitsAssigned {
	var out []*pb.UnitsAssigned
	at := slices.Collect(maps.Keys(s.ByHand))
	for p, e := range s.Assigned {
		if e.EncounterId == "" && e.Units > 0 {
			at = append(at, p)
		}
	}
	slices.SortFunc(at, func(a, b place) int {
		return cmp.Or(strings.Compare(a.visit, b.visit), strings.Compare(a.authorization, b.authorization))
	})
	for _, p := range slices.Compact(at) {
		if s.Over[p.visit] {
			out = append(out, nothing(patient, &pb.UnitsAssigned{AuthorizationId: p.authorization, AppointmentId: p.visit}, s.Reasons[p.visit]))
		}
	}
	return out
}

func nothing(patient string, e *pb.UnitsAssigned, reason string) *pb.UnitsAssigned {
	return &pb.UnitsAssigned{
		PatientId: patient, AuthorizationId: e.AuthorizationId, AppointmentId: e.AppointmentId, EncounterId: e.EncounterId, ServiceCode: e.ServiceCode,
		ServiceDate: e.ServiceDate, LocationId: e.LocationId, Reason: reason,
	}
}

// askedOf are the authorizations that a visit has units of, or has asked.
func (s State) askedOf(id string) []string {
	var out []string
	for at, e := range s.Assigned {
		if at.visit == id && e.Units > 0 {
			out = append(out, at.authorization)
		}
	}
	slices.Sort(out)
	return out
}

// wanted is what a visit is to have: of one authorization of each payer that wants one, and of the one that was named.
func (s State) wanted(patient string, v *pb.VisitToCover) []*pb.UnitsAssigned {
	var out []*pb.UnitsAssigned
	ask := func(authorization, code string, units int32) {
		out = append(out, &pb.UnitsAssigned{
			PatientId: patient, AuthorizationId: authorization, AppointmentId: v.AppointmentId, EncounterId: v.EncounterId, ServiceCode: code,
			ServiceDate: v.ServiceDate, Units: units, LocationId: v.LocationId,
		})
	}
	named := v.AuthorizationId
	payer := s.Approvals[named].GetPayerId() // empty: not approved, then it is taken for the first payer's, whose no is heard
	for i, need := range v.Needs {
		mine := ""
		if payer == need.PayerId || payer == "" && i == 0 {
			mine, named = v.AuthorizationId, ""
		}
		if a := s.choose(v, need, mine); a != "" {
			ask(a, need.ServiceCode, need.Units)
		}
	}
	if named != "" {
		ask(named, v.ServiceCode, v.Units)
	}
	return out
}

// choose is the authorization that a visit asks for a payer's sake: the one that has said yes, or not answered yet; else the next that has not said no: the one that
// was named, the one whose units its appointment holds, the one that ends first. When all have said no it stays where it is.
func (s State) choose(v *pb.VisitToCover, need *pb.UnitsNeeded, named string) string {
	id := visitID(v.EncounterId, v.AppointmentId)
	has := ""
	for _, a := range s.askedOf(id) {
		if a == named || s.Approvals[a].GetPayerId() == need.PayerId {
			has = a
			if !s.Refused[place{id, a}] && (a == named || s.fits(a, v, need)) {
				return a
			}
		}
	}
	candidates := slices.SortedFunc(maps.Keys(s.Approvals), func(a, b string) int {
		return cmp.Or(-s.heldFor(v, a)+s.heldFor(v, b), strings.Compare(s.Approvals[a].ThruDate, s.Approvals[b].ThruDate), strings.Compare(a, b))
	})
	candidates = slices.DeleteFunc(candidates, func(a string) bool { return !s.fits(a, v, need) })
	if named != "" {
		candidates = append([]string{named}, candidates...)
	}
	for _, a := range candidates {
		if !s.Refused[place{id, a}] {
			return a
		}
	}
	return has
}

func (s State) heldFor(v *pb.VisitToCover, authorization string) int {
	at := place{v.AppointmentId, authorization}
	if s.Assigned[at].GetUnits() > 0 && !s.Refused[at] || s.ByHand[at] {
		return 1
	}
	return 0
}

// fits says whether an approval is the payer's, for the code, the day and the place. How many units are left its ledger says.
func (s State) fits(authorization string, v *pb.VisitToCover, need *pb.UnitsNeeded) bool {
	a := s.Approvals[authorization]
	return a.GetPayerId() == need.PayerId && date.Within(v.ServiceDate, a.FromDate, a.ThruDate) && slices.Contains(a.ServiceCodes, need.ServiceCode) &&
		(len(a.LocationIds) == 0 || v.LocationId == "" || slices.Contains(a.LocationIds, v.LocationId))
}
