package allocation

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/authorization/requirement"
)

// CodedMirror has coded visits with the payers that are known now, by encounter_id, which is the account's id too.
var CodedMirror = es.Mirror[*codingv1.CodingCompleted]{
	Name: "authorization.coded",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *codingv1.CodingCompleted:
			return []string{e.EncounterId}
		case *codingv1.VisitPayersTold:
			return []string{e.EncounterId}
		}
		return nil
	},
	Evolve: func(coded *codingv1.CodingCompleted, event es.Event) *codingv1.CodingCompleted {
		switch e := event.(type) {
		case *codingv1.CodingCompleted:
			return e
		case *codingv1.VisitPayersTold: // the visit came before: coding tells both in order
			coded = proto.CloneOf(coded)
			coded.ResponsiblePayers = e.ResponsiblePayers
		}
		return coded
	},
}

// ReceivedMirror has sessions as they were sent, by encounter_id: which appointment they were of.
var ReceivedMirror = es.Mirror[*codingv1.EncounterReceived]{
	Name: "authorization.received",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*codingv1.EncounterReceived); ok && e.AppointmentId != "" {
			return []string{e.EncounterId}
		}
		return nil
	},
	Evolve: func(_ *codingv1.EncounterReceived, event es.Event) *codingv1.EncounterReceived {
		return event.(*codingv1.EncounterReceived)
	},
}

// React notes on the patient's stream what decides from which authorization units come.
func React(r es.Recorded, look es.Look) ([]es.Command, error) {
	switch e := r.Event.(type) {
	case *intakev1.AppointmentScheduled:
		v := &pb.VisitToCover{
			AppointmentId: e.AppointmentId, ServiceDate: e.ServiceDate, LocationId: e.LocationId, AuthorizationId: e.AuthorizationId, ServiceCode: e.ServiceCode, Units: e.Units,
		}
		line := &typev1.ServiceLine{ServiceCode: e.ServiceCode, UnitsThousandths: e.Units * 1000}
		return visit(look, e.PatientId, v, e.ResponsiblePayers, []*typev1.ServiceLine{line})
	case *intakev1.AppointmentCancelled:
		return over(e.PatientId, e.AppointmentId, e.Reason, "cancelled"), nil
	case *intakev1.AppointmentNoShowed:
		return over(e.PatientId, e.AppointmentId, e.Reason, "the patient did not come"), nil
	case *codingv1.CoderQueryAnswered:
		received, there := es.Find(look, ReceivedMirror, e.EncounterId)
		if !e.NoBill || !there {
			return nil, nil
		}
		return over(received.PatientId, received.AppointmentId, "", "nothing is billed for the visit"), nil
	case *codingv1.CodingCompleted:
		return given(look, e, e.Lines)
	case *codingv1.VisitPayersTold:
		coded, there := es.Find(look, CodedMirror, e.EncounterId)
		if !there {
			return nil, es.Wait(CodedMirror, e.EncounterId)
		}
		return given(look, coded, coded.Lines)
	case *postingv1.ChargeCorrected:
		coded, there := es.Find(look, CodedMirror, e.AccountId)
		if !there {
			return nil, es.Wait(CodedMirror, e.AccountId)
		}
		return given(look, coded, e.Lines)
	case *postingv1.ChargeVoided:
		coded, there := es.Find(look, CodedMirror, e.AccountId)
		if !there {
			return nil, es.Wait(CodedMirror, e.AccountId)
		}
		return note(coded.PatientId, &pb.AllocationNoted{Fact: &pb.AllocationNoted_Visit{Visit: &pb.VisitToCover{
			EncounterId: coded.EncounterId, AppointmentId: coded.AppointmentId, ServiceDate: coded.ServiceDate, LocationId: coded.LocationId, Voided: true,
		}}}), nil
	case *pb.AuthorizationApproved:
		return note(e.PatientId, &pb.AllocationNoted{Fact: &pb.AllocationNoted_Approval{Approval: &pb.ApprovalKnown{
			AuthorizationId: e.AuthorizationId, PayerId: e.PayerId, FromDate: e.FromDate, ThruDate: e.ThruDate, ServiceCodes: slices.Sorted(maps.Keys(e.UnitsByCode)),
			LocationIds: e.LocationIds,
		}}}), nil
	}
	return answer(r.Event), nil
}

