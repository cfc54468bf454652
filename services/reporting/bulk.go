package reporting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// bulk folds many events in memory and writes whole tables. It makes what Project makes event by event, some ten times faster: a rebuild compares the two to the row, and so does Verify
// (TestABulkFoldMakesWhatProjectMakes). Legs are written as they come; the rest is kept until write, about two kilobytes a claim.
type bulk struct {
	payers, locations, clinicians map[id]named
	accounts                      map[id]*account
	claims                        map[id]*claimed
	claimsOf                      map[id][]*claimed // by account
	denials                       map[id][]*denied  // by claim
	deposits                      map[id]*deposit
	remittances                   map[id]*remittance
	fresh                         map[uuid.UUID]*freshness
	legs                          [][]any // not written yet
	days                          map[string]pgtype.Date
}

type id struct {
	tenant uuid.UUID
	id     string
}

type (
	named   struct{ name, ediPayerID string }
	account struct {
		patient, location, clinician, firstPayer string
		service, billed, posted                  string // billed: empty: not yet
		charge                                   int64
		imported                                 bool
	}
	claimed struct {
		account, patient, number, payer, location string
		service, created                          string
		sequence                                  int16
		charge, paid, openDenials                 int64
		held, closed, firstDenied, corrected      bool
		transport, adjudication                   string
		clean, accepted                           *bool
		firstSubmitted, submitted                 string
		firstAdjudicated, adjudicated, withdrawn  string
		firstRemittance                           string
		days                                      []claimDay
	}
	// claimDay is what a claim was from a day on; until the next one's day, or until now.
	claimDay struct {
		from string
		claimState
	}
	claimState struct {
		charge, paid, openDenials         int64
		held, closed                      bool
		transport, adjudication           string
		submitted, adjudicated, withdrawn string
	}
	denied struct {
		line, remittance, group, carc      string
		rarc                               []string
		payer, location, code, service, on string
		amount                             int64
		origin, action, label, overturned  string
	}
	deposit struct {
		on, booked, payer, payerIdentifier, trace string
		amount                                    int64
		remittance, matched, reversed             string
	}
	remittance struct {
		payer, payerName, trace, received, state string
		amount                                   int64
	}
	freshness struct {
		at     time.Time
		events int64
	}
)

func newBulk() *bulk {
	return &bulk{
		payers: map[id]named{}, locations: map[id]named{}, clinicians: map[id]named{}, accounts: map[id]*account{}, claims: map[id]*claimed{}, claimsOf: map[id][]*claimed{},
		denials: map[id][]*denied{}, deposits: map[id]*deposit{}, remittances: map[id]*remittance{}, fresh: map[uuid.UUID]*freshness{}, days: map[string]pgtype.Date{},
	}
}

