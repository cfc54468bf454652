package claim

import (
	"google.golang.org/protobuf/proto"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/services/claims/content"
)

// latest is a mirror that keeps the last event of one type under a key.
func latest[E es.Event](name string, key func(E) string) es.Mirror[E] {
	return es.Mirror[E]{
		Name: name,
		Keys: func(r es.Recorded) []string {
			if e, ok := r.Event.(E); ok && key(e) != "" {
				return []string{key(e)}
			}
			return nil
		},
		Evolve: func(_ E, event es.Event) E { return event.(E) },
	}
}

// all is a mirror that keeps all events of one type under a key.
func all[E es.Event](name string, key func(E) string) es.Mirror[[]E] {
	one := latest(name, key)
	return es.Mirror[[]E]{Name: name, Keys: one.Keys, Evolve: func(s []E, event es.Event) []E { return append(s, event.(E)) }}
}

var (
	// CodedMirror has coded visits, by encounter_id, which is the account's id too.
	CodedMirror = es.Mirror[*codingv1.CodingCompleted]{
		Name: "claims.coded",
		Keys: func(r es.Recorded) []string {
			switch e := r.Event.(type) {
			case *codingv1.CodingCompleted:
				return []string{e.EncounterId}
			case *codingv1.VisitPayersTold:
				return []string{e.EncounterId}
			}
			return nil
		},
		Evolve: func(s *codingv1.CodingCompleted, event es.Event) *codingv1.CodingCompleted {
			switch e := event.(type) {
			case *codingv1.CodingCompleted:
				return e
			case *codingv1.VisitPayersTold: // the visit came before: coding tells both in order
				before := content.First(s)
				s = proto.CloneOf(s)
				s.ResponsiblePayers, s.PriorAdjudications = e.ResponsiblePayers, append(s.PriorAdjudications, e.PriorAdjudications...)
				if content.First(s).GetPayerSequence() != before.GetPayerSequence() {
					s.AuthNo = "" // the number was of the payer that has decided
				}
			}
			return s
		},
	}
	// ToldMirror has what later claims of another billing system told of a visit's payers, by encounter_id.
	ToldMirror = all("claims.told", func(e *codingv1.VisitPayersTold) string { return e.EncounterId })
	// VisitsMirror has the visits of a patient, by patient_id.
	VisitsMirror = all("claims.visits", func(e *codingv1.CodingCompleted) string { return e.PatientId })
	// DayMirror has the visits of a patient on a day, by patient_id and day.
	DayMirror = all("claims.day", dayKey)
	// ImportMirror has claims of other billing systems, by import_id. Visits of before coding told it are looked up by encounter_id.
	ImportMirror = es.Mirror[*exchangev1.ClaimImported]{
		Name: "claims.import",
		Keys: func(r es.Recorded) []string {
			if e, ok := r.Event.(*exchangev1.ClaimImported); ok {
				return []string{e.EncounterId, e.ImportId}
			}
			return nil
		},
		Evolve: func(_ *exchangev1.ClaimImported, event es.Event) *exchangev1.ClaimImported {
			return event.(*exchangev1.ClaimImported)
		},
	}
	// PatientMirror has patients, by patient_id.
	PatientMirror = latest("claims.patient", func(e *intakev1.PatientRegistered) string { return e.PatientId })
	// CoverageMirror has coverages, by coverage_id.
	CoverageMirror = latest("claims.coverage", func(e *intakev1.CoverageAdded) string { return e.CoverageId })
	// OrganizationMirror has organizations, by organization_id.
	OrganizationMirror = latest("claims.organization", func(e *registryv1.OrganizationRegistered) string { return e.OrganizationId })
	// LocationMirror has locations, by location_id.
	LocationMirror = latest("claims.location", func(e *registryv1.LocationRegistered) string { return e.LocationId })
	// ClinicianMirror has clinicians, by clinician_id.
	ClinicianMirror = latest("claims.clinician", func(e *registryv1.ClinicianRegistered) string { return e.ClinicianId })
	// AuthorizationMirror has the last approval, by authorization_id.
	AuthorizationMirror = latest("claims.authorization", func(e *authorizationv1.AuthorizationApproved) string { return e.AuthorizationId })
	// NumberMirror has approvals, by the payer's number.
	NumberMirror = all("claims.number", func(e *authorizationv1.AuthorizationApproved) string { return e.AuthNo })
	// PaymentMirror has claim payments, by account_id, in the order in which they were posted.
	PaymentMirror = all("claims.payment", func(e *postingv1.ClaimPaymentPosted) string { return e.AccountId })
	// VersionMirror has the last corrected version of our own claims, by claim_id.
	VersionMirror = latest("claims.version", func(e *pb.CorrectedClaimPrepared) string { return e.ClaimId })
)

// EncounterMirror has the encounter of each claim, by claim_id.
var EncounterMirror = es.Mirror[string]{
	Name: "claims.encounter",
	Keys: func(r es.Recorded) []string {
		if e, ok := r.Event.(*pb.ClaimCreated); ok {
			return []string{e.ClaimId}
		}
		return nil
	},
	Evolve: func(_ string, event es.Event) string { return event.(*pb.ClaimCreated).EncounterId },
}

func dayKey(e *codingv1.CodingCompleted) string { return e.PatientId + " " + e.ServiceDate }

// Units are what authorizations have said of one visit.
type Units struct {
	Used    map[string]int32               // by authorization_id
	Code    map[string]string              // by authorization_id: of which
	Refused map[string][]*problemv1.Reason // by authorization_id: why not, if that was its last word
}

