package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/services/demo"
)

// samples are files that others wrote; their README names the sources and licences.
var samples = filepath.Join("..", "..", "..", "pkg", "x12", "testdata", "samples")

type money struct {
	AmountMinor string `json:"amount_minor"`
}

func (m money) cents(t *testing.T) int64 {
	t.Helper()
	n, err := strconv.ParseInt(m.AmountMinor, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// advance moves the sandbox clock on by days and waits until everything that follows has happened.
func advance(t *testing.T, p platform, days int) {
	t.Helper()
	var clock struct{ Now time.Time }
	get(t, p, "/v1/sandbox/clock", &clock)
	for range days {
		clock.Now = clock.Now.Add(24 * time.Hour)
		body, err := json.Marshal(map[string]any{"to": clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodPost, p.URL+"/v1/sandbox/clock:advance", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+p.Key)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", clock.Now.Format(time.RFC3339))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("the clock does not move: %s", answer.Status)
		}
		var quiet struct {
			Quiet bool
			Busy  []string
		}
		get(t, p, "/v1/sandbox/quiet?wait=30s", &quiet)
		if !quiet.Quiet {
			t.Fatalf("not quiet: %v", quiet.Busy)
		}
	}
}

// A group moves here from another billing system: every file that others wrote is read, and every claim in it goes the whole way or says why it does not.
func TestFilesThatOthersWrote(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	p := onOneMachine(t)
	claimFiles, err := filepath.Glob(filepath.Join(samples, "837", "*"))
	if err != nil {
		t.Fatal(err)
	}
	moneyFiles, err := filepath.Glob(filepath.Join(samples, "835", "*"))
	if err != nil {
		t.Fatal(err)
	}
	files := append(claimFiles, moneyFiles...)
	if len(claimFiles) < 20 || len(moneyFiles) < 7 {
		t.Fatalf("only %d and %d samples are there", len(claimFiles), len(moneyFiles))
	}
	var out bytes.Buffer
	options := demo.Options{BaseURL: p.URL, APIKey: p.Key, Out: &out}
	if err := demo.Import(t.Context(), options, files...); err != nil {
		t.Logf("import says: %v", err) // a file was refused: it is named below
	}
	if !strings.Contains(out.String(), "837D") {
		t.Errorf("the dental file is not refused by its name:\n%s", out.String())
	}
	for _, says := range []string{
		"the same visit as in demo.cob.example3.A.837, claim 26407789: not charged again; it tells who is next, or what a payer decided or the patient paid",
		"the same visit as in demo.cob.example3.A.837, claim 26407789: nothing changed", "demo.example6.837: 837P, 936 bytes; already imported, nothing changed", // example 4 (secondary), byte for byte
		"the same visit as in example_5010_837p-sample.txt, claim 1029353-03: nothing changed", "held as work: claim CLMNO12345: $2,232.93 are charged as for the visit that is here",
	} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("it is not said: %s", says)
		}
	}
	if n := len(accounts(t, p)); n != 21 {
		t.Errorf("%d visits are charged, want 21", n)
	}
	var work struct {
		WorkItems []struct{ Kind string } `json:"work_items"`
	}
	get(t, p, "/v1/work-items?kind=possible_duplicate", &work)
	if len(work.WorkItems) != 1 {
		t.Errorf("%d possible duplicates are work", len(work.WorkItems))
	}
	before := books(t, p)
	out.Reset()
	_ = demo.Import(t.Context(), options, files...)
	if n := strings.Count(out.String(), "nothing changed"); n < len(files)-1 || books(t, p) != before {
		t.Errorf("importing again is said to change nothing for %d of %d files:\n%s", n, len(files), out.String())
	}

	if strings.Contains(out.String(), "became") {
		t.Errorf("what nothing changed is said to have become something:\n%s", out.String())
	}

	advance(t, p, 30)
	settled(t, p)
	claims(t, p)
	remittances(t, p)
	bank(t, p)
}

type charged struct {
	AccountID string `json:"account_id"`
	Charge    money
}

func accounts(t *testing.T, p platform) []charged {
	t.Helper()
	var list struct{ Accounts []charged }
	get(t, p, "/v1/accounts?page_size=500", &list)
	return list.Accounts
}