// fold takes one event in. An error is a fault of the log: the live projection took the event.
func (b *bulk) fold(r es.Recorded) error {
	f := b.fresh[r.Tenant]
	if f == nil {
		f = &freshness{}
		b.fresh[r.Tenant] = f
	}
	if f.events++; r.RecordedAt.After(f.at) {
		f.at = r.RecordedAt
	}
	if err := b.addLegs(r); err != nil {
		return err
	}
	of := func(of string) id { return id{r.Tenant, of} }
	switch e := r.Event.(type) {
	case *registryv1.PayerRegistered:
		b.payers[of(e.PayerId)] = named{e.Name, e.EdiPayerId}
	case *registryv1.LocationRegistered:
		b.locations[of(e.LocationId)] = named{name: e.Name}
	case *registryv1.ClinicianRegistered:
		b.clinicians[of(e.ClinicianId)] = named{name: strings.TrimSpace(e.Name.GetFirst() + " " + e.Name.GetLast())}
	case *postingv1.ChargePosted:
		if b.accounts[of(e.AccountId)] != nil {
			return errors.New("the account is there already")
		}
		a := &account{patient: e.PatientId, location: e.LocationId, clinician: e.RenderingClinicianId, service: e.ServiceDate, posted: r.OccurredOn, charge: e.ChargeAmount, imported: e.Imported}
		if len(e.ResponsiblePayers) > 0 {
			a.firstPayer = e.ResponsiblePayers[0].PayerId
		}
		for _, c := range b.claimsOf[of(e.AccountId)] {
			a.billed = earlier(a.billed, c.firstSubmitted)
		}
		b.accounts[of(e.AccountId)] = a
	case *postingv1.ChargeCorrected:
		if a := b.accounts[of(e.AccountId)]; a != nil {
			a.charge = e.ChargeAmount
		}
	case *postingv1.ChargeVoided:
		if a := b.accounts[of(e.AccountId)]; a != nil {
			a.charge -= e.ChargeAmount
		}
	case *postingv1.RemittanceReceived:
		if b.remittances[of(e.RemittanceId)] != nil {
			return errors.New("the remittance is there already")
		}
		b.remittances[of(e.RemittanceId)] = &remittance{payer: e.PayerId, payerName: e.PayerName, trace: e.TraceNumber, amount: e.PaymentAmount, received: r.OccurredOn, state: "received"}
	case *postingv1.RemittanceBalanced:
		if m := b.remittances[of(e.RemittanceId)]; m != nil {
			m.state = "balanced"
		}
	case *postingv1.RemittanceQuarantined:
		if m := b.remittances[of(e.RemittanceId)]; m != nil {
			m.state = "quarantined"
		}
	case *postingv1.DepositReceived:
		d := b.deposits[of(e.DepositId)]
		if d == nil {
			d = &deposit{}
			b.deposits[of(e.DepositId)] = d
		}
		d.on, d.booked, d.payer, d.payerIdentifier, d.trace, d.amount = e.DepositDate, r.OccurredOn, cmp.Or(e.PayerId, d.payer), e.PayerIdentifier, e.TraceNumber, e.Amount
	case *postingv1.RemittanceMatched:
		d := b.deposits[of(e.DepositId)]
		if d == nil {
			d = &deposit{on: r.OccurredOn, booked: r.OccurredOn, trace: e.TraceNumber, amount: e.Amount}
			b.deposits[of(e.DepositId)] = d
		}
		d.remittance, d.matched, d.payer = e.RemittanceId, r.OccurredOn, cmp.Or(d.payer, e.PayerId)
	case *postingv1.DepositReversed:
		if d := b.deposits[of(e.DepositId)]; d != nil {
			d.reversed = e.ReversedDate
		}
	case *postingv1.DepositWithdrawn:
		if d := b.deposits[of(e.DepositId)]; d != nil {
			d.remittance, d.matched = "", ""
		}
	case *claimsv1.ClaimCreated:
		if b.claims[of(r.StreamID)] != nil {
			return errors.New("the claim is there already")
		}
		n := e.Content
		c := &claimed{account: e.AccountId, patient: e.PatientId, number: n.GetPatientControlNumber(), payer: n.GetPayerId(), sequence: int16(n.GetPayerSequence()), location: e.LocationId,
			service: n.GetServiceDate(), created: r.OccurredOn, charge: n.GetChargeAmount(), transport: "not_sent", adjudication: "none"}
		b.claims[of(r.StreamID)] = c
		b.claimsOf[of(e.AccountId)] = append(b.claimsOf[of(e.AccountId)], c)
	case *claimsv1.LineDenied:
		b.deny(of(r.StreamID), r, e)
	case *claimsv1.DenialOverturned:
		for _, d := range b.denials[of(r.StreamID)] {
			if d.line == e.LineId && d.carc == e.Carc && d.remittance != e.RemittanceId && d.overturned == "" {
				d.overturned = r.OccurredOn
			}
		}
		b.openDenials(of(r.StreamID))
	default:
		if c := b.claims[of(r.StreamID)]; c != nil {
			b.change(c, r)
		}
	}
	if c := b.claims[of(r.StreamID)]; c != nil {
		c.keep(r.OccurredOn)
	}
	return nil
}

