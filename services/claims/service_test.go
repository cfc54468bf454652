package claims_test

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	authorizationv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/authorization/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	intakev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/intake/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/engine"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/claims"
	"github.com/evenkeel/evenkeel/services/claims/claim"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	primary = typev1.PayerSequence_PAYER_SEQUENCE_PRIMARY
	second  = typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY
	day     = "2025-03-03"
)

func street() *typev1.Address {
	return &typev1.Address{Line1: "1 Main St", City: "Springfield", State: "IL", PostalCode: "62701"}
}

// office publishes what a claim is made of.
func office(t *testing.T, p *host.Process) {
	t.Helper()
	publish := func(service, stream string, e es.Event) { t.Helper(); hosttest.Publish(t, p, service, stream, e) }
	publish("registry", "organization/org_1", &registryv1.OrganizationRegistered{OrganizationId: "org_1", Name: "Group", Npi: "1234567893", TaxId: "123456789", Taxonomy: "261QM0801X", Address: street()})
	publish("registry", "location/loc_1", &registryv1.LocationRegistered{LocationId: "loc_1", OrganizationId: "org_1", PlaceOfService: "11", Address: street()})
	publish("registry", "clinician/cli_1", &registryv1.ClinicianRegistered{ClinicianId: "cli_1", Name: &typev1.PersonName{Last: "Ames"}, Npi: "1679576722", Taxonomy: "103T00000X"})
	for i, id := range []string{"pay_1", "pay_2"} {
		publish("registry", "payer/"+id, &registryv1.PayerRegistered{PayerId: id, Name: id, EdiPayerId: "E" + id, FilingIndicator: "CI", ReceiverId: "R1"})
		publish("registry", "payer/"+id, &registryv1.PayerPolicySet{PayerId: id, FromDate: "2025-01-01", AuthorizationCodes: []string{"90853"}})
		publish("intake", "coverage/cov_"+id, &intakev1.CoverageAdded{
			CoverageId: "cov_" + id, PatientId: "pat_1", PayerId: id, PayerSequence: typev1.PayerSequence(i + 1), FromDate: "2025-01-01", Relationship: typev1.Relationship_RELATIONSHIP_SELF,
			MemberId: "M-" + id, SubscriberName: &typev1.PersonName{Last: "Doe"}, SubscriberBirthDate: "1990-01-01", SubscriberAddress: street(),
		})
	}
	publish("intake", "patient/pat_1", &intakev1.PatientRegistered{PatientId: "pat_1", Name: &typev1.PersonName{Last: "Doe"}, BirthDate: "1990-01-01", Address: street()})
}

func visit(id, code, authorization string) *codingv1.CodingCompleted {
	return &codingv1.CodingCompleted{
		EncounterId: id, PatientId: "pat_1", OrganizationId: "org_1", LocationId: "loc_1", RenderingClinicianId: "cli_1", ServiceDate: day, ChargeAmount: 15000, AuthorizationId: authorization,
		Lines: []*typev1.ServiceLine{{LineId: "L1", ServiceCode: code, UnitsThousandths: 1000, PlaceOfService: "11", ChargeAmount: 15000, DiagnosisPointers: []int32{1}, ServiceDate: day}},
		ResponsiblePayers: []*intakev1.ResponsiblePayer{
			{CoverageId: "cov_pay_1", PayerId: "pay_1", PayerSequence: primary}, {CoverageId: "cov_pay_2", PayerId: "pay_2", PayerSequence: second},
		},
		DiagnosisCodes: []string{"F411"}, DiagnosisCodeSystem: "10",
	}
}

func cas(group, carc string, amount int64) *typev1.Adjustment {
	return &typev1.Adjustment{GroupCode: group, Carc: carc, Amount: amount}
}

func posted(encounter, claimID, remittance, code string, paid int64, adjustments ...*typev1.Adjustment) *postingv1.ClaimPaymentPosted {
	return &postingv1.ClaimPaymentPosted{
		AccountId: encounter, ClaimId: claimID, PayerId: "pay_1", PayerSequence: primary, RemittanceId: remittance, AdjudicationDate: "2025-03-20", PatientId: "pat_1", Reversal: code == "22",
		RemittanceClaim: &exchangev1.RemittanceClaim{
			Ordinal: 1, ClaimId: claimID, StatusCode: code, PaidAmount: paid, PayerClaimControlNumber: "ICN1",
			Lines: []*exchangev1.RemittanceLine{{LineId: "L1", ServiceCode: "90837", PaidAmount: paid, Adjustments: adjustments}},
		},
	}
}

