package reporting

import (
	"cmp"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/es"
)

// Project keeps the tables, in the transaction that advances the inbox.
func Project(r es.Recorded) []es.Statement {
	return append(changes(r), handled(r, 1))
}

// handled notes that so many events came, of which r was recorded last.
func handled(r es.Recorded, events int64) es.Statement {
	return es.SQL(`INSERT INTO freshness (tenant_id, recorded_at, events_handled, projection_version) VALUES ($1, $2, $3, $4)
		ON CONFLICT (tenant_id) DO UPDATE SET recorded_at = greatest(freshness.recorded_at, excluded.recorded_at), events_handled = freshness.events_handled + excluded.events_handled,
			projection_version = least(freshness.projection_version, excluded.projection_version)`,
		r.Tenant, r.RecordedAt, events, projection)
}

// changes are what an event changes, but for the count of events. Receivables are kept last: from the event's legs, and from the account that a charge makes.
func changes(r es.Recorded) []es.Statement {
	return append(append(legs(r), facts(r)...), receivables(r)...)
}

// receivables keeps what the event's account owes.
func receivables(r es.Recorded) []es.Statement {
	account := text(r, "account_id")
	if account == "" || !slices.ContainsFunc(legsOf(r), func(l *typev1.Leg) bool {
		return l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_AR_INSURANCE || l.Account == typev1.LedgerAccount_LEDGER_ACCOUNT_AR_PATIENT
	}) {
		return nil
	}
	var moved any = r.OccurredOn
	if _, ok := r.Event.(*postingv1.ChargePosted); ok {
		moved = nil // the account is new: whatever was booked on it before counts from now on
	}
	return []es.Statement{es.SQL(`SELECT keep_receivables($1, $2, $3::text::date)`, r.Tenant, account, moved)}
}