// keep is what keep_claim does.
func (c *claimed) keep(day string) {
	now := claimState{c.charge, c.paid, c.openDenials, c.held, c.closed, c.transport, c.adjudication, c.submitted, c.adjudicated, c.withdrawn}
	if n := len(c.days); n > 0 && c.days[n-1].claimState == now {
		return
	}
	for n := len(c.days); n > 0 && c.days[n-1].from >= day; n-- {
		c.days = c.days[:n-1]
	}
	c.days = append(c.days, claimDay{day, now})
}

// change is what an event changes of its claim.
func (b *bulk) change(c *claimed, r es.Recorded) {
	switch e := r.Event.(type) {
	case *claimsv1.ClaimScrubbed:
		c.clean = first(c.clean, e.Clean && len(e.Edits) == 0)
	case *claimsv1.ClaimHeld:
		c.held = true
	case *claimsv1.ClaimReleased:
		c.held = false
	case *claimsv1.SubmissionRequested:
		c.held, c.transport, c.charge = false, "ready", e.Content.GetChargeAmount()
	case *claimsv1.CrossoverDetected:
		c.held, c.transport = false, "accepted"
	case *claimsv1.ClaimSubmitted:
		if c.transport == "ready" || c.transport == "not_sent" {
			c.transport = "submitted"
		}
		if c.submitted = e.SubmittedDate; c.firstSubmitted == "" {
			c.firstSubmitted, c.corrected = e.SubmittedDate, e.ClaimVersion > 1
		}
		if a := b.accounts[id{r.Tenant, c.account}]; a != nil {
			a.billed = earlier(a.billed, e.SubmittedDate)
		}
	case *claimsv1.ClaimAcknowledged:
		switch {
		case e.Level != claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX:
			c.transport, c.accepted = "accepted", first(c.accepted, true)
		case c.transport == "ready" || c.transport == "submitted":
			c.transport = "acknowledged"
		}
	case *claimsv1.ClaimRejected:
		c.transport, c.accepted = "rejected", first(c.accepted, false)
	case *claimsv1.CorrectedClaimPrepared:
		c.held, c.closed, c.transport, c.charge = false, false, "ready", e.Content.GetChargeAmount()
	case *claimsv1.ClaimAdjudicated:
		switch {
		case e.DecisionStands, e.Duplicate, e.VoidRefused:
		case e.Reversal:
			c.adjudication = "reversed"
		case e.PaidAmount > 0:
			c.adjudication = "paid"
		default:
			c.adjudication = "nothing_paid"
		}
		c.paid, c.adjudicated = c.paid+e.PaidAmount, r.OccurredOn
		if c.firstAdjudicated == "" && !e.Reversal {
			c.firstAdjudicated, c.firstRemittance = r.OccurredOn, e.RemittanceId
		}
	case *claimsv1.ClaimClosed:
		if c.closed = true; e.Withdrawn {
			c.withdrawn, c.openDenials = cmp.Or(c.withdrawn, r.OccurredOn), 0
		}
	case *claimsv1.ClaimReopened:
		c.closed = false
	}
}

