package partner

import (
	"cmp"
	"fmt"
	"time"

	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	"github.com/evenkeel/evenkeel/pkg/x12"
	"github.com/evenkeel/evenkeel/pkg/x12/t27x"
	"github.com/evenkeel/evenkeel/services/exchange/pieces"
)

// inquiry is the 270 of one question. Its trace number is the check's id, which the answer echoes.
func inquiry(q *intakev1.EligibilityRequested, n int, at time.Time) *t27x.Set {
	at = at.UTC()
	dates := []x12.Dated{{Qualifier: "291", Dates: x12.Dates{From: q.ServiceDate, Thru: q.ServiceDate}}}
	ask := []t27x.Inquiry{{ServiceTypes: []string{cmp.Or(q.ServiceTypeCode, "MH")}}}
	trace := []t27x.Trace{{Type: "1", Number: q.EligibilityCheckId, Originator: "9" + SenderID + "1"}}
	subscriber := t27x.Subscriber{Member: t27x.Member{Person: x12.Party{Role: "IL", Kind: x12.Person, IDQualifier: "MI", ID: q.MemberId, Birth: q.SubscriberBirthDate}}}
	named(&subscriber.Person, q.SubscriberName)
	if q.SubscriberBirthDate != "" && q.SubscriberSex != 0 {
		subscriber.Person.Sex = sexes[q.SubscriberSex]
	}
	if relation := relations[q.Relationship]; relation == "" {
		subscriber.Traces, subscriber.Dates, subscriber.Inquiries = trace, dates, ask
	} else {
		dependent := t27x.Member{
			Traces: trace, Dates: dates, Inquiries: ask, Self: "N", Relation: relation,
			Person: x12.Party{Role: "03", Kind: x12.Person, Birth: q.PatientBirthDate, Sex: sexes[q.PatientSex]},
		}
		if relation == "G8" {
			dependent.Relation = "34" // other adult, in the words of INS02
		}
		named(&dependent.Person, q.PatientName)
		subscriber.Dependents = []t27x.Member{dependent}
	}
	return &t27x.Set{
		Kind: x12.K270, Control: fmt.Sprintf("%04d", n), Purpose: "13", Reference: reference(n), Date: at.Format("2006-01-02"), Time: at.Format("1504"),
		Sources: []t27x.InformationSource{{
			Party: x12.Party{Role: "PR", Kind: x12.Organization, Name: q.PayerName, IDQualifier: "PI", ID: q.EdiPayerId},
			Receivers: []t27x.InformationReceiver{{
				Party:       x12.Party{Role: "1P", Kind: x12.Organization, Name: q.OrganizationName, IDQualifier: "XX", ID: q.OrganizationNpi},
				Subscribers: []t27x.Subscriber{subscriber},
			}},
		}},
	}
}

// memberPart is the part of a 270 that is about people: from the subscriber's level to the end of the set.
func memberPart(patientID string, data []byte) pieces.Cut {
	file, _ := x12.Read(data)
	for _, set := range file.Sets() {
		for _, seg := range set.Body() {
			if seg.ID == "HL" && seg.At(3) == "22" {
				last := set.Body()[len(set.Body())-1]
				whole := seg.Source.To(last.Source)
				return pieces.Cut{Subject: patientID, Offset: whole.Offset, Length: whole.Length}
			}
		}
	}
	return pieces.Cut{}
}