type rig struct {
	*testing.T
	p   *host.Process
	api pb.ClaimsServiceClient
}

func start(t *testing.T, clock func() time.Time) rig {
	t.Helper()
	p := hosttest.Start(t, clock, claims.New())
	office(t, p)
	return rig{t, p, pb.NewClaimsServiceClient(hosttest.Conn(t, p, "claims"))}
}

func (r rig) get(id string) (*pb.Claim, error) {
	return r.api.GetClaim(hosttest.As(r.Context(), r.p, ""), &pb.GetClaimRequest{ClaimId: id})
}

// until waits until a claim has come to a status and a version of what is sent.
func (r rig) until(id string, want pb.ClaimStatus, version int32) *pb.Claim {
	r.Helper()
	var found *pb.Claim
	hosttest.Until(r.T, fmt.Sprint("claim ", id), func() error {
		c, err := r.get(id)
		if err != nil {
			return err
		}
		if found = c; c.Summary.Status != want || c.Summary.ClaimVersion != version {
			return fmt.Errorf("%v version %d, hold %v, denials %v", c.Summary.Status, c.Summary.ClaimVersion, c.HoldReasons, c.OpenDenials)
		}
		return nil
	})
	return found
}

func (r rig) exchange(id string, version int32) {
	r.Helper()
	hosttest.Publish(r.T, r.p, "exchange", "partner/R1", &exchangev1.InterchangeSent{
		InterchangeId: "itc_1", FileSha256: "ab", SentDate: "2025-03-04", Claims: []*exchangev1.SentClaim{{ClaimId: id, ClaimVersion: version, PatientId: "pat_1"}},
	})
	hosttest.Publish(r.T, r.p, "exchange", "interchange/itc_2", &exchangev1.ClaimStatusReceived{
		ClaimId: id, ClaimVersion: version, Level: pb.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_PAYER, Accepted: true, PayerClaimControlNumber: "ICN1", StatusCodes: []string{"A2:20"},
	})
}