// answer notes what a ledger said.
func answer(event es.Event) []es.Command {
	freed := func(patient, authorization string) []es.Command {
		return note(patient, &pb.AllocationNoted{Fact: &pb.AllocationNoted_FreedAuthorizationId{FreedAuthorizationId: authorization}})
	}
	switch e := event.(type) {
	case *pb.UnitsReserved:
		return note(e.PatientId, &pb.AllocationNoted{Fact: &pb.AllocationNoted_Hold{Hold: &pb.HoldKnown{AuthorizationId: e.AuthorizationId, AppointmentId: e.AppointmentId}}})
	case *pb.UnitsRefused:
		return note(e.PatientId, &pb.AllocationNoted{Fact: &pb.AllocationNoted_Refusal{Refusal: &pb.RefusalKnown{
			AuthorizationId: e.AuthorizationId, AppointmentId: e.AppointmentId, EncounterId: e.EncounterId,
		}}})
	case *pb.UnitsReleased:
		return freed(e.PatientId, e.AuthorizationId)
	case *pb.UnitsRestored:
		return freed(e.PatientId, e.AuthorizationId)
	case *pb.UnitsConsumed:
		if e.ReleasedUnits > 0 && (e.ReleasedUnits > e.Units || e.ReleasedServiceCode != e.ServiceCode) {
			return freed(e.PatientId, e.AuthorizationId)
		}
	}
	return nil
}

func over(patient, appointment, said, otherwise string) []es.Command {
	if said == "" {
		said = otherwise
	}
	return note(patient, &pb.AllocationNoted{Fact: &pb.AllocationNoted_Over{Over: &pb.AppointmentOver{AppointmentId: appointment, Reason: said}}})
}

// given is a coded visit with its lines as they are billed now. One that another billing system billed under a number of its own needs none of ours.
func given(look es.Look, e *codingv1.CodingCompleted, lines []*typev1.ServiceLine) ([]es.Command, error) {
	v := &pb.VisitToCover{EncounterId: e.EncounterId, AppointmentId: e.AppointmentId, ServiceDate: e.ServiceDate, LocationId: e.LocationId, AuthorizationId: e.AuthorizationId}
	if len(lines) == 0 || e.Imported && e.AuthNo != "" {
		return nil, nil
	}
	v.ServiceCode = lines[0].ServiceCode // add-ons go with it
	v.Units = units(lines, v.ServiceCode)
	return visit(look, e.PatientId, v, e.ResponsiblePayers, lines)
}

// visit notes one, with the payers that want an authorization for it.
func visit(look es.Look, patient string, v *pb.VisitToCover, payers []*intakev1.ResponsiblePayer, lines []*typev1.ServiceLine) ([]es.Command, error) {
	for _, p := range payers {
		policies, known := es.Find(look, requirement.PolicyMirror, p.PayerId)
		if !known {
			return nil, es.Wait(requirement.PolicyMirror, p.PayerId)
		}
		i := slices.IndexFunc(lines, func(l *typev1.ServiceLine) bool {
			required, _ := requirement.Answer(policies, l.ServiceCode, v.ServiceDate)
			return required
		})
		told := slices.ContainsFunc(v.Needs, func(n *pb.UnitsNeeded) bool { return n.PayerId == p.PayerId })
		if i >= 0 && !told {
			v.Needs = append(v.Needs, &pb.UnitsNeeded{PayerId: p.PayerId, ServiceCode: lines[i].ServiceCode, Units: units(lines, lines[i].ServiceCode)})
		}
	}
	return note(patient, &pb.AllocationNoted{Fact: &pb.AllocationNoted_Visit{Visit: v}}), nil
}

// units of a code on all lines; a part of one counts as a whole.
func units(lines []*typev1.ServiceLine, code string) int32 {
	var n int32
	for _, l := range lines {
		if l.ServiceCode == code {
			n += l.UnitsThousandths
		}
	}
	return (n + 999) / 1000
}

func note(patientID string, fact *pb.AllocationNoted) []es.Command {
	if patientID == "" { // a ledger's event of before it named the patient
		return nil
	}
	fact.PatientId = patientID
	return []es.Command{es.Do(Stream, patientID, Note, fact)}
}
