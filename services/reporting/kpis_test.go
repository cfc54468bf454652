package reporting_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	platformv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/platform/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
)

// told is what the kept events say of a claim to a first payer, read without any table that is made of them.
type told struct {
	made, sent, decided      string
	clean, corrected, denied bool
	remittance               string
}

func (b *books) told() map[string]*told {
	b.Helper()
	rows, err := b.db().Query(b.Context(), `SELECT record FROM feed WHERE source = 'claims' ORDER BY position`)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	out := map[string]*told{}
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			b.Fatal(err)
		}
		var stored platformv1.StoredEvent
		if err := proto.Unmarshal(body, &stored); err != nil {
			b.Fatal(err)
		}
		kind, err := protoregistry.GlobalTypes.FindMessageByName(protoreflect.FullName(stored.Type))
		if err != nil {
			b.Fatal(err)
		}
		event := kind.New().Interface()
		if err := proto.Unmarshal(stored.Clear, event); err != nil {
			b.Fatal(err)
		}
		_, id := es.Split(stored.Stream)
		c := out[id]
		switch e := event.(type) {
		case *claimsv1.ClaimCreated:
			if e.Content.PayerSequence == primary {
				out[id] = &told{made: stored.OccurredOn}
			}
		case *claimsv1.ClaimScrubbed:
			if c != nil && e.ClaimVersion == 1 {
				c.clean = e.Clean && len(e.Edits) == 0
			}
		case *claimsv1.ClaimSubmitted:
			if c != nil && c.sent == "" {
				c.sent, c.corrected = e.SubmittedDate, e.ClaimVersion > 1
			}
		case *claimsv1.ClaimAdjudicated:
			if c != nil && c.decided == "" {
				c.decided, c.remittance = stored.OccurredOn, e.RemittanceId
			}
		case *claimsv1.LineDenied:
			if c != nil && c.remittance == e.RemittanceId {
				c.denied = true
			}
		}
	}
	if rows.Err() != nil {
		b.Fatal(rows.Err())
	}
	return out
}

func TestCleanClaimsAndInitialDenialsAreCountedFromTheEvents(t *testing.T) {
	const seed = 11
	r := rand.New(rand.NewPCG(seed, seed))
	b := open(t)
	claim := func(id string, sequence typev1.PayerSequence, made, sent, decided string) {
		b.on(made)
		at := "claim/" + id
		b.publish("claims", at, &claimsv1.ClaimCreated{ClaimId: id, AccountId: id, LocationId: "loc_1",
			Content: &claimsv1.ClaimContent{PatientControlNumber: id, PayerId: fmt.Sprint("pay_", sequence.Number()), PayerSequence: sequence, ChargeAmount: 100_00, ServiceDate: made}})
		scrubbed := &claimsv1.ClaimScrubbed{ClaimId: id, ClaimVersion: 1, Clean: r.IntN(5) > 0}
		if !scrubbed.Clean || r.IntN(4) == 0 { // of a clean one it only warns
			scrubbed.Edits = []*claimsv1.EditFailure{{Blocking: !scrubbed.Clean}}
		}
		b.publish("claims", at, scrubbed)
		version := int32(1 + r.IntN(6)/5)
		b.on(sent)
		b.publish("claims", at, &claimsv1.ClaimSubmitted{ClaimId: id, ClaimVersion: version, SubmittedDate: sent})
		b.publish("claims", at, &claimsv1.ClaimSubmitted{ClaimId: id, ClaimVersion: version + 1, SubmittedDate: decided})
		b.on(decided)
		for n := range 2 { // the second decision is not the first
			b.publish("claims", at, &claimsv1.ClaimAdjudicated{ClaimId: id, RemittanceId: fmt.Sprint("rem_", id, n), StatusCode: "1", PaidAmount: 10_00})
			if r.IntN(4) == 0 {
				b.publish("claims", at, &claimsv1.LineDenied{ClaimId: id, LineId: "L1", GroupCode: "CO", Carc: "197", DeniedAmount: 10_00, RemittanceId: fmt.Sprint("rem_", id, n), LocationId: "loc_1"})
			}
		}
	}
	for i := range 60 {
		made := date.Add("2026-02-09", r.IntN(140))
		sent := date.Add(made, r.IntN(5))
		claim(fmt.Sprint("clm_", i), primary, made, sent, date.Add(sent, 10+r.IntN(20)))
		if i%3 == 0 { // second payers, who deny nothing of what the first has decided
			claim(fmt.Sprint("clm_", i, "_2"), typev1.PayerSequence_PAYER_SEQUENCE_SECONDARY, date.Add(sent, 30), date.Add(sent, 30), date.Add(sent, 50))
		}
	}
	b.on("2026-08-15")
	b.caughtUp()
	all := b.told()
	within := func(day, from, thru string) bool { return day != "" && from <= day && day <= thru }
	for _, c := range []struct {
		asOf, from, thru, baseFrom, baseThru string
		months                               int64
		base                                 string
	}{
		{"2026-07-15", "2026-06-01", "2026-06-30", "2026-03-01", "2026-05-31", 3, "the 3 months before, 2026-03-01 to 2026-05-31"},
		{"2026-05-31", "2026-05-01", "2026-05-31", "2026-02-01", "2026-04-30", 3, "the 3 months before, 2026-02-01 to 2026-04-30"},
		{"2026-05-30", "2026-04-01", "2026-04-30", "2026-02-01", "2026-03-31", 2, "2 of the 3 months before, 2026-02-01 to 2026-03-31: the first claims are of then"},
		{"2026-03-20", "2026-02-01", "2026-02-28", "2026-02-01", "2026-02-28", 1, "the same days, 2026-02-01 to 2026-02-28: no month before it has claims yet"},
		{"2026-02-20", "2026-02-01", "2026-02-20", "2026-02-01", "2026-02-20", 1, "the same days, 2026-02-01 to 2026-02-20: no month before it has claims yet"},
	} {
		var denied, sent, clean, made int64
		for _, x := range all {
			if x.denied && within(x.decided, c.from, c.thru) {
				denied++
			}
			if within(x.sent, c.baseFrom, c.baseThru) {
				sent++
			}
			if within(x.made, date.Add(c.asOf, -89), c.asOf) {
				made++
				if x.clean && !x.corrected {
					clean++
				}
			}
		}
		k, err := b.api.GetKpis(hosttest.As(t.Context(), b.p, ""), &pb.GetKpisRequest{AsOf: c.asOf})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range k.Kpis {
			switch x.KpiId {
			case "initial_denial_rate":
				if x.Version != 2 || x.Numerator != denied || x.Denominator != sent || x.ValueMillionths/c.months != denied*1_000_000/sent || x.Window != c.from+" to "+c.thru || x.Base != c.base {
					t.Errorf("seed %d, %s: %v, the events say %d of %d in %d months", seed, c.asOf, x, denied, sent, c.months)
				}
			case "clean_claim_rate":
				if x.Version != 2 || x.Numerator != clean || x.Denominator != made || x.Base != "" {
					t.Errorf("seed %d, %s: %v, the events say %d of %d", seed, c.asOf, x, clean, made)
				}
			}
		}
	}
	for _, day := range []string{"2026-07-15", "2026-05-30", "2026-02-20"} {
		if n := b.bothNumbersHaveTheirRows(day); n < 4 {
			t.Errorf("%s: %d numbers were followed", day, n)
		}
		b.everyDenialHasItsLines(day, "", "")
		b.everyDenialHasItsLines(day, "2026-03-04", "2026-04-30")
	}
	if found := b.verify(); len(found.Findings) > 0 {
		t.Fatal(found.Findings)
	}
}
