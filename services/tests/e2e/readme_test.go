package e2e

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/services/demo"
)

// script is what the README tells a newcomer to paste: every shell block between its two marks.
func script(t *testing.T) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "<!-- first-claim")
	walk, _, end := strings.Cut(rest, "<!-- /first-claim -->")
	if !ok || !end {
		t.Fatal("the README's marks are gone")
	}
	for i, part := range strings.Split(walk, "```") {
		if block, shell := strings.CutPrefix(part, "sh\n"); shell && i%2 == 1 {
			blocks = append(blocks, block)
		}
	}
	if len(blocks) < 5 || strings.Count(strings.Join(blocks, ""), "\n") < 20 {
		t.Fatalf("only this was found:\n%s", blocks)
	}
	return blocks
}

// The README's first claim, pasted as it stands: from a patient to the bytes of the 835 that set a cent. So it is after an import, and after the examples of docs/api.md.
func TestTheFirstClaimOfTheREADME(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	p := onOneMachine(t)
	if _, err := demo.Run(t.Context(), demo.Options{BaseURL: p.URL, APIKey: p.Key, Seed: 1, Weeks: 1, Patients: 4, Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	paste := func(script string, env ...string) string {
		t.Helper()
		c := exec.Command("bash", "-eu")
		c.Stdin = strings.NewReader(script)
		c.Env = append(os.Environ(), env...)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	// A block that is pasted again, in the same shell, gives the first answer again.
	walk := func(run string) {
		t.Helper()
		blocks := script(t)
		first, again, _ := strings.Cut(paste(strings.Join(blocks, "")+"echo ONCE-MORE\n"+strings.Join(blocks[1:], ""), "U="+p.URL, "KEY="+p.Key), "ONCE-MORE")
		for _, out := range []string{first, again} {
			shows(t, run, out)
		}
	}
	walk("first")

	// With the files of another billing system come clinicians, payers and places of which nobody knows prices; the walk takes the demo group's.
	if err := demo.Import(t.Context(), demo.Options{BaseURL: p.URL, APIKey: p.Key, Out: io.Discard}, filepath.Join(samples, "837", "demo.example1.837")); err != nil {
		t.Fatal(err)
	}
	walk("second")

	// The page of the API, pasted behind it, whatever the clock says by now.
	page, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	var examples strings.Builder
	for i, part := range strings.Split(string(page), "```") {
		if block, shell := strings.CutPrefix(part, "sh\n"); shell && i%2 == 1 {
			examples.WriteString(block + "echo; echo ---\n")
		}
	}
	answers := paste(strings.NewReplacer("http://127.0.0.1:8080", p.URL, "ek_...", p.Key).Replace(examples.String()))
	for _, want := range []string{`"name":"Evergreen Group"`, `"patient_id":"pat_`, `"code":"key_reused"`, `"version":2`, `"next_page_token":"`, `"rule_id":"intake.birth_date"`, `"quiet":true`} {
		if !strings.Contains(answers, want) {
			t.Errorf("the examples of the API's page do not show %s:\n%s", want, answers)
		}
	}
	if n := strings.Count(answers, `"status":4`); n != 3 { // three of them show an error
		t.Errorf("%d examples are refused:\n%s", n, answers)
	}
	walk("third")
}

// shows says what a walk does not show, and which of its calls were refused.
func shows(t *testing.T, run, out string) {
	t.Helper()
	for _, want := range []string{"COVERAGE_STATUS_ACTIVE", "ENCOUNTER_STATUS_CODED", "CLAIM_STATUS_CLOSED", `"insurance_balance":{"amount_minor":"0"`, `"text":"CAS*CO*45*`, `"balance":{"amount_minor":"2000"`,
		`, your copay $20.00. Open: $20.00 with you."`} {
		if !strings.Contains(out, want) {
			t.Errorf("the walk %s does not show %s:\n%s", run, want, out)
		}
	}
	if strings.Contains(out, `"status":4`) {
		t.Errorf("a call of the walk %s is refused:\n%s", run, out)
	}
}
