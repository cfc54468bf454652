package demo

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	codingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/coding/v1"
	exchangev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/exchange/v1"
	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// Import brings X12 files in and says of each what it was, what it led to and where its money is, or why it was refused. A file that is there already changes nothing.
// A file that can't be read, or whose money does not add up, is an error; a file that the platform refuses by name is not.
func Import(ctx context.Context, o Options, files ...string) error {
	if o.Out == nil {
		o.Out = io.Discard
	}
	i := importer{client: newClient(o, "import"), out: o.Out, piped: map[string][]byte{}}
	if err := i.allowed(ctx, files); err != nil {
		return err
	}
	var errs []error
	for _, name := range files {
		if err := i.one(ctx, name); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

type importer struct {
	*client
	out   io.Writer
	piped map[string][]byte // by name: what gives its bytes once
}

// data are the bytes of a file; "-" is the standard input. What a pipe gives is kept, since it gives it once.
func (i importer) data(name string) ([]byte, error) {
	if data, there := i.piped[name]; there {
		return data, nil
	}
	if name == "-" {
		data, err := io.ReadAll(os.Stdin)
		if err != nil {
			return nil, fmt.Errorf("read the standard input: %w", err)
		}
		i.piped[name] = data
		return data, nil
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		i.piped[name] = data
	}
	return data, nil
}

// paidBy finds the set header of an 835, whatever its separators are.
var paidBy = regexp.MustCompile(`ST[^0-9A-Za-z]835[^0-9A-Za-z]`)

// allowed asks, before anything is sent, whether the key may send files and read what becomes of them.
func (i importer) allowed(ctx context.Context, files []string) error {
	reads, roles := []string{"/v1/interchanges", "/v1/encounters", "/v1/accounts", "/v1/claims"}, "clinician_system, biller or admin"
	for _, name := range files {
		data, err := i.data(name)
		if err != nil {
			continue // said where it is sent
		}
		if paidBy.Match(data) {
			reads, roles = append(reads, "/v1/remittances"), "biller or admin"
			break
		}
	}
	_, err := i.do(ctx, http.MethodPost, "/v1/interchanges", "", []byte("{}")) // roles are asked first; then it is refused, since it has no Idempotency-Key
	for n := 0; n < len(reads) && !coded(err, "not_allowed"); n++ {
		_, err = i.do(ctx, http.MethodGet, reads[n]+"?page_size=1", "", nil)
		if err != nil && !coded(err, "not_allowed") {
			return err
		}
	}
	var no *ProblemError
	if coded(err, "not_allowed") && errors.As(err, &no) {
		return fmt.Errorf("nothing was sent: importing these files needs a key with the role %s (evenkeel key create NAME --role=…): %s", roles, no.Detail)
	}
	return nil
}

func (i importer) one(ctx context.Context, name string) error {
	data, err := i.data(name)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	// The name of a file is the caller's; the same bytes under another name are the same request.
	body, err := json.Marshal(map[string]string{"content": base64.StdEncoding.EncodeToString(data), "file_name": filepath.Base(name)})
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	key := "import-" + hex.EncodeToString(sum[:16]) + "-" + hex.EncodeToString(digest(filepath.Base(name)))
	answer, err := i.do(ctx, http.MethodPost, "/v1/interchanges", key, body)
	var receipt typev1.Receipt
	var refused *ProblemError
	switch {
	case errors.As(err, &refused) && keptAs.MatchString(refused.Error()):
		receipt.Id = keptAs.FindStringSubmatch(refused.Error())[1] // its record says why
		receipt.Events = []*typev1.EventRef{{}}
	case err != nil:
		return err
	default:
		if err := decode.Unmarshal(answer, &receipt); err != nil {
			return fmt.Errorf("read the receipt: %w", err)
		}
	}
	if err := i.settled(ctx, receipt.Id); err != nil {
		return err
	}
	var file exchangev1.Interchange
	if err := i.read(ctx, "/v1/interchanges/"+receipt.Id, nil, &file); err != nil {
		return err
	}
	return i.report(ctx, name, &file, receipt.Replayed || len(receipt.Events) == 0)
}

// keptAs is how a refusal names the record of the file.
var keptAs = regexp.MustCompile(`kept as (itc_[0-9a-z]+)`)

func digest(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:4]
}

// settled waits until everything that follows from a file has happened: a sandbox says so; elsewhere the file's results have stopped growing.
func (i importer) settled(ctx context.Context, id string) error {
	if _, err := i.now(ctx); err == nil {
		return i.quietTelling(ctx, func(busy []string) {
			fmt.Fprintf(i.out, "  still at work: %s\n", strings.Join(busy, "; "))
		})
	} else if !errors.Is(err, errNoSandbox) && !coded(err, "not_allowed") {
		return err
	}
	last, since := int32(-1), time.Now()
	for time.Since(since) < 3*time.Second {
		var file exchangev1.Interchange
		if err := i.read(ctx, "/v1/interchanges/"+id, nil, &file); err != nil {
			return err
		}
		if file.ResultsCount != last {
			last, since = file.ResultsCount, time.Now()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
	}
	return nil
}

// findings tells each kind of finding once, errors first, with where it is the first time and how often it is.
func findings(b *strings.Builder, all []*exchangev1.Finding) {
	type kind struct{ severity, code string }
	count := map[kind]int{}
	var first []*exchangev1.Finding
	for _, f := range all {
		k := kind{f.Severity, f.Code}
		if count[k]++; count[k] == 1 {
			first = append(first, f)
		}
	}
	slices.SortStableFunc(first, func(a, b *exchangev1.Finding) int { return cmp.Compare(a.Severity, b.Severity) }) // "error" before "warning"
	for _, f := range first {
		fmt.Fprintf(b, "  %s %s, byte %d", f.Severity, f.Code, f.Offset)
		if f.Segment != "" {
			fmt.Fprintf(b, " (%s)", f.Segment)
		}
		if n := count[kind{f.Severity, f.Code}]; n > 1 {
			fmt.Fprintf(b, " and %s", plural(n-1, "more", "more"))
		}
		fmt.Fprintf(b, ": %s\n", f.Message)
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (i importer) report(ctx context.Context, name string, file *exchangev1.Interchange, again bool) error {
	var b strings.Builder
	kind := file.Kind
	if kind == "" {
		kind = "unknown kind"
	}
	fmt.Fprintf(&b, "%s: %s, %d bytes", name, kind, file.Size)
	if again {
		b.WriteString("; already imported, nothing changed")
	}
	b.WriteString("\n")
	if file.Status == "refused" {
		fmt.Fprintf(&b, "  refused: %s\n", file.Reason)
	}
	err := i.results(ctx, &b, file, again)
	told := slices.ContainsFunc(file.Results, func(r *exchangev1.InterchangeResult) bool { return r.Type == "RemittanceRead" }) // with each equation's residual
	findings(&b, slices.DeleteFunc(slices.Clone(file.Findings), func(f *exchangev1.Finding) bool { return told && f.Code == "835.balance" }))
	if _, failed := io.WriteString(i.out, b.String()); failed != nil {
		return errors.Join(err, fmt.Errorf("report: %w", failed))
	}
	if file.Status == "refused" {
		err = errors.Join(err, errors.New("refused: "+file.Reason))
	}
	return err
}

// results tells what the parts of a file led to.
func (i importer) results(ctx context.Context, b *strings.Builder, file *exchangev1.Interchange, again bool) error {
	counts := map[string]int{}
	var order []string
	var claims int
	var charged, open int64
	var errs []error
	var held heldClaims
	var later laterClaims
	for _, r := range file.Results {
		switch r.Type {
		case "ClaimImported":
			visit, err := i.became(ctx, &later, file, r)
			if err != nil || !visit {
				errs = append(errs, err)
				continue
			}
			claims++
			var account postingv1.Account
			if err := i.read(ctx, "/v1/accounts/"+r.SubjectId, nil, &account); err != nil {
				errs = append(errs, err)
				continue
			}
			charged += account.Charge.GetAmountMinor()
			open += account.InsuranceBalance.GetAmountMinor() + account.PatientBalance.GetAmountMinor()
			errs = append(errs, i.held(ctx, &held, r.SubjectId))
		case "RemittanceRead":
			errs = append(errs, i.remittance(ctx, b, r))
		default:
			key := map[string]string{
				"SetAcknowledged": "claims acknowledged (999)", "ClaimStatusReceived": "claim statuses (277CA)", "EligibilityAnswered": "eligibility answers (271)",
				"AnswersUnknown": "answers about nothing of ours",
			}[r.Type] + ", " + r.Status
			if counts[key] == 0 {
				order = append(order, key)
			}
			counts[key]++
		}
	}
	if claims > 0 {
		one, many := "claim became a visit", "claims became visits"
		if again {
			one, many = "claim is a visit since the first time", "claims are visits since the first time"
		}
		fmt.Fprintf(b, "  %s: %s charged, %s of it open now\n", plural(claims, one, many), money.Format(charged), money.Format(open))
	}
	if held.claims > 0 {
		fmt.Fprintf(b, "  %s held until somebody mends it:\n", plural(held.claims, "claim is", "claims are"))
		for n, why := range held.why {
			if n == mostHeld {
				fmt.Fprintf(b, "    and %d reasons more, in the console under claims, held\n", len(held.why)-n)
				break
			}
			fmt.Fprintf(b, "    %s\n", why)
		}
	}
	later.tell(b)
	for _, key := range order {
		fmt.Fprintf(b, "  %d %s\n", counts[key], key)
	}
	return errors.Join(errs...)
}

// laterClaims are those of visits that were here: what each of them did.
type laterClaims struct {
	same, told, held []string
	patientPaid      int64 // before the move, by patients
}

// became says whether a claim of the file became a visit; what else it did is kept for the report.
func (i importer) became(ctx context.Context, to *laterClaims, file *exchangev1.Interchange, r *exchangev1.InterchangeResult) (visit bool, err error) {
	var encounter codingv1.Encounter
	if err := i.read(ctx, "/v1/encounters/"+r.SubjectId, nil, &encounter); err != nil {
		return false, err
	}
	var first *codingv1.EncounterImport
	for _, one := range encounter.Imports {
		here := one.Source.GetInterchangeId() == file.InterchangeId && one.Source.GetOffset() == r.Offset
		switch one.Outcome {
		case "visit":
			if first = one; here || one.Source == nil { // nil: it came before visits knew their files
				to.patientPaid += one.PatientPaid.GetAmountMinor()
				return true, nil
			}
		case "payers_told":
			if here {
				to.patientPaid += one.PatientPaid.GetAmountMinor()
				at, err := i.place(ctx, file, first)
				to.told = append(to.told, at)
				return false, err
			}
		case "held":
			if here {
				why := make([]string, len(one.Reasons))
				for n, reason := range one.Reasons {
					why[n] = fmt.Sprintf("%s (%s)", reason.Message, reason.RuleId)
				}
				to.held = append(to.held, fmt.Sprintf("claim %s: %s", one.PatientControlNumber, strings.Join(why, "; ")))
				return false, nil
			}
		}
	}
	at, err := i.place(ctx, file, first)
	to.same = append(to.same, at)
	return false, err
}

// place is where the claim stands that a visit came from.
func (i importer) place(ctx context.Context, file *exchangev1.Interchange, first *codingv1.EncounterImport) (string, error) {
	in := file
	if id := first.GetSource().GetInterchangeId(); id != file.InterchangeId {
		in = &exchangev1.Interchange{}
		if err := i.read(ctx, "/v1/interchanges/"+id, nil, in); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%s, claim %s", cmp.Or(in.FileName, in.InterchangeId), first.GetPatientControlNumber()), nil
}

func (l laterClaims) tell(b *strings.Builder) {
	list := func(all []string, format string) {
		for n, one := range all {
			if n == mostHeld {
				fmt.Fprintf(b, "    and %d more\n", len(all)-n)
				return
			}
			fmt.Fprintf(b, "  "+format+"\n", one)
		}
	}
	if l.patientPaid != 0 {
		fmt.Fprintf(b, "  %s paid by patients before the move: a payment for each of these visits, on no bank statement of ours\n", money.Format(l.patientPaid))
	}
	list(l.same, "the same visit as in %s: nothing changed")
	list(l.told, "the same visit as in %s: not charged again; it tells who is next, or what a payer decided or the patient paid")
	list(l.held, "held as work: %s")
}

// heldClaims are those that do not go out, and why.
type heldClaims struct {
	claims int
	why    []string
}

const mostHeld = 20

// held adds the held claims of a visit.
func (i importer) held(ctx context.Context, to *heldClaims, encounter string) error {
	var list claimsv1.ListClaimsResponse
	if err := i.read(ctx, "/v1/claims", url.Values{"encounter_id": {encounter}, "status": {claimsv1.ClaimStatus_CLAIM_STATUS_HELD.String()}}, &list); err != nil {
		return err
	}
	for _, c := range list.Claims {
		to.claims++
		if len(to.why) > mostHeld {
			continue
		}
		var claim claimsv1.Claim
		if err := i.read(ctx, "/v1/claims/"+c.ClaimId, nil, &claim); err != nil {
			return err
		}
		for _, r := range claim.HoldReasons {
			to.why = append(to.why, fmt.Sprintf("%s: %s (%s)", c.PatientControlNumber, r.Message, r.RuleId))
		}
	}
	return nil
}

// remittance tells where the money of one payment is: money in = on the ledger + held.
func (i importer) remittance(ctx context.Context, b *strings.Builder, r *exchangev1.InterchangeResult) error {
	var one postingv1.Remittance
	if err := i.read(ctx, "/v1/remittances/"+r.SubjectId, nil, &one); err != nil {
		return err
	}
	in := one.Payment.GetAmountMinor()
	if one.Status == postingv1.RemittanceStatus_REMITTANCE_STATUS_QUARANTINED {
		fmt.Fprintf(b, "  payment %s of %s, %s: %s in = %s on the ledger + %s held: quarantined\n", one.TraceNumber, one.PayerName, plural(int(one.Claims), "claim", "claims"), money.Format(in), money.Format(0), money.Format(in))
		for _, why := range one.Reasons {
			fmt.Fprintf(b, "    %s\n", why)
		}
		for _, why := range one.Residuals {
			fmt.Fprintf(b, "    %s, %s: off by %s\n", why.Equation, why.Subject, money.Format(why.ResidualAmount))
		}
		return nil
	}
	cleared, held, said := whereItIs(one.Legs)
	fmt.Fprintf(b, "  payment %s of %s, %s: %s in = %s on the ledger + %s held%s\n",
		one.TraceNumber, one.PayerName, plural(int(one.Claims), "claim", "claims"), money.Format(in), money.Format(cleared-held), money.Format(held), said)
	if cleared != in {
		return fmt.Errorf("payment %s: %s came in, %s is booked: this must never be, run evenkeel verify", one.TraceNumber, money.Format(in), money.Format(cleared))
	}
	return nil
}

// whereItIs is what a remittance's legs have cleared, what of it is held, and why.
func whereItIs(legs []*postingv1.LedgerLeg) (cleared, held int64, said string) {
	var own int64 // of what is held: adjustments of the provider as a whole
	for _, l := range legs {
		switch l.Account {
		case typev1.LedgerAccount_LEDGER_ACCOUNT_CASH_CLEARING:
			cleared += l.Amount.GetAmountMinor()
		case typev1.LedgerAccount_LEDGER_ACCOUNT_UNAPPLIED_INSURANCE:
			held -= l.Amount.GetAmountMinor()
			if strings.HasSuffix(l.EventType, ".ProviderAdjustmentRecorded") {
				own -= l.Amount.GetAmountMinor()
			}
		}
	}
	var why []string
	if held != own {
		why = append(why, money.Format(held-own)+" for claims that are not known here, or of a payer that their visit does not have")
	}
	if own != 0 {
		why = append(why, money.Format(own)+" of the payer's own adjustments, to be explained")
	}
	if why != nil {
		said = ": " + strings.Join(why, ", ")
	}
	return cleared, held, said
}