func (b *bulk) deny(claim id, r es.Recorded, e *claimsv1.LineDenied) {
	all := b.denials[claim]
	at := slices.IndexFunc(all, func(d *denied) bool {
		return d.line == e.LineId && d.remittance == e.RemittanceId && d.group == e.GroupCode && d.carc == e.Carc
	})
	if at >= 0 {
		all[at].amount += e.DeniedAmount
	} else {
		all = append(all, &denied{line: e.LineId, remittance: e.RemittanceId, group: e.GroupCode, carc: e.Carc, rarc: nonNil(e.Rarc), payer: e.PayerId, location: e.LocationId, code: e.ServiceCode,
			service: e.ServiceDate, on: r.OccurredOn, amount: e.DeniedAmount, origin: word(e.Origin.String(), "DENIAL_ORIGIN_"), action: e.DefaultAction, label: e.Label})
		b.denials[claim] = all
	}
	for _, d := range all {
		if d.line == e.LineId && d.remittance != e.RemittanceId && d.overturned == "" {
			d.overturned = r.OccurredOn
		}
	}
	b.openDenials(claim)
	if c := b.claims[claim]; c != nil && c.firstRemittance == e.RemittanceId {
		c.firstDenied = true
	}
}

func (b *bulk) openDenials(claim id) {
	c := b.claims[claim]
	if c == nil {
		return
	}
	if c.openDenials = 0; c.withdrawn != "" {
		return
	}
	for _, d := range b.denials[claim] {
		if d.overturned == "" {
			c.openDenials += d.amount
		}
	}
}

func first(have *bool, now bool) *bool {
	if have != nil {
		return have
	}
	return &now
}

func earlier(a, b string) string {
	if a == "" || b != "" && b < a {
		return b
	}
	return a
}

func (b *bulk) addLegs(r es.Recorded) error {
	list := legsOf(r)
	if len(list) == 0 {
		return nil
	}
	source, sum := sourceOf(r), int64(0)
	typ, stream, account, claim, remittance, carc := short(r.Type()), es.Name(r.Kind, r.StreamID), text(r, "account_id"), text(r, "claim_id"), text(r, "remittance_id"), text(r, "carc")
	on, err := b.day(r.OccurredOn)
	if err != nil {
		return err
	}
	for i, leg := range list {
		from := cmp.Or(leg.Source, source)
		sum += leg.Amount
		b.legs = append(b.legs, []any{key(r.Tenant), r.Position, int32(i), key(r.ID), typ, stream, on, r.RecordedAt, word(leg.Account.String(), "LEDGER_ACCOUNT_"), leg.Amount, leg.PayerId, int16(leg.PayerSequence),
			account, leg.LineId, claim, remittance, cmp.Or(leg.Carc, carc), from.GetInterchangeId(), from.GetOffset(), from.GetLength(), from.GetSegment(), from.GetFileSha256()})
	}
	if sum != 0 {
		return fmt.Errorf("its legs sum to %d cents, not to 0", sum)
	}
	return nil
}

func key(u uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: u, Valid: true} }

// day is a date for the database; empty: none.
func (b *bulk) day(s string) (pgtype.Date, error) {
	if s == "" {
		return pgtype.Date{}, nil
	}
	d, ok := b.days[s]
	if !ok {
		if !date.Valid(s) {
			return d, fmt.Errorf("%q is not a day", s)
		}
		d = pgtype.Date{Time: date.Time(s), Valid: true}
		b.days[s] = d
	}
	return d, nil
}

// legColumns are in the order of addLegs.
var legColumns = []string{"tenant_id", "position", "leg", "event_id", "event_type", "stream", "occurred_on", "recorded_at", "ledger_account", "amount", "payer_id", "payer_sequence", "account_id", "line_id", "claim_id",
	"remittance_id", "carc", "interchange_id", "source_offset", "source_length", "source_segment", "source_sha256"}

// writeLegs writes the legs that came since it was called last.
func (b *bulk) writeLegs(ctx context.Context, db database, schema string) error {
	if _, err := db.CopyFrom(ctx, pgx.Identifier{schema, "ledger_legs"}, legColumns, pgx.CopyFromRows(b.legs)); err != nil {
		return fmt.Errorf("write ledger_legs: %w", err)
	}
	b.legs = b.legs[:0]
	return nil
}

