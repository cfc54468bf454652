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
func script(t *testing.T) string {
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
	var out strings.Builder
	for i, part := range strings.Split(walk, "```") {
		if block, shell := strings.CutPrefix(part, "sh\n"); shell && i%2 == 1 {
			out.WriteString(block)
		}
	}
	if strings.Count(out.String(), "\n") < 20 {
		t.Fatalf("only this was found:\n%s", out.String())
	}
	return out.String()
}

// The README's first claim, pasted as it stands: from a patient to the bytes of the 835 that set a cent.
func TestTheFirstClaimOfTheREADME(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform; not with -short")
	}
	p := onOneMachine(t)
	if _, err := demo.Run(t.Context(), demo.Options{BaseURL: p.URL, APIKey: p.Key, Seed: 1, Weeks: 1, Patients: 4, Out: io.Discard}); err != nil {
		t.Fatal(err)
	}
	run := func() string {
		c := exec.Command("bash", "-eu")
		c.Stdin = strings.NewReader(script(t))
		c.Env = append(os.Environ(), "U="+p.URL, "KEY="+p.Key, "RUN=test")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	out := run()
	for _, want := range []string{"COVERAGE_STATUS_ACTIVE", "ENCOUNTER_STATUS_CODED", "CLAIM_STATUS_CLOSED", `"insurance_balance":{"amount_minor":"0"`, `"text":"CAS*CO*45*`, `"balance":{"amount_minor":"2000"`,
		`, your copay $20.00. Open: $20.00 with you."`} {
		if !strings.Contains(out, want) {
			t.Errorf("the walk does not show %s:\n%s", want, out)
		}
	}
}
