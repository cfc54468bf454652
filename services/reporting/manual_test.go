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
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
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
	// Over all payers the last query is the figure that the API gives, also where the claims begin later than the base.
	rate := answered.FindAllStringSubmatch(now, -1)[queries-1][1]
	april := strings.NewReplacer("2026-06-01", "2026-04-01", "2026-06-30", "2026-04-30", "2026-03-01", "2026-01-01", "2026-05-31", "2026-03-31", "2026-05-01", "2026-03-01")
	for day, sql := range map[string]string{"2026-06-30": rate, "2026-04-30": april.Replace(rate)} {
		var denied, sent string
		if err := conn.QueryRow(t.Context(), `SELECT sum(denied)::text, sum(sent_a_month)::text FROM (`+strings.TrimSuffix(strings.TrimSpace(sql), ";")+`) all_payers`).Scan(&denied, &sent); err != nil {
			t.Fatal(err)
		}
		k, err := b.api.GetKpis(hosttest.As(t.Context(), b.p, ""), &pb.GetKpisRequest{AsOf: day})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range k.Kpis {
			if x.KpiId != "initial_denial_rate" {
				continue
			}
			months := int64(3)
			if strings.HasPrefix(x.Base, "1 of") {
				months = 1
			}
			if want := fmt.Sprintf("%.1f", float64(x.Denominator)/float64(months)); denied != fmt.Sprint(x.Numerator) || sent != want {
				t.Errorf("%s: the manual has %s denied of %s a month, the figure %d of %s (%s)", day, denied, sent, x.Numerator, want, x.Base)
			}
		}
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
