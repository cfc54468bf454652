package gateway

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// namesPeople says whether an answer has a field that is marked as PHI, however deep.
func namesPeople(m protoreflect.MessageDescriptor, seen map[protoreflect.FullName]bool) bool {
	if seen[m.FullName()] {
		return false
	}
	seen[m.FullName()] = true
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if phi, _ := proto.GetExtension(f.Options(), typev1.E_Phi).(bool); phi {
			return true
		}
		if f.Message() != nil && namesPeople(f.Message(), seen) {
			return true
		}
	}
	return false
}

// Who pays the bills need not know who was treated: finance reads no answer that names people or says what they have, but for a claim, which it must be able to follow to its dollars.
func TestFinanceSeesNoPatients(t *testing.T) {
	found := 0
	for call, r := range routes {
		if !namesPeople(r.rpc.Output(), map[protoreflect.FullName]bool{}) && r.rpc.Output().FullName() != "google.api.HttpBody" {
			continue
		}
		found++
		if may(session.Finance, r.method, r.pattern) != (call == "GET /v1/claims/{claim_id}") {
			t.Errorf("finance may %s: %v", call, may(session.Finance, r.method, r.pattern))
		}
	}
	c := &claimsv1.Claim{PayerName: "Payer", Person: &claimsv1.ClaimPerson{MemberId: "M1"}, Summary: &claimsv1.ClaimSummary{ClaimId: "clm_1"}}
	withoutPeople(c.ProtoReflect())
	if c.Person != nil || c.PayerName == "" || c.Summary.ClaimId == "" {
		t.Errorf("finance reads %v", c)
	}
	if found < 10 {
		t.Errorf("only %d calls name people: are the fields still marked?", found)
	}
}