// covers says whether an authorization has given the units that the visit is billed with.
func (u Units) covers(authorizationID string) bool {
	return u.Used[authorizationID] > 0 && u.Refused[authorizationID] == nil
}

// UnitsMirror has what authorizations said of a visit that was given, by encounter_id.
var UnitsMirror = es.Mirror[Units]{
	Name: "claims.units",
	Keys: func(r es.Recorded) []string {
		if encounter, _ := answers(r.Event); encounter != "" {
			return []string{encounter}
		}
		return nil
	},
	Evolve: func(u Units, event es.Event) Units {
		if u.Used == nil {
			u = Units{Used: map[string]int32{}, Code: map[string]string{}, Refused: map[string][]*problemv1.Reason{}}
		}
		switch e := event.(type) {
		case *authorizationv1.UnitsConsumed:
			u.Used[e.AuthorizationId] += e.Units
			u.Code[e.AuthorizationId] = e.ServiceCode
			delete(u.Refused, e.AuthorizationId)
		case *authorizationv1.UnitsRestored:
			u.Used[e.AuthorizationId] -= e.Units
		case *authorizationv1.UnitsRefused:
			u.Refused[e.AuthorizationId] = e.Reasons
		}
		return u
	},
}

// answers is the visit and the authorization of an answer to a visit that was given; empty: it is none.
func answers(event es.Event) (encounter, authorization string) {
	switch e := event.(type) {
	case *authorizationv1.UnitsConsumed:
		return e.EncounterId, e.AuthorizationId
	case *authorizationv1.UnitsRestored:
		return e.EncounterId, e.AuthorizationId
	case *authorizationv1.UnitsRefused:
		return e.EncounterId, e.AuthorizationId
	}
	return "", ""
}

// AnsweredMirror has the answers of one authorization to one visit, by answered. For waiting: an authorization that a visit names always answers.
var AnsweredMirror = es.Mirror[bool]{
	Name: "claims.answered",
	Keys: func(r es.Recorded) []string {
		if encounter, authorization := answers(r.Event); encounter != "" {
			return []string{answered(encounter, authorization)}
		}
		return nil
	},
	Evolve: func(bool, es.Event) bool { return true },
}

func answered(encounter, authorization string) string { return encounter + " " + authorization }

// Ledger is how many units an authorization has left.
type Ledger struct {
	Approved *authorizationv1.AuthorizationApproved
	InUse    map[string]int32 // by code: held or used
}

// LedgerMirror has the units of authorizations, by authorization_id.
var LedgerMirror = es.Mirror[Ledger]{
	Name: "claims.ledger",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *authorizationv1.AuthorizationApproved:
			return []string{e.AuthorizationId}
		case *authorizationv1.UnitsReserved:
			return []string{e.AuthorizationId}
		case *authorizationv1.UnitsReleased:
			return []string{e.AuthorizationId}
		case *authorizationv1.UnitsConsumed:
			return []string{e.AuthorizationId}
		case *authorizationv1.UnitsRestored:
			return []string{e.AuthorizationId}
		}
		return nil
	},
	Evolve: func(l Ledger, event es.Event) Ledger {
		if l.InUse == nil {
			l.InUse = map[string]int32{}
		}
		switch e := event.(type) {
		case *authorizationv1.AuthorizationApproved:
			l.Approved = e
		case *authorizationv1.UnitsReserved:
			l.InUse[e.ServiceCode] += e.Units
		case *authorizationv1.UnitsReleased:
			l.InUse[e.ServiceCode] -= e.Units
		case *authorizationv1.UnitsConsumed:
			l.InUse[e.ReleasedServiceCode] -= e.ReleasedUnits
			l.InUse[e.ServiceCode] += e.Units
		case *authorizationv1.UnitsRestored:
			l.InUse[e.ServiceCode] -= e.Units
		}
		return l
	},
}

// Payer is a payer with its policies.
type Payer struct {
	Registered *registryv1.PayerRegistered
	Policies   []*registryv1.PayerPolicySet
}

// PayerMirror has payers and their policies, by payer_id.
var PayerMirror = es.Mirror[Payer]{
	Name: "claims.payer",
	Keys: func(r es.Recorded) []string {
		switch e := r.Event.(type) {
		case *registryv1.PayerRegistered:
			return []string{e.PayerId}
		case *registryv1.PayerPolicySet:
			return []string{e.PayerId}
		}
		return nil
	},
	Evolve: func(p Payer, event es.Event) Payer {
		switch e := event.(type) {
		case *registryv1.PayerRegistered:
			p.Registered = e
		case *registryv1.PayerPolicySet:
			p.Policies = append(p.Policies, e)
		}
		return p
	},
}

// PolicyOn is the policy in force on a day: the one that began last; of two that began the same day the later told. Nil: none.
func (p Payer) PolicyOn(day string) *registryv1.PayerPolicySet {
	var found *registryv1.PayerPolicySet
	for _, policy := range p.Policies {
		if policy.FromDate <= day && (found == nil || policy.FromDate >= found.FromDate) {
			found = policy
		}
	}
	return found
}

// Mirrors are all of them.
var Mirrors = []es.AnyMirror{
	CodedMirror, ToldMirror, UnitsMirror, AnsweredMirror, LedgerMirror, NumberMirror, VisitsMirror, DayMirror, CoveragesMirror, ChangedMirror, ImportMirror, PatientMirror, CoverageMirror, OrganizationMirror, LocationMirror, ClinicianMirror,
	AuthorizationMirror, PaymentMirror, VersionMirror, EncounterMirror, PayerMirror,
}
