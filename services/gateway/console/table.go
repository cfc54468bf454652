package console

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// table is what a page lists. Its CSV has the same rows and columns.
type table struct {
	ID      string
	Caption string
	Note    string // beside the caption: how many, of how much
	Columns []column
	Rows    []row
	Foot    []cell
	Empty   string // why there is nothing
	Todo    string // and what to do
	CSV     string // where its CSV is
	Next    string // the next page
	First   string // back to the first page
}

type column struct {
	Name  string
	Num   bool
	Aside bool   // in the CSV alone
	Order string // where clicking leads; empty: not sortable
	Dir   string // ascending, descending: how it is sorted now
}

type row struct {
	ID    string // where a link to the row leads
	Cells []cell
	Mark  bool // the row that was asked for
}

// cell is one value: as people read it, as a spreadsheet reads it, and where it leads.
type cell struct {
	Text  string
	Plain string // for CSV
	Href  string
	Class string
	Title string
	Tone  string // of a badge: good, warn, bad, calm
	sort  int64
}

// Shown says whether a column is on the page too; templates ask.
func (t *table) Shown(i int) bool { return i >= len(t.Columns) || !t.Columns[i].Aside }

func text(s string) cell { return cell{Text: s, Plain: s} }

func link(s, href string) cell { return cell{Text: s, Plain: s, Href: href} }

// named is a name that a narrow column may cut short; the whole one is in the title.
func named(s string) cell { return cell{Text: s, Plain: s, Class: "name", Title: s} }

// entitled is a name, a title or a number of somebody else's that leads somewhere: the first column of a list, which may be long.
func entitled(s, href string) cell {
	return cell{Text: s, Plain: s, Href: href, Class: "name long", Title: s}
}

// wide is a name in a table that has room for it.
func wide(s string) cell { return cell{Text: s, Plain: s, Class: "name long", Title: s} }

// brief is a text that is cut to a few words; the whole one is in the title.
func brief(s string) cell { return cell{Text: s, Plain: s, Class: "name brief", Title: s} }

// wrapped is a text on as many lines as it needs, up to about three; the whole one is in the title.
func wrapped(s string) cell {
	return cell{Text: clip(s, 120), Plain: s, Class: "wrap", Title: s}
}

// whose is who did something, on one line: an e-mail address may be cut short.
func whose(s string) cell {
	c := named(actor(s))
	if len(c.Text) <= len("Evenkeel (authorization)") {
		c.Class = "day"
	}
	return c
}

// label is a few words on what a code means; a dash where we have none.
func label(s string) cell {
	if s == "" {
		return orDash(s)
	}
	return cell{Text: s, Plain: s, Class: "name phrase", Title: s}
}

// id is an identifier: shortened for the eye, whole in the title and the CSV.
func id(s, href string) cell {
	return cell{Text: short(s), Plain: s, Href: href, Title: s, Class: "id"}
}

// short keeps the end of a derived id, where ids differ as well as anywhere.
func short(s string) string {
	prefix, rest, ok := strings.Cut(s, "_")
	if !ok || len(rest) <= 10 {
		if len(s) > 20 {
			return s[:8] + "…" + s[len(s)-4:]
		}
		return s
	}
	return prefix + "_" + rest[:6]
}

func cents(n int64, href string) cell {
	c := cell{Text: money.Format(n), Plain: decimal(n), Href: href, Class: "num", sort: n}
	if n < 0 {
		c.Class += " neg"
	}
	if n == 0 {
		c.Class += " zero"
	}
	return c
}

func amount(m *typev1.Money, href string) cell { return cents(m.GetAmountMinor(), href) }