// The service through its API, on PostgreSQL and a broker: made of a coded visit, sent, accepted, denied, corrected, paid, and the rest asked of the second payer.
func TestFromVisitToSecondPayer(t *testing.T) {
	r := start(t, nil)
	id, next := claim.ID("enc_1", primary), claim.ID("enc_1", second)
	hosttest.Publish(t, r.p, "coding", "encounter/enc_1", visit("enc_1", "90837", ""))
	c := r.until(id, pb.ClaimStatus_CLAIM_STATUS_READY, 1)
	if c.Person.MemberId != "M-pay_1" || c.Summary.Charge.AmountMinor != 15000 || c.Lines[0].ServiceCode != "90837" || len(c.Edits) != 0 {
		t.Fatal(c)
	}
	if _, err := r.api.ReleaseClaim(hosttest.As(t.Context(), r.p, "k1"), &pb.ReleaseClaimRequest{ClaimId: id, Reason: "r"}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("what is not held was released: %v", err)
	}
	r.exchange(id, 1)
	r.until(id, pb.ClaimStatus_CLAIM_STATUS_ACCEPTED, 1)
	hosttest.Until(t, "the file is known", func() error {
		if c, err := r.get(id); err != nil || c.Summary.SubmittedDate != "2025-03-04" {
			return fmt.Errorf("%v, %v", c.GetSummary(), err)
		}
		return nil
	})
	hosttest.Publish(t, r.p, "posting", "account/enc_1", posted("enc_1", id, "rem_1", "4", 0, cas("CO", "4", 15000)))
	c = r.until(id, pb.ClaimStatus_CLAIM_STATUS_DENIED, 1)
	if d := c.OpenDenials[0]; d.Origin != pb.DenialOrigin_DENIAL_ORIGIN_CODING || d.Denied.AmountMinor != 15000 || c.Summary.Denied.AmountMinor != 15000 {
		t.Fatal(c)
	}
	if _, err := r.api.CorrectClaim(hosttest.As(t.Context(), r.p, "k2"), &pb.CorrectClaimRequest{
		ClaimId: id, Reason: "the modifier was missing", Lines: []*pb.LineChange{{LineId: "L1", Modifiers: []string{"HO"}}},
	}); err != nil {
		t.Fatal(err)
	}
	c = r.until(id, pb.ClaimStatus_CLAIM_STATUS_READY, 2)
	if c.Summary.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_REPLACEMENT || c.Lines[0].Modifiers[0] != "HO" {
		t.Fatal(c.Summary)
	}
	hosttest.Until(t, "our own correction has come back over the broker: the second payer's lines are made of it", func() error {
		ctx := engine.WithCaller(t.Context(), engine.Caller{Tenant: hosttest.Tenant})
		if _, there, err := engine.Find(ctx, r.p.Runtime("claims").Engine, claim.VersionMirror, id); err != nil || !there {
			return fmt.Errorf("not there: %v", err)
		}
		return nil
	})
	r.exchange(id, 2)
	r.until(id, pb.ClaimStatus_CLAIM_STATUS_DENIED, 2)
	hosttest.Publish(t, r.p, "posting", "account/enc_1", posted("enc_1", id, "rem_2", "1", 9000, cas("CO", "45", 4000), cas("PR", "3", 2000)))
	c = r.until(id, pb.ClaimStatus_CLAIM_STATUS_CLOSED, 2)
	if len(c.OpenDenials) != 0 || c.Summary.Denied.AmountMinor != 0 || c.Summary.Paid.AmountMinor != 9000 || c.Summary.PatientResponsibility.AmountMinor != 2000 || c.Summary.Adjudication != pb.AdjudicationStatus_ADJUDICATION_STATUS_PAID {
		t.Fatal(c)
	}
	for _, e := range c.Timeline {
		if e.What == "" {
			t.Fatalf("%s says nothing", e.Type)
		}
	}
	c = r.until(next, pb.ClaimStatus_CLAIM_STATUS_READY, 1)
	if c.Summary.PayerId != "pay_2" || c.EarlierPayers[0].Paid.AmountMinor != 9000 || c.Person.MemberId != "M-pay_2" || len(c.Lines[0].Modifiers) != 1 {
		t.Fatal(c)
	}
	list, err := r.api.ListClaims(hosttest.As(t.Context(), r.p, ""), &pb.ListClaimsRequest{EncounterId: "enc_1", PageSize: 1})
	if err != nil || len(list.Claims) != 1 || list.NextPageToken == "" {
		t.Fatal(list, err)
	}
	rest, err := r.api.ListClaims(hosttest.As(t.Context(), r.p, ""), &pb.ListClaimsRequest{EncounterId: "enc_1", PageSize: 1, PageToken: list.NextPageToken})
	if err != nil || len(rest.Claims) != 1 || rest.NextPageToken != "" || proto.Equal(rest.Claims[0], list.Claims[0]) {
		t.Fatal(rest, err)
	}
	number := c.Summary.PatientControlNumber
	named, err := r.api.ListClaims(hosttest.As(t.Context(), r.p, ""), &pb.ListClaimsRequest{PatientControlNumber: number})
	if err != nil || len(named.Claims) != 1 || named.Claims[0].ClaimId != next {
		t.Fatal(named, err)
	}
	if _, err := r.api.ListClaims(hosttest.As(t.Context(), r.p, ""), &pb.ListClaimsRequest{PatientControlNumber: number[:16]}); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("a number without its last character: %v", err)
	}
	ready, err := r.api.ListClaims(hosttest.As(t.Context(), r.p, ""), &pb.ListClaimsRequest{PayerId: "pay_2", Status: pb.ClaimStatus_CLAIM_STATUS_READY})
	if err != nil || len(ready.Claims) != 1 || ready.Claims[0].ClaimId != next {
		t.Fatal(ready, err)
	}
}

