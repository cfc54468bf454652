package readiness

import (
	"strings"

	"google.golang.org/protobuf/types/known/timestamppb"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/intake/known"
)

// React notes on the patient's stream what decides whether visits are clear to happen.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *pb.AppointmentScheduled:
		visit := &pb.PlannedVisit{AppointmentId: e.AppointmentId, ServiceDate: e.ServiceDate, AuthorizationId: e.AuthorizationId}
		for _, p := range e.ResponsiblePayers {
			visit.CoverageIds = append(visit.CoverageIds, p.CoverageId)
		}
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_Visit{Visit: visit}}), nil
	case *pb.AppointmentCancelled:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_OverAppointmentId{OverAppointmentId: e.AppointmentId}}), nil
	case *pb.AppointmentNoShowed:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_OverAppointmentId{OverAppointmentId: e.AppointmentId}}), nil
	case *pb.AppointmentCheckedIn:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_OverAppointmentId{OverAppointmentId: e.AppointmentId}}), nil
	case *pb.CoverageAdded:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_Coverage{Coverage: &pb.CoverageKnown{
			CoverageId: e.CoverageId, PayerId: e.PayerId, PayerSequence: e.PayerSequence, FromDate: e.FromDate, ThruDate: e.ThruDate,
		}}}), nil
	case *pb.CoverageTerminated:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_CoverageEnd{CoverageEnd: &pb.CoverageEnd{CoverageId: e.CoverageId, ThruDate: e.ThruDate}}}), nil
	case *pb.CarveOutIdentified:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_CarveOut{CarveOut: &pb.CarveOutKnown{CoverageId: e.CoverageId, BehavioralPayerId: e.BehavioralPayerId}}}), nil
	case *pb.EligibilityResponded:
		said := &pb.EligibilityKnown{
			EligibilityCheckId: e.EligibilityCheckId, CoverageId: e.CoverageId, PayerId: e.PayerId, ServiceDate: e.ServiceDate, Status: e.Status,
			AuthorizationRequired: e.AuthorizationRequired, OtherEntity: strings.TrimSpace(e.OtherEntityName + " " + e.OtherEntityEdiPayerId),
			AnsweredAt: timestamppb.New(r.RecordedAt),
		}
		if e.Status == pb.CoverageStatus_COVERAGE_STATUS_ASK_OTHER_ENTITY {
			other, _ := es.Find(look, known.PayersByEDI, known.EDI(e.OtherEntityEdiPayerId))
			said.OtherPayerId = other.GetPayerId()
		}
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_Eligibility{Eligibility: said}}), nil
	case *pb.EligibilityRejected:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_Eligibility{Eligibility: &pb.EligibilityKnown{
			EligibilityCheckId: e.EligibilityCheckId, CoverageId: e.CoverageId, PayerId: e.PayerId, ServiceDate: e.ServiceDate, AaaCodes: e.AaaCodes, FollowUp: e.FollowUp,
			AnsweredAt: timestamppb.New(r.RecordedAt),
		}}}), nil
	case *authorizationv1.AuthorizationRequirementDetermined:
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_Wanted{Wanted: &pb.AuthorizationWanted{
			AppointmentId: e.AppointmentId, PayerId: e.PayerId, Required: e.Required,
		}}}), nil
	case *authorizationv1.UnitsReserved:
		return units(look, &pb.UnitsKnown{AppointmentId: e.AppointmentId, AuthorizationId: e.AuthorizationId, Held: true})
	case *authorizationv1.UnitsReleased:
		return units(look, &pb.UnitsKnown{AppointmentId: e.AppointmentId, AuthorizationId: e.AuthorizationId})
	case *authorizationv1.UnitsRefused:
		if e.AppointmentId == "" { // of a visit that was given: not to come any more
			return nil, nil
		}
		return note(e.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_Units{Units: &pb.UnitsKnown{
			AppointmentId: e.AppointmentId, AuthorizationId: e.AuthorizationId, Refused: e.Reasons,
		}}}), nil
	}
	return nil, nil
}

// units notes what an authorization's stream says, which names the patient in its first event.
func units(look es.Look, u *pb.UnitsKnown) ([]es.Command, error) {
	requested, there := es.Find(look, known.Authorizations, u.AuthorizationId)
	if !there {
		return nil, es.Wait(known.Authorizations, u.AuthorizationId)
	}
	return note(requested.PatientId, &pb.ReadinessNoted{Fact: &pb.ReadinessNoted_Units{Units: u}}), nil
}

func note(patientID string, fact *pb.ReadinessNoted) []es.Command {
	fact.PatientId = patientID
	return []es.Command{es.Do(Stream, patientID, Note, fact)}
}