// decimal is an amount as a spreadsheet reads it.
func decimal(n int64) string {
	sign := ""
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

func count(n int64, href string) cell {
	return cell{Text: grouped(n), Plain: strconv.FormatInt(n, 10), Href: href, Class: "num", sort: n}
}

// grouped is a count with its thousands apart.
func grouped(n int64) string {
	s := money.Format(n * 100)
	return strings.Replace(strings.TrimSuffix(s, ".00"), "$", "", 1)
}

func percent(millionths int64, known bool) cell {
	if !known {
		return cell{Text: "–", Class: "num", Title: "Nothing to divide by"}
	}
	s := rate(millionths)
	return cell{Text: s, Plain: s, Class: "num", sort: millionths}
}

// rate prints millionths as a percentage with one decimal.
func rate(millionths int64) string { return tenths(millionths*100) + "%" }

// tenths prints millionths with one decimal, rounded half away from zero.
func tenths(millionths int64) string {
	sign := ""
	if millionths < 0 {
		sign, millionths = "−", -millionths
	}
	n := (millionths + 50_000) / 100_000
	return sign + grouped(n/10) + "." + strconv.FormatInt(n%10, 10)
}

func day(iso string) cell {
	if !date.Valid(iso) {
		return cell{Text: "–", Plain: iso, Class: "day zero"}
	}
	t := date.Time(iso)
	return cell{Text: spelled(iso), Plain: iso, Class: "day", sort: t.Unix()}
}

// near is a day beside another, in the same row or today: its year is left out where no other year can be meant, within half a year.
func near(iso, other string) cell {
	c := day(iso)
	if date.Valid(iso) && date.Valid(other) && max(date.Days(iso, other), date.Days(other, iso)) <= 182 {
		c.Text, c.Title = monthDay(iso), spelled(iso)
	}
	return c
}

// monthDay is a day without its year: Mar 2.
func monthDay(iso string) string {
	if !date.Valid(iso) {
		return iso
	}
	return date.Time(iso).Format("Jan 2")
}

// risk is an amount at stake; a dash where no money is.
func risk(m *typev1.Money, href string) cell {
	if m.GetAmountMinor() == 0 {
		return cell{Text: "–", Plain: "0.00", Class: "num zero"}
	}
	return amount(m, href)
}

// spelled is a day as people write it.
func spelled(iso string) string {
	if !date.Valid(iso) {
		return "–"
	}
	return date.Time(iso).Format("Jan 2, 2006")
}

// instant is a moment in UTC.
func instant(t time.Time) cell {
	t = t.UTC()
	return cell{Text: t.Format("Jan 2, 2006, 15:04:05"), Plain: t.Format(time.RFC3339), Class: "day", Title: t.Format(time.RFC3339Nano), sort: t.UnixNano()}
}

func badge(word string) cell {
	return cell{Text: words(word), Plain: word, Tone: tone(word)}
}

// words is an enum's name or a code in words: CLAIM_STATUS_HELD and held are "Held".
func words(s string) string {
	for _, prefix := range []string{
		"CLAIM_STATUS_", "TRANSPORT_STATUS_", "ADJUDICATION_STATUS_", "WORK_STATUS_", "WORK_ITEM_STATE_", "DENIAL_ORIGIN_", "LEDGER_ACCOUNT_", "PAYER_SEQUENCE_",
		"REMITTANCE_STATUS_", "DEPOSIT_STATUS_", "FREQUENCY_CODE_", "RELATIONSHIP_",
	} {
		s = strings.TrimPrefix(s, prefix)
	}
	if s == "" || s == "UNSPECIFIED" {
		return "–"
	}
	if s[0] >= '0' && s[0] <= '9' {
		return s
	}
	s = strings.ToLower(strings.ReplaceAll(s, "_", " "))
	return strings.ToUpper(s[:1]) + s[1:]
}

// tone is how much a status asks for somebody.
func tone(word string) string {
	switch strings.ToLower(strings.ReplaceAll(words(word), " ", "_")) {
	case "held", "denied", "rejected", "refused", "quarantined", "differs", "overdue", "error", "blocking", "dead":
		return "bad"
	case "ready", "submitted", "requested", "reversed", "open", "not_sent", "nothing_paid", "warning", "unbalanced", "unknown", "not_matched":
		return "warn"
	case "accepted", "acknowledged", "paid", "closed", "adjudicated", "balanced", "matched", "resolved", "settled", "read", "clean", "overturned", "received", "sent":
		return "good"
	}
	return "calm"
}

// postal is a ZIP code as people write it: 60601-0001.
func postal(s string) string {
	if len(s) == 9 {
		return s[:5] + "-" + s[5:]
	}
	return s
}

// phone is a number of ten digits as people write it.
func phone(s string) string {
	if len(s) == 10 && strings.Trim(s, "0123456789") == "" {
		return "(" + s[:3] + ") " + s[3:6] + "-" + s[6:]
	}
	return s
}

// eventName is an event's type in words: evenkeel.posting.v1.ChargePosted is "Charge posted".
func eventName(s string) string {
	s = s[strings.LastIndex(s, ".")+1:]
	var b strings.Builder
	for i, r := range s {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte(' ')
		}
		if i > 0 {
			b.WriteString(strings.ToLower(string(r)))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// writeCSV sends a table as a file. The first line says what was asked for.
func writeCSV(r *request, name, asked string, t *table) error {
	h := r.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="`+name+`.csv"`)
	w := csv.NewWriter(r.w)
	lines := [][]string{{"# " + asked}}
	var head []string
	for _, c := range t.Columns {
		head = append(head, c.Name)
	}
	lines = append(lines, head)
	for _, row := range t.Rows {
		var l []string
		for _, c := range row.Cells {
			l = append(l, harmless(c.Plain))
		}
		lines = append(lines, l)
	}
	if err := w.WriteAll(lines); err != nil {
		return fmt.Errorf("write a CSV: %w", err)
	}
	return nil
}

// harmless keeps a spreadsheet from reading a text as a formula.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+@\t\r", rune(s[0])) {
		return "'" + s
	}
	if len(s) > 1 && s[0] == '-' {
		if _, err := strconv.ParseFloat(s, 64); err != nil {
			return "'" + s
		}
	}
	return s
}

// wantsCSV says that the rows are asked for as a file.
func wantsCSV(r *request) bool { return r.Method == http.MethodGet && r.q.Get("format") == "csv" }
