package security

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// reachable are the traces to which links lead from a trace: a link goes from an effect to what it comes from, and is walked the other way.
func reachable(from string, spans tracetest.SpanStubs) map[string]bool {
	effects := map[string][]string{} // by the trace that a link names
	for _, span := range spans {
		for _, link := range span.Links {
			cause := link.SpanContext.TraceID().String()
			effects[cause] = append(effects[cause], span.SpanContext.TraceID().String())
		}
	}
	found := map[string]bool{from: true}
	for next := []string{from}; len(next) > 0; {
		at := next[0]
		next = next[1:]
		for _, effect := range effects[at] {
			if !found[effect] {
				found[effect] = true
				next = append(next, effect)
			}
		}
	}
	return found
}

// A signature leads through every service to money on the ledger and what the patient owes; each event on that way carries a trace that links lead to from the request that signed.
func TestAllEffectsOfASignatureAreLinked(t *testing.T) {
	p := open(t)
	c := p.key(t, tenantA, "admin")
	g := c.register(evergreen)
	patient, _ := c.plain(g, "000001")
	c.quiet()
	v := c.visit(g, patient, nil)
	c.quiet()
	p.spans.Reset()
	const signing = "0af7651916cd43dd8448eb211c80319c"
	c.sign(g, v, "traceparent", "00-"+signing+"-b7ad6b7169203331-01")
	claims := c.paid(patient)
	c.quiet()
	claim, _ := claims[0]["claim_id"].(string)
	account, _ := claims[0]["account_id"].(string)

	found := reachable(signing, p.spans.GetSpans())
	heard := map[string]bool{}
	for _, span := range p.spans.GetSpans() {
		for _, a := range span.Attributes {
			if a.Key == "evenkeel.consumer" && found[span.SpanContext.TraceID().String()] {
				heard[a.Value.AsString()] = true
			}
		}
	}
	for _, name := range []string{"coding", "authorization", "claims", "posting", "collections", "exchange", "payersim", "reporting"} {
		if !heard[name] {
			t.Errorf("no link leads from the signature to what %s did: %v", name, slices.Sorted(maps.Keys(heard)))
		}
	}
	// All that was recorded after the signature is its effect: nobody else was there, but for the clock.
	type effect struct{ service, stream, kind, trace string }
	var missing []string
	kinds := map[string]bool{}
	for _, s := range all() {
		rows, err := p.admin.Query(t.Context(), fmt.Sprintf(`SELECT stream, type, convert_from(coalesce(trace, ''), 'UTF8') FROM %s.event ORDER BY position`, pgx.Identifier{s.Name}.Sanitize()))
		if err != nil {
			t.Fatal(err)
		}
		events, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (effect, error) {
			e := effect{service: s.Name}
			return e, r.Scan(&e.stream, &e.kind, &e.trace)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			ours := e.stream == "claim/"+claim || e.stream == "account/"+account || strings.HasPrefix(e.stream, "remittance/") || strings.HasPrefix(e.stream, "desk/") || strings.HasPrefix(e.stream, "interchange/")
			before := e.kind == "evenkeel.payersim.v1.FileTaken" || e.service == "intake"
			if !ours || before {
				continue
			}
			parts := strings.Split(e.trace, "-")
			kind := e.kind[strings.LastIndex(e.kind, ".")+1:]
			if len(parts) == 4 && found[parts[1]] {
				kinds[kind] = true
				continue
			}
			missing = append(missing, e.service+" "+kind)
		}
	}
	for _, kind := range []string{"ClaimCreated", "ClaimSubmitted", "ClaimDecided", "ResponseIssued", "RemittanceRead", "ClaimAdjudicated", "RemittanceBalanced", "ClaimPaymentPosted"} {
		if !kinds[kind] {
			t.Errorf("no %s is linked to the signature", kind)
		}
	}
	slices.Sort(missing)
	if missing = slices.Compact(missing); len(missing) > 0 {
		t.Errorf("no link leads from the signature to: %s", strings.Join(missing, ", "))
	}
	t.Logf("%d traces; linked events: %v", len(found), slices.Sorted(maps.Keys(kinds)))
	if alone := reachable("00000000000000000000000000000001", p.spans.GetSpans()); len(alone) != 1 {
		t.Error("links lead from a trace that never was")
	}
	if answer := c.send(http.MethodGet, "/v1/accounts/"+account, nil); answer.status != http.StatusOK {
		t.Errorf("the account: %d %s", answer.status, answer.raw)
	}
}