// facts are what an event changes beside the ledger.
func facts(r es.Recorded) (out []es.Statement) {
	switch e := r.Event.(type) {
	case *registryv1.PayerRegistered:
		out = append(out, es.SQL(`INSERT INTO payers (tenant_id, payer_id, name, edi_payer_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (tenant_id, payer_id) DO UPDATE SET name = excluded.name, edi_payer_id = excluded.edi_payer_id`, r.Tenant, e.PayerId, e.Name, e.EdiPayerId))
	case *registryv1.LocationRegistered:
		out = append(out, es.SQL(`INSERT INTO locations (tenant_id, location_id, name) VALUES ($1, $2, $3)
			ON CONFLICT (tenant_id, location_id) DO UPDATE SET name = excluded.name`, r.Tenant, e.LocationId, e.Name))
	case *registryv1.ClinicianRegistered:
		out = append(out, es.SQL(`INSERT INTO clinicians (tenant_id, clinician_id, name) VALUES ($1, $2, $3)
			ON CONFLICT (tenant_id, clinician_id) DO UPDATE SET name = excluded.name`, r.Tenant, e.ClinicianId, strings.TrimSpace(e.Name.GetFirst()+" "+e.Name.GetLast())))
	case *postingv1.ChargePosted:
		payer := ""
		if len(e.ResponsiblePayers) > 0 {
			payer = e.ResponsiblePayers[0].PayerId
		}
		out = append(out, es.SQL(`INSERT INTO accounts (tenant_id, account_id, patient_id, location_id, clinician_id, first_payer_id, service_date, bill_date, posted_date, charge_amount, imported)
			VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, (SELECT min(first_submitted_date) FROM claims WHERE tenant_id = $1 AND account_id = $2), $8::text::date, $9, $10)`,
			r.Tenant, e.AccountId, e.PatientId, e.LocationId, e.RenderingClinicianId, payer, e.ServiceDate, r.OccurredOn, e.ChargeAmount, e.Imported))
	case *postingv1.ChargeCorrected:
		out = append(out, es.SQL(`UPDATE accounts SET charge_amount = $3 WHERE tenant_id = $1 AND account_id = $2`, r.Tenant, e.AccountId, e.ChargeAmount))
	case *postingv1.ChargeVoided:
		out = append(out, es.SQL(`UPDATE accounts SET charge_amount = charge_amount - $3 WHERE tenant_id = $1 AND account_id = $2`, r.Tenant, e.AccountId, e.ChargeAmount))
	case *postingv1.RemittanceReceived:
		out = append(out, es.SQL(`INSERT INTO remittances (tenant_id, remittance_id, payer_id, payer_name, trace_number, payment_amount, received_date, state)
			VALUES ($1, $2, $3, $4, $5, $6, $7::text::date, 'received')`, r.Tenant, e.RemittanceId, e.PayerId, e.PayerName, e.TraceNumber, e.PaymentAmount, r.OccurredOn))
	case *postingv1.RemittanceBalanced:
		out = append(out, es.SQL(`UPDATE remittances SET state = 'balanced' WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId))
	case *postingv1.RemittanceQuarantined:
		out = append(out, es.SQL(`UPDATE remittances SET state = 'quarantined' WHERE tenant_id = $1 AND remittance_id = $2`, r.Tenant, e.RemittanceId))
	case *postingv1.DepositReceived:
		out = append(out, es.SQL(`INSERT INTO deposits (tenant_id, deposit_id, deposit_date, booked_date, payer_id, payer_identifier, trace_number, amount)
			VALUES ($1, $2, $3::text::date, $4::text::date, $5, $6, $7, $8)
			ON CONFLICT (tenant_id, deposit_id) DO UPDATE SET deposit_date = excluded.deposit_date, booked_date = excluded.booked_date, payer_id = coalesce(nullif(excluded.payer_id, ''), deposits.payer_id),
				payer_identifier = excluded.payer_identifier, trace_number = excluded.trace_number, amount = excluded.amount`,
			r.Tenant, e.DepositId, e.DepositDate, r.OccurredOn, e.PayerId, e.PayerIdentifier, e.TraceNumber, e.Amount))
	case *postingv1.RemittanceMatched:
		// The deposit's own event may come later: it is of another stream. Where the bank named no payer the remittance does.
		out = append(out, es.SQL(`INSERT INTO deposits (tenant_id, deposit_id, deposit_date, booked_date, payer_id, payer_identifier, trace_number, amount, remittance_id, matched_date)
			VALUES ($1, $2, $3::text::date, $3::text::date, $7, '', $4, $5, $6, $3::text::date)
			ON CONFLICT (tenant_id, deposit_id) DO UPDATE SET remittance_id = excluded.remittance_id, matched_date = excluded.matched_date,
				payer_id = coalesce(nullif(deposits.payer_id, ''), excluded.payer_id)`,
			r.Tenant, e.DepositId, r.OccurredOn, e.TraceNumber, e.Amount, e.RemittanceId, e.PayerId))
	case *postingv1.DepositReversed:
		out = append(out, es.SQL(`UPDATE deposits SET reversed_date = $3::text::date WHERE tenant_id = $1 AND deposit_id = $2`, r.Tenant, e.DepositId, e.ReversedDate))
	case *postingv1.DepositWithdrawn:
		out = append(out, es.SQL(`UPDATE deposits SET remittance_id = '', matched_date = NULL WHERE tenant_id = $1 AND deposit_id = $2`, r.Tenant, e.DepositId))
	default:
		if list := claim(r); len(list) > 0 {
			out = append(append(out, list...), es.SQL(`SELECT keep_claim($1, $2, $3::text::date)`, r.Tenant, r.StreamID, r.OccurredOn))
		}
	}
	return out
}

// claim keeps claims and denials.
func claim(r es.Recorded) []es.Statement {
	set := func(columns string, args ...any) []es.Statement {
		return []es.Statement{es.SQL(`UPDATE claims SET `+columns+` WHERE tenant_id = $1 AND claim_id = $2`, append([]any{r.Tenant, r.StreamID}, args...)...)}
	}
	switch e := r.Event.(type) {
	case *claimsv1.ClaimCreated:
		c := e.Content
		return []es.Statement{es.SQL(`INSERT INTO claims (tenant_id, claim_id, account_id, patient_id, patient_control_number, payer_id, payer_sequence, location_id, service_date, created_date, charge_amount)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::date, $10::text::date, $11)`,
			r.Tenant, r.StreamID, e.AccountId, e.PatientId, c.PatientControlNumber, c.PayerId, int16(c.PayerSequence), e.LocationId, c.ServiceDate, r.OccurredOn, c.ChargeAmount)}
	case *claimsv1.ClaimScrubbed:
		return set(`first_scrub_clean = coalesce(first_scrub_clean, $3)`, e.Clean && len(e.Edits) == 0) // an edit that only warns has failed too
	case *claimsv1.ClaimHeld:
		return set(`held = true`)
	case *claimsv1.ClaimReleased:
		return set(`held = false`)
	case *claimsv1.SubmissionRequested:
		return set(`held = false, transport = 'ready', charge_amount = $3`, e.Content.GetChargeAmount())
	case *claimsv1.CrossoverDetected: // no submission of ours: no rate counts it
		return set(`held = false, transport = 'accepted'`)
	case *claimsv1.ClaimSubmitted:
		return append(set(`transport = CASE WHEN transport IN ('ready', 'not_sent') THEN 'submitted' ELSE transport END, submitted_date = $3::text::date,
				corrected_before_sent = CASE WHEN first_submitted_date IS NULL THEN $4 ELSE corrected_before_sent END,
				first_submitted_date = coalesce(first_submitted_date, $3::text::date)`, e.SubmittedDate, e.ClaimVersion > 1),
			es.SQL(`UPDATE accounts a SET bill_date = least(a.bill_date, $3::text::date) FROM claims c
				WHERE c.tenant_id = $1 AND c.claim_id = $2 AND a.tenant_id = $1 AND a.account_id = c.account_id`, r.Tenant, r.StreamID, e.SubmittedDate),
			es.SQL(`UPDATE receivables o SET bill_date = a.bill_date FROM claims c JOIN accounts a ON a.tenant_id = c.tenant_id AND a.account_id = c.account_id
				WHERE c.tenant_id = $1 AND c.claim_id = $2 AND o.tenant_id = $1 AND o.account_id = c.account_id AND o.bill_date IS DISTINCT FROM a.bill_date`, r.Tenant, r.StreamID))
	case *claimsv1.ClaimAcknowledged:
		if e.Level == claimsv1.AcknowledgmentLevel_ACKNOWLEDGMENT_LEVEL_SYNTAX {
			return set(`transport = CASE WHEN transport IN ('ready', 'submitted') THEN 'acknowledged' ELSE transport END`)
		}
		return set(`transport = 'accepted', first_answer_accepted = coalesce(first_answer_accepted, true)`)
	case *claimsv1.ClaimRejected:
		return set(`transport = 'rejected', first_answer_accepted = coalesce(first_answer_accepted, false)`)
	case *claimsv1.CorrectedClaimPrepared:
		return set(`held = false, closed = false, transport = 'ready', charge_amount = $3`, e.Content.GetChargeAmount())
	case *claimsv1.ClaimAdjudicated:
		to := "nothing_paid"
		switch {
		case e.DecisionStands, e.Duplicate, e.VoidRefused:
			to = ""
		case e.Reversal:
			to = "reversed"
		case e.PaidAmount > 0:
			to = "paid"
		}
		return set(`adjudication = coalesce(nullif($3, ''), adjudication), paid_amount = paid_amount + $4, adjudicated_date = $5::text::date,
			first_adjudicated_date = CASE WHEN $6 THEN first_adjudicated_date ELSE coalesce(first_adjudicated_date, $5::text::date) END,
			first_remittance_id = CASE WHEN first_adjudicated_date IS NULL AND NOT $6 THEN $7 ELSE first_remittance_id END`,
			to, e.PaidAmount, r.OccurredOn, e.Reversal, e.RemittanceId)
	case *claimsv1.LineDenied:
		return append([]es.Statement{es.SQL(`INSERT INTO denials (tenant_id, claim_id, line_id, remittance_id, group_code, carc, rarc, payer_id, location_id, service_code, service_date,
				denied_date, denied_amount, origin, default_action, label)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nullif($11, '')::text::date, $12::text::date, $13, $14, $15, $16)
			ON CONFLICT (tenant_id, claim_id, line_id, remittance_id, group_code, carc) DO UPDATE SET denied_amount = denials.denied_amount + excluded.denied_amount`,
			r.Tenant, r.StreamID, e.LineId, e.RemittanceId, e.GroupCode, e.Carc, nonNil(e.Rarc), e.PayerId, e.LocationId, e.ServiceCode, e.ServiceDate,
			r.OccurredOn, e.DeniedAmount, word(e.Origin.String(), "DENIAL_ORIGIN_"), e.DefaultAction, e.Label)},
			// A newer decision on the same line takes the place of an older denial.
			es.SQL(`UPDATE denials SET overturned_date = $5::text::date WHERE tenant_id = $1 AND claim_id = $2 AND line_id = $3 AND remittance_id <> $4 AND overturned_date IS NULL`,
				r.Tenant, r.StreamID, e.LineId, e.RemittanceId, r.OccurredOn),
			openDenials(r),
			es.SQL(`UPDATE claims SET first_denied = true WHERE tenant_id = $1 AND claim_id = $2 AND first_remittance_id = $3`, r.Tenant, r.StreamID, e.RemittanceId))
	case *claimsv1.DenialOverturned:
		return []es.Statement{es.SQL(`UPDATE denials SET overturned_date = $5::text::date
			WHERE tenant_id = $1 AND claim_id = $2 AND line_id = $3 AND carc = $4 AND remittance_id <> $6 AND overturned_date IS NULL`,
			r.Tenant, r.StreamID, e.LineId, e.Carc, r.OccurredOn, e.RemittanceId), openDenials(r)}
	case *claimsv1.ClaimClosed:
		if e.Withdrawn {
			return set(`closed = true, withdrawn_date = coalesce(withdrawn_date, $3::text::date), open_denials = 0`, r.OccurredOn) // they end with it
		}
		return set(`closed = true`)
	case *claimsv1.ClaimReopened:
		return set(`closed = false`)
	}
	return nil
}

func openDenials(r es.Recorded) es.Statement {
	return es.SQL(`UPDATE claims SET open_denials = CASE WHEN withdrawn_date IS NULL
			THEN (SELECT coalesce(sum(denied_amount), 0) FROM denials d WHERE d.tenant_id = $1 AND d.claim_id = $2 AND d.overturned_date IS NULL) ELSE 0 END
		WHERE tenant_id = $1 AND claim_id = $2`, r.Tenant, r.StreamID)
}

// legsOf are the legs of a money event: of whatever event has some.
func legsOf(r es.Recorded) (out []*typev1.Leg) {
	m := r.Event.ProtoReflect()
	f := m.Descriptor().Fields().ByName("legs")
	if f == nil || !f.IsList() {
		return nil
	}
	list := m.Get(f).List()
	for i := range list.Len() {
		leg, ok := list.Get(i).Message().Interface().(*typev1.Leg)
		if !ok {
			return nil
		}
		out = append(out, leg)
	}
	return out
}

// sourceOf is what the event says of the file that caused it; empty where it says nothing.
func sourceOf(r es.Recorded) *typev1.Source {
	m := r.Event.ProtoReflect()
	if f := m.Descriptor().Fields().ByName("source"); f != nil && m.Has(f) {
		if s, ok := m.Get(f).Message().Interface().(*typev1.Source); ok {
			return s
		}
	}
	return &typev1.Source{}
}

// text is a field of the event; empty where it has none of that name.
func text(r es.Recorded, name protoreflect.Name) string {
	m := r.Event.ProtoReflect()
	if f := m.Descriptor().Fields().ByName(name); f != nil && f.Kind() == protoreflect.StringKind && !f.IsList() {
		return m.Get(f).String()
	}
	return ""
}

// legs are the rows of a money event.
func legs(r es.Recorded) []es.Statement {
	list := legsOf(r)
	if len(list) == 0 {
		return nil
	}
	source := sourceOf(r)
	var (
		numbers, sequences []int32
		accounts, payers   []string
		lines              []string
		amounts            []int64
		files, segments    []string
		hashes             []string
		offsets, lengths   []int64
		reasons            []string
	)
	reason := text(r, "carc")
	for i, leg := range list {
		numbers, accounts, payers, lines = append(numbers, int32(i)), append(accounts, word(leg.Account.String(), "LEDGER_ACCOUNT_")), append(payers, leg.PayerId), append(lines, leg.LineId)
		sequences, amounts = append(sequences, int32(leg.PayerSequence)), append(amounts, leg.Amount)
		from := cmp.Or(leg.Source, source)
		files, segments, hashes = append(files, from.InterchangeId), append(segments, from.Segment), append(hashes, from.FileSha256)
		offsets, lengths = append(offsets, from.Offset), append(lengths, from.Length)
		reasons = append(reasons, cmp.Or(leg.Carc, reason))
	}
	account := text(r, "account_id")
	out := []es.Statement{es.SQL(`INSERT INTO ledger_legs (tenant_id, position, leg, event_id, event_type, stream, occurred_on, recorded_at, ledger_account, amount, payer_id, payer_sequence,
				account_id, line_id, claim_id, remittance_id, carc, interchange_id, source_offset, source_length, source_segment, source_sha256)
			SELECT $1, $2, leg, $3, $4, $5, $6::text::date, $7, ledger_account, amount, payer_id, payer_sequence, $8, line_id, $9, $10, carc, interchange_id, source_offset, source_length, source_segment, source_sha256
			FROM unnest($11::text[], $12::int[], $13::text[], $14::bigint[], $15::text[], $16::int[], $17::text[], $18::text[], $19::bigint[], $20::bigint[], $21::text[], $22::text[])
				AS l (carc, leg, ledger_account, amount, payer_id, payer_sequence, line_id, interchange_id, source_offset, source_length, source_segment, source_sha256)`,
		r.Tenant, r.Position, r.ID, short(r.Type()), es.Name(r.Kind, r.StreamID), r.OccurredOn, r.RecordedAt, account, text(r, "claim_id"), text(r, "remittance_id"), reasons,
		numbers, accounts, amounts, payers, sequences, lines, files, offsets, lengths, segments, hashes)}
	if account == "" {
		return out
	}
	return append(out, es.SQL(`INSERT INTO balances (tenant_id, account_id, ledger_account, payer_id, payer_sequence, amount)
			SELECT $1, $2, ledger_account, payer_id, payer_sequence, sum(amount)
			FROM unnest($3::text[], $4::bigint[], $5::text[], $6::int[]) AS l (ledger_account, amount, payer_id, payer_sequence) GROUP BY 3, 4, 5
			ON CONFLICT (tenant_id, account_id, ledger_account, payer_id, payer_sequence) DO UPDATE SET amount = balances.amount + excluded.amount`,
		r.Tenant, account, accounts, amounts, payers, sequences))
}

// word is an enum's value in lower case: AR_INSURANCE → ar_insurance.
func word(value, prefix string) string { return strings.ToLower(strings.TrimPrefix(value, prefix)) }

func short(typ string) string { return typ[strings.LastIndexByte(typ, '.')+1:] }

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}
