package authorization

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// ClaimMirror has the claims of a visit by their payer, by encounter_id.
var ClaimMirror = es.Mirror[map[string]string]{
	Name: "authorization.claim",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*claimsv1.ClaimCreated); ok {
			return []string{e.EncounterId}
		}
		return nil
	},
	Evolve: func(claims map[string]string, event es.Event) map[string]string {
		if claims == nil {
			claims = map[string]string{}
		}
		e := event.(*claimsv1.ClaimCreated)
		claims[e.Content.GetPayerId()] = e.ClaimId
		return claims
	},
}

// entries are what an event changes in the ledger, as it is shown. The rows of Project change by the same numbers.
func entries(r es.Recorded) []*pb.AuthorizationEntry {
	at := timestamppb.New(r.RecordedAt)
	switch e := r.Event.(type) {
	case *pb.UnitsReserved:
		return []*pb.AuthorizationEntry{{
			Kind: pb.AuthorizationEntryKind_AUTHORIZATION_ENTRY_KIND_RESERVED, RecordedAt: at, AppointmentId: e.AppointmentId,
			ServiceCode: e.ServiceCode, ServiceDate: e.ServiceDate, Held: e.Units,
		}}
	case *pb.UnitsReleased:
		return []*pb.AuthorizationEntry{{
			Kind: pb.AuthorizationEntryKind_AUTHORIZATION_ENTRY_KIND_RELEASED, RecordedAt: at, AppointmentId: e.AppointmentId,
			ServiceCode: e.ServiceCode, Held: -e.Units, Reason: e.Reason,
		}}
	case *pb.UnitsConsumed:
		used := &pb.AuthorizationEntry{
			Kind: pb.AuthorizationEntryKind_AUTHORIZATION_ENTRY_KIND_CONSUMED, RecordedAt: at, AppointmentId: e.AppointmentId, EncounterId: e.EncounterId,
			ServiceCode: e.ServiceCode, ServiceDate: e.ServiceDate, Consumed: e.Units,
		}
		if e.ReleasedUnits == 0 || e.ReleasedServiceCode == e.ServiceCode {
			used.Held = -e.ReleasedUnits
			return []*pb.AuthorizationEntry{used}
		}
		return []*pb.AuthorizationEntry{{
			Kind: pb.AuthorizationEntryKind_AUTHORIZATION_ENTRY_KIND_RELEASED, RecordedAt: at, AppointmentId: e.AppointmentId,
			ServiceCode: e.ReleasedServiceCode, Held: -e.ReleasedUnits, Reason: "the visit was given as " + e.ServiceCode,
		}, used}
	case *pb.UnitsRestored:
		return []*pb.AuthorizationEntry{{
			Kind: pb.AuthorizationEntryKind_AUTHORIZATION_ENTRY_KIND_RESTORED, RecordedAt: at, AppointmentId: e.AppointmentId, EncounterId: e.EncounterId,
			ServiceCode: e.ServiceCode, ServiceDate: e.ServiceDate, Consumed: -e.Units, Reason: e.Reason,
		}}
	}
	return nil
}