// bank: what the ledger has in the bank is what the bank saw. Nothing that was paid before the move is in it.
func bank(t *testing.T, p platform) {
	t.Helper()
	var ledger struct {
		Balances []struct {
			LedgerAccount string `json:"ledger_account"`
			BalanceAmount money  `json:"balance_amount"`
		}
	}
	get(t, p, "/v1/reports/ledger", &ledger)
	at := map[string]int64{}
	for _, b := range ledger.Balances {
		at[b.LedgerAccount] = b.BalanceAmount.cents(t)
	}
	var list struct{ Deposits []struct{ Amount money } }
	get(t, p, "/v1/deposits?page_size=500", &list)
	var saw int64
	for _, d := range list.Deposits {
		saw += d.Amount.cents(t)
	}
	if at["LEDGER_ACCOUNT_BANK"] != saw || at["LEDGER_ACCOUNT_CONVERSION"] <= 0 {
		t.Errorf("the bank saw %d cents, the ledger has %d; %d were paid before the move", saw, at["LEDGER_ACCOUNT_BANK"], at["LEDGER_ACCOUNT_CONVERSION"])
	}
}

// One visit goes from payer to payer in three files. They come together, the other way round, while our claim is with the first payer, or when that has decided: one charge, and every
// cent somewhere.
func TestOneVisitInSeveralFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	p := onOneMachine(t)
	orders := [][]string{
		{"A", "B", "C"}, {"C", "B", "A"}, {"B", "A", "C"},
		{"A", "1", "B", "C"},  // in flight
		{"A", "30", "B", "C"}, // decided
	}
	var out bytes.Buffer
	for n, order := range orders {
		for _, step := range order {
			if days, err := strconv.Atoi(step); err == nil {
				advance(t, p, days)
				continue
			}
			data := bytes.ReplaceAll(claimFile(t, "demo.cob.example3."+step+".837"), []byte("26407789"), fmt.Appendf(nil, "V%d", n))
			name := filepath.Join(t.TempDir(), fmt.Sprintf("%s%d.837", step, n))
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := demo.Import(t.Context(), demo.Options{BaseURL: p.URL, APIKey: p.Key, Out: &out}, name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Log(out.String())
	check := func() {
		t.Helper()
		all := accounts(t, p)
		for _, a := range all {
			if a.Charge.cents(t) != 79_04 {
				t.Errorf("account %s: %s charged, want 7904", a.AccountID, a.Charge.AmountMinor)
			}
		}
		if len(all) != len(orders) {
			t.Errorf("%d visits are charged, want %d", len(all), len(orders))
		}
		settled(t, p)
	}
	check()
	advance(t, p, 40)
	check()
	remittances(t, p)
	bank(t, p)
	var work struct {
		WorkItems []struct{ Kind, Detail string } `json:"work_items"`
	}
	get(t, p, "/v1/work-items?kind=prior_decision", &work)
	if len(work.WorkItems) != 1 {
		t.Errorf("the first payer decided in both systems once; %d are work", len(work.WorkItems))
	}
}

// claims: closed with nothing open, or held or denied with a reason.
func claims(t *testing.T, p platform) {
	t.Helper()
	var list struct {
		Claims []struct {
			ClaimID      string `json:"claim_id"`
			AccountID    string `json:"account_id"`
			Status       string
			ChargeAmount money `json:"charge_amount"`
			OpenAmount   money `json:"open_amount"`
			PaidAmount   money `json:"paid_amount"`
		}
	}
	get(t, p, "/v1/reports/claims?page_size=500", &list)
	by := map[string]int{}
	for _, c := range list.Claims {
		by[c.Status]++
		switch c.Status {
		case "closed":
			var account struct {
				Lines []struct {
					InsurancePaid money `json:"insurance_paid"`
				}
			}
			get(t, p, "/v1/accounts/"+c.AccountID, &account)
			paid := int64(0) // also before the move: its claim here was not sent then
			for _, l := range account.Lines {
				paid += l.InsurancePaid.cents(t)
			}
			if c.OpenAmount.cents(t) != 0 || paid == 0 {
				t.Errorf("claim %s is closed with %s open and %s paid", c.ClaimID, c.OpenAmount.AmountMinor, c.PaidAmount.AmountMinor)
			}
		case "held":
			var claim struct {
				Edits []struct {
					Blocking bool
					Reason   struct{ Message string }
				}
			}
			get(t, p, "/v1/claims/"+c.ClaimID, &claim)
			said := false
			for _, e := range claim.Edits {
				said = said || e.Blocking && e.Reason.Message != ""
			}
			if !said {
				t.Errorf("claim %s is held and does not say why", c.ClaimID)
			}
		default:
			t.Errorf("claim %s is %s after thirty days", c.ClaimID, c.Status)
		}
	}
	t.Logf("imported claims: %v", by)
	if by["closed"] < 16 {
		t.Errorf("only %d claims went the whole way", by["closed"])
	}
}

// remittances: money in = money on the ledger + money held, each one.
func remittances(t *testing.T, p platform) {
	t.Helper()
	var list struct {
		Remittances []struct {
			RemittanceID string `json:"remittance_id"`
			Status       string
			Payment      money
		}
	}
	get(t, p, "/v1/remittances?page_size=500", &list)
	by := map[string]int{}
	for _, r := range list.Remittances {
		by[r.Status]++
		var legs struct {
			Legs []struct {
				LedgerAccount string `json:"ledger_account"`
				Amount        money
			}
		}
		get(t, p, "/v1/reports/legs?page_size=500&remittance_id="+r.RemittanceID, &legs)
		cash := int64(0)
		for _, l := range legs.Legs {
			if l.LedgerAccount == "LEDGER_ACCOUNT_CASH_CLEARING" {
				cash += l.Amount.cents(t)
			}
		}
		want := r.Payment.cents(t)
		if strings.Contains(r.Status, "QUARANTINED") {
			want = 0
		}
		if cash != want {
			t.Errorf("remittance %s (%s): %d cents came in, %d are on the ledger", r.RemittanceID, r.Status, r.Payment.cents(t), cash)
		}
	}
	t.Log("remittances: ", fmt.Sprint(by))
}

// A visit comes from another billing system with what its patient paid there. Its first payer pays and sends the claim on to the second, which answers under our number for the first:
// that is booked to the second, and nobody is asked twice.
func TestACrossedOverClaim(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	p := onOneMachine(t)
	var out bytes.Buffer
	bring := func(name, data string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := demo.Import(t.Context(), demo.Options{BaseURL: p.URL, APIKey: p.Key, Out: &out}, path); err != nil {
			t.Fatal(err)
		}
	}
	sample, err := os.ReadFile(filepath.Join("..", "..", "exchange", "partner", "testdata", "claim.837"))
	if err != nil {
		t.Fatal(err)
	}
	claim := strings.NewReplacer("20260302", "20251202",
		"*11:B:1*", "*11:B:7*", "~HI*", "~AMT*F5*5~REF*F8*ICN77~HI*", "~LX*1", "~SBR*S*18*******MC~OI***Y***Y~NM1*IL*1*SAMPLE*JORDAN****MI*M900~NM1*PR*2*STATE MEDICAID*****PI*STM05~LX*1",
		"~SE*27*", "~SE*33*").Replace(strings.ReplaceAll(string(sample), "~\n", "~"))
	bring("claim.837", claim)
	bring("again.837", strings.Replace(claim, "*0*P*:~", "*0*T*:~", 1))

	type row struct {
		ClaimID              string `json:"claim_id"`
		AccountID            string `json:"account_id"`
		PatientID            string `json:"patient_id"`
		PatientControlNumber string `json:"patient_control_number"`
		PayerID              string `json:"payer_id"`
		PayerSequence        string `json:"payer_sequence"`
		FrequencyCode        string `json:"frequency_code"`
		Status               string
		Paid                 money
	}
	visit := func() map[string]row {
		var list struct{ Claims []row }
		get(t, p, "/v1/claims?page_size=500", &list)
		by := map[string]row{}
		for _, c := range list.Claims {
			by[strings.TrimPrefix(c.PayerSequence, "PAYER_SEQUENCE_")] = c
		}
		return by
	}
	first := visit()["PRIMARY"]
	if len(visit()) != 1 || first.FrequencyCode != "FREQUENCY_CODE_REPLACEMENT" {
		t.Fatalf("the imported replacement: %v\n%s", visit(), out.String())
	}
	var payments struct {
		PatientPayments []struct {
			Amount    money
			Method    string
			AccountID string `json:"account_id"`
		} `json:"patient_payments"`
	}
	get(t, p, "/v1/patient-payments?patient_id="+first.PatientID, &payments)
	if all := payments.PatientPayments; len(all) != 1 || all[0].Amount.cents(t) != 5_00 || all[0].Method != "other_system" || all[0].AccountID != first.AccountID {
		t.Errorf("paid before the move: %v", all)
	}

	answer := func(n, number, payer, edi, status, paid, adjusted string) string {
		body := fmt.Sprintf("ST*835*000%[1]s~BPR*I*%[5]s*C*CHK************20251220~TRN*1*T%[1]s*191000000%[1]s~DTM*405*20251220~N1*PR*%[2]s~N3*1 A ST~N4*SPRINGFIELD*IL*62704~REF*2U*%[3]s~PER*BL*OFFICE*TE*2175550100~"+
			"N1*PE*LAKESIDE COUNSELING*XX*1234567893~LX*1~CLP*%[7]s*%[4]s*150*%[5]s**12*ICN%[1]s~NM1*QC*1*SAMPLE*JORDAN~SVC*HC:90837*150*%[5]s**1~DTM*472*20251202~%[6]s~REF*6R*L1~",
			n, payer, edi, status, paid, adjusted, number)
		return fmt.Sprintf("ISA*00*          *00*          *ZZ*%-15s*ZZ*EVENKEEL       *251220*0600*^*00501*00000000%s*0*P*:~GS*HP*%s*EVENKEEL*20251220*0600*%s*X*005010X221A1~%sSE*%d*000%s~GE*1*%s~IEA*1*00000000%s~",
			edi, n, edi, n, body, strings.Count(body, "~")+1, n, n, n)
	}
	bring("first.835", answer("1", first.PatientControlNumber, "EVERGREEN HEALTH PLAN", "EVG01", "19", "95", "CAS*CO*45*30~CAS*PR*2*25"))
	second := visit()["SECONDARY"]
	if second.Status != "CLAIM_STATUS_ACCEPTED" || second.PayerID == first.PayerID {
		t.Fatalf("sent on: %v\n%s", visit(), out.String())
	}
	bring("second.835", answer("2", first.PatientControlNumber, "STATE MEDICAID", "STM05", "2", "20", "CAS*OA*23*125~CAS*PR*3*5"))
	now := visit()
	if c := now["PRIMARY"]; c.Status != "CLAIM_STATUS_CLOSED" || c.Paid.cents(t) != 95_00 {
		t.Errorf("the first payer's claim: %v", c)
	}
	if c := now["SECONDARY"]; c.ClaimID != second.ClaimID || c.Status != "CLAIM_STATUS_CLOSED" || c.Paid.cents(t) != 20_00 {
		t.Errorf("the second payer's claim: %v", c)
	}
	var account struct {
		InsuranceBalance money `json:"insurance_balance"`
		PatientBalance   money `json:"patient_balance"`
	}
	get(t, p, "/v1/accounts/"+first.AccountID, &account)
	if account.InsuranceBalance.cents(t) != 0 || account.PatientBalance.cents(t) != 0 { // what is left to the patient was paid before the move
		t.Errorf("open: %v\n%s", account, out.String())
	}
	var work struct {
		WorkItems []struct{ Kind, Detail string } `json:"work_items"`
	}
	get(t, p, "/v1/work-items", &work)
	for _, w := range work.WorkItems {
		if w.Kind != "unfunded_remittance" {
			t.Errorf("left to do: %s, %s", w.Kind, w.Detail)
		}
	}

	// Another visit's payer answers to what the other system sent it, under that system's number: ours is not sent any more.
	bring("old.837", strings.NewReplacer("20260302", "20251203", "E0123456789ABCDEF", "OLDNUM7").Replace(strings.ReplaceAll(string(sample), "~\n", "~")))
	bring("old.835", strings.ReplaceAll(answer("3", "OLDNUM7", "EVERGREEN HEALTH PLAN", "EVG01", "1", "120", "CAS*CO*45*30"), "*472*20251202", "*472*20251203"))
	for _, days := range []int{0, 20} {
		advance(t, p, days)
		var list struct{ Claims []row }
		get(t, p, "/v1/claims?page_size=500", &list)
		for _, c := range list.Claims {
			if c.AccountID != first.AccountID && (c.Status != "CLAIM_STATUS_CLOSED" || c.Paid.cents(t) != 120_00) {
				t.Errorf("answered under the old number, after %d days: %v", days, c)
			}
		}
		if len(list.Claims) != 3 {
			t.Errorf("%d claims", len(list.Claims))
		}
	}
	t.Log(out.String())
}