// A denied claim is voided at its payer, under the number of its last decision; with the payer's answer nothing is denied any more.
func TestAVoidEndsItsDenials(t *testing.T) {
	r := start(t, nil)
	id := claim.ID("enc_1", primary)
	hosttest.Publish(t, r.p, "coding", "encounter/enc_1", visit("enc_1", "90837", ""))
	r.until(id, pb.ClaimStatus_CLAIM_STATUS_READY, 1)
	r.exchange(id, 1)
	r.until(id, pb.ClaimStatus_CLAIM_STATUS_ACCEPTED, 1)
	decided := func(remittance, status, number string, amount int64) {
		p := posted("enc_1", id, remittance, status, 0, cas("CO", "4", amount))
		p.RemittanceClaim.PayerClaimControlNumber = number
		hosttest.Publish(t, r.p, "posting", "account/enc_1", p)
	}
	number := func(want string) {
		hosttest.Until(t, "the payer's number is "+want, func() error {
			if c, err := r.get(id); err != nil || c.Summary.PayerClaimControlNumber != want {
				return fmt.Errorf("%v, %v", c.GetSummary(), err)
			}
			return nil
		})
	}
	decided("rem_1", "4", "081", 15000)
	number("081")
	decided("rem_2", "4", "105", 15000)
	number("105")
	decided("rem_3", "22", "081", -15000)
	if _, err := r.api.VoidClaim(hosttest.As(t.Context(), r.p, "void"), &pb.VoidClaimRequest{ClaimId: id, Reason: "billed by mistake"}); err != nil {
		t.Fatal(err)
	}
	c := r.until(id, pb.ClaimStatus_CLAIM_STATUS_READY, 2)
	if c.Summary.PayerClaimControlNumber != "105" || c.Summary.Denied.AmountMinor != 15000 {
		t.Fatal(c.Summary)
	}
	decided("rem_4", "22", "105", -15000)
	c = r.until(id, pb.ClaimStatus_CLAIM_STATUS_CLOSED, 2)
	if c.Summary.Denied.AmountMinor != 0 || len(c.OpenDenials) != 0 || c.Summary.Adjudication == pb.AdjudicationStatus_ADJUDICATION_STATUS_DENIED {
		t.Fatal(c)
	}
}

// A claim that waits for an authorization is held, and goes by itself when the payer approves; another is released by a person.
func TestHeldClaims(t *testing.T) {
	r := start(t, nil)
	waits, pushed := claim.ID("enc_1", primary), claim.ID("enc_2", primary)
	hosttest.Publish(t, r.p, "coding", "encounter/enc_1", visit("enc_1", "90853", "aut_1"))
	evening := visit("enc_2", "90853", "")
	evening.Lines[0].Modifiers = []string{"XE"} // else the scrub would warn of the other one, once it is there
	hosttest.Publish(t, r.p, "coding", "encounter/enc_2", evening)
	hosttest.Publish(t, r.p, "authorization", "authorization/aut_1", &authorizationv1.UnitsRefused{
		AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1", Reasons: []*problemv1.Reason{{RuleId: "authorization.within_period", Message: "the payer has not approved it"}},
	})
	for _, id := range []string{waits, pushed} {
		if c := r.until(id, pb.ClaimStatus_CLAIM_STATUS_HELD, 1); len(c.HoldReasons) != 1 || c.HoldReasons[0].RuleId != "claims.authorization_number" {
			t.Fatal(c.HoldReasons)
		}
	}
	again, err := r.api.RescrubClaim(hosttest.As(t.Context(), r.p, "k1"), &pb.RescrubClaimRequest{ClaimId: pushed})
	if err != nil || len(again.Events) != 0 {
		t.Fatalf("scrubbed again, and nothing had changed: %v, %v", again, err)
	}
	hosttest.Publish(t, r.p, "authorization", "authorization/aut_1", &authorizationv1.AuthorizationApproved{
		AuthorizationId: "aut_1", PatientId: "pat_1", PayerId: "pay_1", AuthNo: "A77", FromDate: "2025-01-01", ThruDate: "2025-12-31",
		UnitsByCode: map[string]int32{"90853": 1},
	})
	approved := func() error {
		_, err := r.api.CorrectClaim(hosttest.As(t.Context(), r.p, "typed"), &pb.CorrectClaimRequest{ClaimId: waits, AuthorizationNumber: "A77", Reason: "r", Lines: []*pb.LineChange{{LineId: "none"}}})
		if s := status.Convert(err); !strings.Contains(fmt.Sprint(s.Details()), "claims.authorization_fits") {
			return fmt.Errorf("the number of an authorization that said no was not refused: %v", err)
		}
		return nil
	}
	hosttest.Until(t, "the number is known as one of ours, which does not fit", approved)
	hosttest.Publish(t, r.p, "authorization", "authorization/aut_1", &authorizationv1.UnitsConsumed{
		AuthorizationId: "aut_1", EncounterId: "enc_1", PatientId: "pat_1", ServiceCode: "90853", ServiceDate: day, Units: 1,
	})
	if c := r.until(waits, pb.ClaimStatus_CLAIM_STATUS_READY, 2); c.AuthorizationNumber != "A77" {
		t.Fatal(c)
	}
	if _, err := r.api.ReleaseClaim(hosttest.As(t.Context(), r.p, "k2"), &pb.ReleaseClaimRequest{ClaimId: pushed, Reason: "the payer waives it in writing"}); err != nil {
		t.Fatal(err)
	}
	r.until(pushed, pb.ClaimStatus_CLAIM_STATUS_READY, 1)
	if _, err := r.api.VoidClaim(hosttest.As(t.Context(), r.p, "k3"), &pb.VoidClaimRequest{ClaimId: pushed, Reason: "r"}); err != nil {
		t.Fatal(err)
	}
	if c, err := r.get(pushed); err != nil || c.Summary.Status != pb.ClaimStatus_CLAIM_STATUS_READY {
		t.Fatalf("taken back before it is known whether it has gone: %v, %v", c, err)
	}
	hosttest.Publish(t, r.p, "exchange", "partner/R1", &exchangev1.ClaimRecalled{ReceiverId: "R1", ClaimId: pushed, PatientId: "pat_1", ClaimVersion: 1})
	if c := r.until(pushed, pb.ClaimStatus_CLAIM_STATUS_CLOSED, 1); c.Summary.Transport != pb.TransportStatus_TRANSPORT_STATUS_NOT_SENT {
		t.Fatal(c)
	}
	if _, err := r.get("clm_none"); status.Code(err) != codes.NotFound {
		t.Fatal(err)
	}
	if _, err := r.api.VoidClaim(hosttest.As(t.Context(), r.p, "k4"), &pb.VoidClaimRequest{ClaimId: "clm_none", Reason: "r"}); status.Code(err) != codes.NotFound {
		t.Fatal(err)
	}
}