// fromLegs are the tables that follow from the legs, each in one statement: what keep_receivables keeps of one account is made here of all.
var fromLegs = []string{
	`INSERT INTO %[1]s.balances (tenant_id, account_id, ledger_account, payer_id, payer_sequence, amount)
		SELECT tenant_id, account_id, ledger_account, payer_id, payer_sequence, sum(amount) FROM %[1]s.ledger_legs WHERE account_id <> '' GROUP BY 1, 2, 3, 4, 5`,
	`INSERT INTO %[1]s.receivables (tenant_id, account_id, from_day, thru_day, payer_id, payer_sequence, amount, first_of_account, first_of_payer, location_id, first_payer_id, service_date, bill_date)
		WITH leg AS (
			SELECT tenant_id, account_id, CASE ledger_account WHEN 'ar_patient' THEN 'patient' ELSE payer_id END AS payer_id, payer_sequence, occurred_on, sum(amount) AS amount FROM %[1]s.ledger_legs
			WHERE account_id <> '' AND ledger_account IN ('ar_insurance', 'ar_patient') GROUP BY 1, 2, 3, 4, 5),
		stretch AS (
			SELECT tenant_id, account_id, day, lead(day, 1, 'infinity') OVER (PARTITION BY tenant_id, account_id ORDER BY day) AS until FROM (SELECT DISTINCT tenant_id, account_id, occurred_on AS day FROM leg) d),
		o AS (
			SELECT s.tenant_id, s.account_id, s.day, s.until, l.payer_id, l.payer_sequence, sum(l.amount) AS amount FROM stretch s
			JOIN leg l ON l.tenant_id = s.tenant_id AND l.account_id = s.account_id AND l.occurred_on <= s.day GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(l.amount) <> 0)
		SELECT o.tenant_id, o.account_id, o.day, o.until, o.payer_id, o.payer_sequence, o.amount,
			row_number() OVER (PARTITION BY o.tenant_id, o.account_id, o.day, o.amount > 0 ORDER BY o.payer_id, o.payer_sequence) = 1,
			row_number() OVER (PARTITION BY o.tenant_id, o.account_id, o.day, o.payer_id, o.amount > 0 ORDER BY o.payer_sequence) = 1, a.location_id, a.first_payer_id, a.service_date, a.bill_date
		FROM o JOIN %[1]s.accounts a ON a.tenant_id = o.tenant_id AND a.account_id = o.account_id`,
}

