package reporting_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
)

var update = flag.Bool("update", false, "write the answers in docs/finance.md anew")

const manual = "../../docs/finance.md"

// answered is a query of the manual and its answer.
var answered = regexp.MustCompile("(?s)```sql\n(.*?)```\n\n```text\n(.*?)```")

func TestTheManualOfFinanceShowsWhatTheDatabaseAnswers(t *testing.T) {
	b := busy(t)
	b.publish("claims", "claim/clm_enc_7", &claimsv1.ClaimAdjudicated{ClaimId: "clm_enc_7", RemittanceId: "rem_9", StatusCode: "4", PayerId: "pay_1"})
	b.publish("claims", "claim/clm_enc_7", &claimsv1.LineDenied{ClaimId: "clm_enc_7", PayerId: "pay_1", LineId: "L1", GroupCode: "CO", Carc: "197", DeniedAmount: 800_00, RemittanceId: "rem_9", LocationId: "loc_2"})
	for i := range 6 {
		id := fmt.Sprint("clm_enc_", i)
		b.publish("claims", "claim/"+id, &claimsv1.ClaimSubmitted{ClaimId: id, ClaimVersion: 1, SubmittedDate: date.Add("2026-03-10", 14*i)})
	}
	b.caughtUp()
	conn := b.signIn("finance_test_manual")
	b.asAdmin(`INSERT INTO reporting.finance_tenants VALUES ('finance_test_manual', $1)`, hosttest.Tenant)
	text, err := os.ReadFile(manual)
	if err != nil {
		t.Fatal(err)
	}
	queries := 0
	now := answered.ReplaceAllStringFunc(string(text), func(block string) string {
		queries++
		part := answered.FindStringSubmatch(block)
		answer := ask(t, conn, part[1])
		if answer != part[2] && !*update {
			t.Errorf("%s\nanswers\n%s\nthe manual says\n%s", part[1], answer, part[2])
		}
		return "```sql\n" + part[1] + "```\n\n```text\n" + answer + "```"
	})
	if queries != 5 {
		t.Errorf("%d queries were found, want 5", queries)
	}
	if *update {
		if err := os.WriteFile(manual, []byte(now), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// ask is the answer as psql prints it.
func ask(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	results, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if err != nil || len(results) != 1 {
		t.Fatalf("%s: %v", sql, err)
	}
	r := results[0]
	lines := make([][]string, len(r.Rows)+1)
	width := make([]int, len(r.FieldDescriptions))
	number := make([]bool, len(width))
	for i, f := range r.FieldDescriptions {
		lines[0] = append(lines[0], f.Name)
		number[i] = f.DataTypeOID == 20 || f.DataTypeOID == 23 || f.DataTypeOID == 1700
	}
	for i, row := range r.Rows {
		for _, v := range row {
			lines[i+1] = append(lines[i+1], string(v))
		}
	}
	for _, line := range lines {
		for i, v := range line {
			width[i] = max(width[i], utf8.RuneCountInString(v))
		}
	}
	var out strings.Builder
	for n, line := range lines {
		var cells, rule []string
		for i, v := range line {
			if number[i] && n > 0 {
				cells = append(cells, fmt.Sprintf(" %*s ", width[i], v))
			} else {
				cells = append(cells, fmt.Sprintf(" %-*s ", width[i], v))
			}
			rule = append(rule, strings.Repeat("-", width[i]+2))
		}
		out.WriteString(strings.TrimRight(strings.Join(cells, "|"), " ") + "\n")
		if n == 0 {
			out.WriteString(strings.Join(rule, "+") + "\n")
		}
	}
	return out.String()
}