// Days pass and nothing comes back: first the acknowledgment is overdue, then the decision.
func TestOverdue(t *testing.T) {
	var days atomic.Int64
	begin := time.Now()
	r := start(t, func() time.Time { return begin.AddDate(0, 0, int(days.Load())).Add(time.Since(begin)) })
	id := claim.ID("enc_1", primary)
	hosttest.Publish(t, r.p, "coding", "encounter/enc_1", visit("enc_1", "90837", ""))
	r.until(id, pb.ClaimStatus_CLAIM_STATUS_READY, 1)
	hosttest.Publish(t, r.p, "exchange", "partner/R1", &exchangev1.InterchangeSent{
		InterchangeId: "itc_1", FileSha256: "ab", SentDate: "2025-03-04", Claims: []*exchangev1.SentClaim{{ClaimId: id, ClaimVersion: 1, PatientId: "pat_1"}},
	})
	r.until(id, pb.ClaimStatus_CLAIM_STATUS_SUBMITTED, 1)
	for _, step := range []struct {
		days int64
		told string
	}{{6, "overdue: no acknowledgment"}, {31, "overdue: no remittance"}} {
		days.Store(step.days)
		hosttest.Until(t, step.told, func() error {
			c, err := r.get(id)
			if err != nil {
				return err
			}
			if last := c.Timeline[len(c.Timeline)-1]; last.What != step.told {
				return fmt.Errorf("the last thing that happened: %s", last.What)
			}
			return nil
		})
	}
	// Asked, the payer has none: the claim goes out again as it was, and is taken in now.
	lost := &pb.ReportClaimStatusRequest{ClaimId: id, Finding: pb.ClaimFinding_CLAIM_FINDING_NOT_ON_FILE, Reason: "by phone"}
	if _, err := r.api.ReportClaimStatus(hosttest.As(t.Context(), r.p, "lost"), lost); err != nil {
		t.Fatal(err)
	}
	if c := r.until(id, pb.ClaimStatus_CLAIM_STATUS_HELD, 1); len(c.HoldReasons) != 1 || c.HoldReasons[0].RuleId != "claims.on_file" || c.Timeline[len(c.Timeline)-2].What != "the payer has no version 1: by phone" {
		t.Fatal(c.HoldReasons, c.Timeline)
	}
	if _, err := r.api.ReportClaimStatus(hosttest.As(t.Context(), r.p, "lost again"), lost); status.Code(err) != codes.FailedPrecondition {
		t.Fatalf("told of a claim that the payer has not got: %v", err)
	}
	if _, err := r.api.ReleaseClaim(hosttest.As(t.Context(), r.p, "again"), &pb.ReleaseClaimRequest{ClaimId: id, Reason: "not on file"}); err != nil {
		t.Fatal(err)
	}
	if c := r.until(id, pb.ClaimStatus_CLAIM_STATUS_READY, 2); c.Summary.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL {
		t.Fatal(c.Summary)
	}
	hosttest.Publish(t, r.p, "exchange", "partner/R1", &exchangev1.InterchangeSent{
		InterchangeId: "itc_2", FileSha256: "cd", SentDate: "2025-04-05", Claims: []*exchangev1.SentClaim{{ClaimId: id, ClaimVersion: 2, PatientId: "pat_1"}},
	})
	r.until(id, pb.ClaimStatus_CLAIM_STATUS_SUBMITTED, 2)
	found := &pb.ReportClaimStatusRequest{ClaimId: id, Finding: pb.ClaimFinding_CLAIM_FINDING_ON_FILE, PayerClaimControlNumber: "ICN7", Reason: "by phone"}
	if _, err := r.api.ReportClaimStatus(hosttest.As(t.Context(), r.p, "found"), found); err != nil {
		t.Fatal(err)
	}
	if c := r.until(id, pb.ClaimStatus_CLAIM_STATUS_ACCEPTED, 2); c.Summary.PayerClaimControlNumber != "ICN7" {
		t.Fatal(c.Summary)
	}
	if _, err := r.api.VoidClaim(hosttest.As(t.Context(), r.p, "void"), &pb.VoidClaimRequest{ClaimId: id, Reason: "billed by mistake"}); err != nil {
		t.Fatal(err)
	}
	if c := r.until(id, pb.ClaimStatus_CLAIM_STATUS_READY, 3); c.Summary.FrequencyCode != pb.FrequencyCode_FREQUENCY_CODE_VOID || c.Summary.PayerClaimControlNumber != "ICN7" {
		t.Fatal(c.Summary)
	}
}