// write writes everything but the legs, once, into the empty tables of a schema.
func (b *bulk) write(ctx context.Context, db database, schema string) error {
	if err := b.writeLegs(ctx, db, schema); err != nil {
		return err
	}
	// day notes the first fault and goes on: it is told once, below.
	var fault error
	day := func(s string) pgtype.Date {
		d, err := b.day(s)
		fault = cmp.Or(fault, err)
		return d
	}
	rows := map[string][][]any{}
	add := func(table string, row ...any) { rows[table] = append(rows[table], row) }
	for k, v := range b.payers {
		add("payers", key(k.tenant), k.id, v.name, v.ediPayerID)
	}
	for k, v := range b.locations {
		add("locations", key(k.tenant), k.id, v.name)
	}
	for k, v := range b.clinicians {
		add("clinicians", key(k.tenant), k.id, v.name)
	}
	for k, a := range b.accounts {
		add("accounts", key(k.tenant), k.id, a.patient, a.location, a.clinician, a.firstPayer, day(a.service), day(a.billed), day(a.posted), a.charge, a.imported)
	}
	for k, c := range b.claims {
		add("claims", key(k.tenant), k.id, c.account, c.patient, c.number, c.payer, c.sequence, c.location, day(c.service), day(c.created), c.charge, c.paid, c.held, c.closed, c.transport, c.adjudication,
			c.clean, day(c.firstSubmitted), day(c.submitted), c.accepted, day(c.firstAdjudicated), c.firstRemittance, c.firstDenied, day(c.adjudicated), c.openDenials, day(c.withdrawn), c.corrected)
		for i, d := range c.days {
			thru := pgtype.Date{InfinityModifier: pgtype.Infinity, Valid: true}
			if i+1 < len(c.days) {
				thru = day(c.days[i+1].from)
			}
			add("claim_days", key(k.tenant), k.id, day(d.from), thru, d.charge, d.paid, d.held, d.closed, d.transport, d.adjudication, day(d.submitted), day(d.adjudicated), d.openDenials, day(d.withdrawn))
		}
	}
	for k, list := range b.denials {
		for _, d := range list {
			add("denials", key(k.tenant), k.id, d.line, d.remittance, d.group, d.carc, d.rarc, d.payer, d.location, d.code, day(d.service), day(d.on), d.amount, d.origin, d.action, day(d.overturned), d.label)
		}
	}
	for k, d := range b.deposits {
		add("deposits", key(k.tenant), k.id, day(d.on), day(d.booked), d.payer, d.payerIdentifier, d.trace, d.amount, d.remittance, day(d.matched), day(d.reversed))
	}
	for k, m := range b.remittances {
		add("remittances", key(k.tenant), k.id, m.payer, m.payerName, m.trace, m.amount, day(m.received), m.state)
	}
	for tenant, f := range b.fresh {
		add("freshness", key(tenant), f.at, f.events, projection)
	}
	if fault != nil {
		return fmt.Errorf("write the tables: %w", fault)
	}
	for table, list := range rows {
		if _, err := db.CopyFrom(ctx, pgx.Identifier{schema, table}, bulkColumns[table], pgx.CopyFromRows(list)); err != nil {
			return fmt.Errorf("write %s: %w", table, err)
		}
	}
	for _, statement := range fromLegs {
		if _, err := db.Exec(ctx, fmt.Sprintf(statement, pgx.Identifier{schema}.Sanitize())); err != nil {
			return fmt.Errorf("make what follows from the legs: %w", err)
		}
	}
	return nil
}

// bulkColumns are in the order of write.
var bulkColumns = map[string][]string{
	"payers":     {"tenant_id", "payer_id", "name", "edi_payer_id"},
	"locations":  {"tenant_id", "location_id", "name"},
	"clinicians": {"tenant_id", "clinician_id", "name"},
	"accounts":   {"tenant_id", "account_id", "patient_id", "location_id", "clinician_id", "first_payer_id", "service_date", "bill_date", "posted_date", "charge_amount", "imported"},
	"claims": {"tenant_id", "claim_id", "account_id", "patient_id", "patient_control_number", "payer_id", "payer_sequence", "location_id", "service_date", "created_date", "charge_amount", "paid_amount", "held",
		"closed", "transport", "adjudication", "first_scrub_clean", "first_submitted_date", "submitted_date", "first_answer_accepted", "first_adjudicated_date", "first_remittance_id", "first_denied",
		"adjudicated_date", "open_denials", "withdrawn_date", "corrected_before_sent"},
	"claim_days": {"tenant_id", "claim_id", "from_day", "thru_day", "charge_amount", "paid_amount", "held", "closed", "transport", "adjudication", "submitted_date", "adjudicated_date", "open_denials",
		"withdrawn_date"},
	"denials": {"tenant_id", "claim_id", "line_id", "remittance_id", "group_code", "carc", "rarc", "payer_id", "location_id", "service_code", "service_date", "denied_date", "denied_amount", "origin",
		"default_action", "overturned_date", "label"},
	"deposits":    {"tenant_id", "deposit_id", "deposit_date", "booked_date", "payer_id", "payer_identifier", "trace_number", "amount", "remittance_id", "matched_date", "reversed_date"},
	"remittances": {"tenant_id", "remittance_id", "payer_id", "payer_name", "trace_number", "payment_amount", "received_date", "state"},
	"freshness":   {"tenant_id", "recorded_at", "events_handled", "projection_version"},
}