// A coverage turns out to have ended before the service: the claim that the payer has says so, the one that waits is held for it and does not go with its approval.
func TestACoverageThatEndedBeforeTheService(t *testing.T) {
	r := start(t, nil)
	gone, waits := claim.ID("enc_1", primary), claim.ID("enc_2", primary)
	hosttest.Publish(t, r.p, "coding", "encounter/enc_1", visit("enc_1", "90837", ""))
	hosttest.Publish(t, r.p, "coding", "encounter/enc_2", visit("enc_2", "90853", "aut_1"))
	hosttest.Publish(t, r.p, "authorization", "authorization/aut_1", &authorizationv1.UnitsRefused{
		AuthorizationId: "aut_1", EncounterId: "enc_2", PatientId: "pat_1", Reasons: []*problemv1.Reason{{RuleId: "authorization.within_period", Message: "the payer has not approved it"}},
	})
	r.until(gone, pb.ClaimStatus_CLAIM_STATUS_READY, 1)
	r.until(waits, pb.ClaimStatus_CLAIM_STATUS_HELD, 1)
	hosttest.Publish(t, r.p, "intake", "coverage/pat_1", &intakev1.CoverageTerminated{CoverageId: "cov_pay_1", PatientId: "pat_1", ThruDate: date.Add(day, -1)})
	told := func(id, what string) {
		t.Helper()
		hosttest.Until(t, what, func() error {
			c, err := r.get(id)
			if err != nil || !slices.ContainsFunc(c.Timeline, func(e *pb.TimelineEntry) bool { return e.What == what }) {
				return fmt.Errorf("%v, %v", c.GetTimeline(), err)
			}
			return nil
		})
	}
	told(gone, "its coverage is not in force on "+day+": $150.00 at risk")
	told(waits, "its coverage is not in force on "+day+": $150.00 at risk")
	hosttest.Publish(t, r.p, "authorization", "authorization/aut_1", &authorizationv1.AuthorizationApproved{
		AuthorizationId: "aut_1", PatientId: "pat_1", PayerId: "pay_1", AuthNo: "A77", FromDate: "2025-01-01", ThruDate: "2025-12-31",
		UnitsByCode: map[string]int32{"90853": 1},
	})
	hosttest.Publish(t, r.p, "authorization", "authorization/aut_1", &authorizationv1.UnitsConsumed{
		AuthorizationId: "aut_1", EncounterId: "enc_2", PatientId: "pat_1", ServiceCode: "90853", ServiceDate: day, Units: 1,
	})
	if c := r.until(waits, pb.ClaimStatus_CLAIM_STATUS_HELD, 2); len(c.HoldReasons) != 1 || c.HoldReasons[0].RuleId != "claims.coverage_in_force" {
		t.Fatal(c.HoldReasons)
	}
	hosttest.Publish(t, r.p, "intake", "coverage/pat_1", &intakev1.CoverageTerminated{CoverageId: "cov_pay_1", PatientId: "pat_1", ThruDate: "2025-12-31"})
	r.until(waits, pb.ClaimStatus_CLAIM_STATUS_READY, 2)
	told(gone, "its coverage is as it was when it was made")
}
