package security

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// canaries by what they are of. Each occurs nowhere but in the requests of this test.
var canaries = map[string][]string{
	"the patient's last name":     {"Volquartz"},
	"the patient's first name":    {"Xanthippa"},
	"the patient's middle name":   {"Quixodara"},
	"the patient's birth date":    spelled(time.Date(1987, 11, 23, 0, 0, 0, 0, time.UTC)),
	"the patient's street":        {"4471 Zyxwobble Lane", "Zyxwobble"},
	"the patient's second line":   {"Apt Qv77x"},
	"the patient's city":          {"Wizzenhampton"},
	"the patient's postal code":   {"040739917", "04073-9917"},
	"the patient's phone":         {"2079940413", "207-994-0413", "(207) 994-0413"},
	"the patient's record number": {"MRN-ZQX-77231"},
	"the member id":               {"ZQX8814QXZ"},
	"the group number":            {"GRPZQX5512"},
	"the subscriber's last name":  {"Brzeczyszcz"},
	"the subscriber's first name": {"Philiberta"},
	"the subscriber's birth date": spelled(time.Date(1951, 8, 29, 0, 0, 0, 0, time.UTC)),
	"the subscriber's street":     {"9313 Kwyjiborough Ave", "Kwyjiborough"},
	"the subscriber's city":       {"Xqueensbury"},
	"a diagnosis":                 {"T7432XA", "T74.32XA"},
	"a last name in a file":       {"Snorquiddle"},
	"a first name in a file":      {"Thaddeusz"},
	"a member id in a file":       {"FQX0099QXF"},
	"a street in a file":          {"7717 Gribblewick Ct", "Gribblewick"},
	"a birth date in a file":      spelled(time.Date(1973, 5, 31, 0, 0, 0, 0, time.UTC)),
	"a name in a refused request": {"Mxyzptlkova"},
	"a name in a broken request":  {"Jabberwockski"},
	"a name in an unknown field":  {"Rumpelstelzova"},
	"a name in a path":            {"Honigkuchenow"},
	"a name in a query":           {"Zwiebelfischova"},
	"a name in a damaged file":    {"Quasselstripp"},
	"a name in a header":          {"Dudelsackowa"},
}

// spelled is a day as people and formats write it.
func spelled(d time.Time) []string {
	var out []string
	for _, layout := range []string{"2006-01-02", "20060102", "01/02/2006", "1/2/2006", "01-02-2006", "January 2, 2006", "Jan 2, 2006", "2 January 2006"} {
		out = append(out, d.Format(layout))
	}
	return out
}

// needle is one way in which a canary may stand in a text.
type needle struct {
	of    string
	bytes []byte
	exact bool // capitals count: base64
}

// needles of a canary: as it is, in hexadecimal, and in base64 at each of the three places where it may begin.
func needles(of, canary string) []needle {
	out := []needle{{of: of, bytes: []byte(strings.ToLower(canary))}}
	if len(canary) < 8 { // encoded, a short one may be met by chance
		return out
	}
	out = append(out, needle{of: of + " in hexadecimal", bytes: []byte(hex.EncodeToString([]byte(canary)))})
	for shift := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + canary))
		text = text[[]int{0, 2, 3}[shift]:] // what depends on what stands before
		text = strings.TrimRight(text, "=")
		out = append(out, needle{of: of + " in base64", bytes: []byte(text[:len(text)-2]), exact: true})
	}
	return out
}

// search looks for needles and notes where it found some.
type search struct {
	needles []needle
	hits    []string
	looked  map[string]int // bytes by kind of place
}

func newSearch(of map[string][]string) *search {
	s := &search{looked: map[string]int{}}
	for name, list := range of {
		for _, canary := range list {
			s.needles = append(s.needles, needles(name, canary)...)
		}
	}
	return s
}

func (s *search) in(kind, place string, text []byte) {
	s.looked[kind] += len(text)
	lower := bytes.ToLower(text)
	for _, n := range s.needles {
		hay := lower
		if n.exact {
			hay = text
		}
		if bytes.Contains(hay, n.bytes) {
			hit := fmt.Sprintf("%s: %s: %s", kind, place, n.of)
			if !slices.Contains(s.hits, hit) {
				s.hits = append(s.hits, hit)
			}
		}
	}
}

// database looks into each column of each row of each table: as text, and binary ones as bytes.
func (s *search) database(ctx context.Context, p *platform) error {
	rows, err := p.admin.Query(ctx, `SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg_toast%' ORDER BY 1, 2`)
	if err != nil {
		return err
	}
	tables, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (out [2]string, err error) { return out, r.Scan(&out[0], &out[1]) })
	if err != nil {
		return err
	}
	for _, table := range tables {
		rows, err := p.admin.Query(ctx, "SELECT * FROM "+pgx.Identifier{table[0], table[1]}.Sanitize(), pgx.QueryResultFormats{pgx.TextFormatCode})
		if err != nil {
			return err
		}
		fields := rows.FieldDescriptions()
		for rows.Next() {
			for i, raw := range rows.RawValues() {
				place := table[0] + "." + table[1] + "." + fields[i].Name
				s.in("database", place, raw)
				if data, ok := bytes.CutPrefix(raw, []byte(`\x`)); ok {
					if whole, err := hex.DecodeString(string(data)); err == nil {
						s.in("database", place, whole)
					}
				}
			}
		}
		if rows.Err() != nil {
			return fmt.Errorf("read %s.%s: %w", table[0], table[1], rows.Err())
		}
	}
	return nil
}

// serverLog looks into what PostgreSQL itself wrote down.
func (s *search) serverLog(ctx context.Context, p *platform) error {
	var dir string
	if err := p.admin.QueryRow(ctx, "SHOW data_directory").Scan(&dir); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(dir), "postgres.log"))
	if err != nil {
		return err
	}
	s.in("PostgreSQL's log", "postgres.log", text)
	return nil
}

// topics looks into each record of each partition of each topic: key, value, headers.
func (s *search) topics(ctx context.Context, p *platform) error {
	client := &kafka.Client{Addr: kafka.TCP(p.broker)}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	for _, topic := range meta.Topics {
		if topic.Internal {
			continue
		}
		for _, partition := range topic.Partitions {
			ends, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
				topic.Name: {kafka.FirstOffsetOf(partition.ID), kafka.LastOffsetOf(partition.ID)},
			}})
			if err != nil {
				return err
			}
			at := ends.Topics[topic.Name][0]
			for offset := at.FirstOffset; offset < at.LastOffset; {
				fetched, err := client.Fetch(ctx, &kafka.FetchRequest{Topic: topic.Name, Partition: partition.ID, Offset: offset, MinBytes: 1, MaxBytes: 16 << 20, MaxWait: time.Second})
				if err == nil {
					err = fetched.Error
				}
				if err != nil {
					return fmt.Errorf("fetch %s/%d at %d: %w", topic.Name, partition.ID, offset, err)
				}
				for {
					record, err := fetched.Records.ReadRecord()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						return err
					}
					for _, part := range []kafka.Bytes{record.Key, record.Value} {
						if part == nil {
							continue
						}
						data, err := io.ReadAll(part)
						if err != nil {
							return err
						}
						s.in("topics", topic.Name, data)
					}
					for _, h := range record.Headers {
						s.in("topics", topic.Name+" header "+h.Key, h.Value)
					}
					offset = record.Offset + 1
				}
			}
		}
	}
	return nil
}

func (s *search) traces(p *platform) {
	attributes := func(place string, list []attribute.KeyValue) {
		for _, a := range list {
			s.in("traces", place+" "+string(a.Key), []byte(a.Value.String()))
		}
	}
	for _, span := range p.spans.GetSpans() {
		s.in("traces", "a span's name", []byte(span.Name))
		s.in("traces", span.Name+" status", []byte(span.Status.Description))
		s.in("traces", span.Name+" state", []byte(span.SpanContext.TraceState().String()))
		attributes(span.Name, span.Attributes)
		for _, e := range span.Events {
			s.in("traces", span.Name+" event", []byte(e.Name))
			attributes(span.Name+" event "+e.Name, e.Attributes)
		}
		for _, l := range span.Links {
			attributes(span.Name+" link", l.Attributes)
		}
	}
}

// everywhere looks into everything that is kept, sent or shown to operators.
func (s *search) everywhere(t *testing.T, p *platform) {
	t.Helper()
	if err := errors.Join(s.database(t.Context(), p), s.serverLog(t.Context(), p), s.topics(t.Context(), p)); err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(p.log.bytes()) {
		s.in("logs", strings.TrimSpace(string(line)), line)
	}
	s.traces(p)
	for _, path := range []string{"/metrics", "/readyz", "/livez"} {
		s.in("operators' pages", path, []byte(p.page(path)))
	}
	slices.Sort(s.hits)
}

// file837 is a claim as another billing system would send it, with canaries for a person.
const file837 = `ISA*00*          *00*          *ZZ*OTHERSYSTEM    *ZZ*EVERGREEN      *260104*1147*^*00501*000000907*1*T*:~
GS*HC*OTHERSYSTEM*EVERGREEN*20260104*1147*1*X*005010X222A1~
ST*837*0021*005010X222A1~
BHT*0019*00*244579*20260104*1023*CH~
NM1*41*2*HARBOR BEHAVIORAL GROUP*****46*OTHERSYSTEM~
PER*IC*BILLING*TE*2075550100~
NM1*40*2*EVERGREEN HEALTH PLAN*****46*EVERGREEN~
HL*1**20*1~
NM1*85*2*HARBOR BEHAVIORAL GROUP*****XX*1234567893~
N3*1 HARBOR STREET~
N4*PORTLAND*ME*041010001~
REF*EI*010000001~
HL*2*1*22*0~
SBR*P*18*******CI~
NM1*IL*1*SNORQUIDDLE*THADDEUSZ****MI*FQX0099QXF~
N3*7717 GRIBBLEWICK CT~
N4*PORTLAND*ME*04101~
DMG*D8*19730531*M~
NM1*PR*2*EVERGREEN HEALTH PLAN*****PI*EVG01~
CLM*OLD-26463774*150***11:B:1*Y*A*Y*Y~
HI*ABK:F411~
NM1*82*1*EXAMPLE*CLINICIAN****XX*1000000004~
PRV*PE*PXC*1041C0700X~
LX*1~
SV1*HC:90834*150*UN*1***1~
DTP*472*D8*20260104~
SE*25*0021~
GE*1*1~
IEA*1*000000907~
`

// live is the life of two canary patients, from registration to statements, and everything that goes wrong with their names in it.
func live(c *client, g group) {
	home := object{"line1": "4471 Zyxwobble Lane", "line2": "Apt Qv77x", "city": "Wizzenhampton", "state": "ME", "postal_code": "040739917"}
	person := object{
		"name": object{"last": "Volquartz", "first": "Xanthippa", "middle": "Quixodara"}, "birth_date": "1987-11-23", "sex": "SEX_FEMALE", "address": home, "phone": "2079940413",
		"medical_record_number": "MRN-ZQX-77231", "location_id": g.location,
	}
	patient := c.make("/v1/patients", person)
	insured := object{
		"payer_id": g.payer, "payer_sequence": "PAYER_SEQUENCE_PRIMARY", "plan_name": "Gold", "from_date": "2025-01-01", "relationship": "RELATIONSHIP_CHILD",
		"member_id": "ZQX8814QXZ", "group_number": "GRPZQX5512", "subscriber_name": object{"last": "Brzeczyszcz", "first": "Philiberta"}, "subscriber_birth_date": "1951-08-29",
		"subscriber_sex": "SEX_FEMALE", "subscriber_address": object{"line1": "9313 Kwyjiborough Ave", "city": "Xqueensbury", "state": "ME", "postal_code": "04072"},
	}
	coverage := c.make("/v1/patients/"+patient+"/coverages", insured)
	c.make("/v1/coverages/"+coverage+"/eligibility-checks", object{})
	authorization := c.make("/v1/authorizations", object{
		"patient_id": patient, "payer_id": g.payer, "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 8}, "diagnosis_codes": []string{"T74.32XA"},
	})
	c.make("/v1/authorizations/"+authorization+"/approvals", object{"auth_no": "AUTH1", "from_date": "2026-01-01", "thru_date": "2026-12-31", "units_by_code": object{"90837": 8}})
	found := c.send(http.MethodPost, "/v1/patients:search", object{"last_name": "volquartz", "first_name": "XANTHIPPA", "birth_date": "1987-11-23"})
	if len(found.list("patients")) != 1 {
		c.Errorf("the patient is not found by name: %d %s", found.status, found.raw)
	}
	c.quiet()
	visit := c.visit(g, patient, object{"authorization_id": authorization, "diagnosis_codes": []string{"F411", "T7432XA"}})
	c.make("/v1/appointments/"+visit.appointment+"/check-ins", object{})
	c.sign(g, visit)
	c.make("/v1/interchanges", object{"file_name": "old-system.837", "content": []byte(file837)})
	c.quiet()

	wrong(c, g, patient, person, insured)

	for _, claim := range c.paid(patient) {
		id, _ := claim["claim_id"].(string)
		if whole := c.get("/v1/claims/" + id); !strings.Contains(whole.raw, "Volquartz") {
			c.Errorf("the claim does not show its patient to who may see: %s", whole.raw)
		}
	}
	c.make("/v1/patients/"+patient+"/statements", object{})
	statements := c.get("/v1/patients/" + patient + "/statements").list("statements")
	if len(statements) == 0 {
		c.Fatal("no statement was issued")
	}
	statement, _ := statements[0]["statement_id"].(string)
	if page := c.get("/v1/statements/" + statement + ":html"); !strings.Contains(page.raw, "Volquartz") {
		c.Error("the statement does not name its patient")
	}
	c.get("/v1/statements/" + statement + ":pdf")
	for _, path := range []string{"/v1/patients/" + patient, "/v1/coverages/" + coverage, "/v1/encounters/" + visit.encounter, "/v1/patients/" + patient + "/balance"} {
		c.get(path)
	}
	kinds := map[string]bool{}
	for _, i := range c.get("/v1/interchanges").list("interchanges") {
		id, _ := i["interchange_id"].(string)
		kind, _ := i["kind"].(string)
		direction, _ := i["direction"].(string)
		kinds[direction+" "+kind] = true
		if i["status"] != "refused" {
			c.get("/v1/interchanges/" + id + ":content")
		}
		c.get("/v1/interchanges/" + id)
	}
	for _, want := range []string{"out 270", "in 271", "out 837P", "in 999", "in 277CA", "in 835", "in 837P"} {
		if !kinds[want] {
			c.Errorf("no file %q went: %v", want, kinds)
		}
	}
	c.positions()
}

// wrong is what clients do wrong with people's data in their hands.
func wrong(c *client, g group, patient string, person, insured object) {
	refusedWith := func(what string, a answer, statuses ...int) {
		c.Helper()
		if !slices.Contains(statuses, a.status) {
			c.Errorf("%s: %d %s", what, a.status, a.raw)
		}
	}
	tomorrow := object{}
	for k, v := range person {
		tomorrow[k] = v
	}
	tomorrow["name"] = object{"last": "Mxyzptlkova", "first": "Xanthippa"}
	tomorrow["birth_date"] = c.clock.Now().AddDate(0, 0, 1).Format("2006-01-02")
	refusedWith("born tomorrow", c.send(http.MethodPost, "/v1/patients", tomorrow), 422)
	refusedWith("a record number twice", c.send(http.MethodPost, "/v1/patients", person), 422, 409)
	refusedWith("a coverage twice", c.send(http.MethodPost, "/v1/patients/"+patient+"/coverages", insured), 422, 409)
	refusedWith("broken JSON", c.send(http.MethodPost, "/v1/patients", `{"name": {"last": "Jabberwockski", "first": "X"}, "birth_date": 1987-11-23`), 400)
	refusedWith("a number for a name", c.send(http.MethodPost, "/v1/patients", `{"name": "Jabberwockski"}`), 400)
	refusedWith("an enum", c.send(http.MethodPost, "/v1/patients", `{"sex": "Jabberwockski"}`), 400)
	refusedWith("an unknown field", c.send(http.MethodPost, "/v1/patients", `{"Rumpelstelzova": "Rumpelstelzova"}`), 400)
	refusedWith("a path", c.send(http.MethodGet, "/v1/patients/Honigkuchenow", nil), 404)
	refusedWith("an unknown path", c.send(http.MethodGet, "/v1/Honigkuchenow/Honigkuchenow", nil), 404)
	refusedWith("a page", c.send(http.MethodGet, "/Honigkuchenow", nil), 303, 404, 200)
	refusedWith("a query", c.send(http.MethodGet, "/v1/patients?last_name=Zwiebelfischova", nil), 400)
	refusedWith("a header", c.send(http.MethodGet, "/v1/patients", nil, "X-Consistency-Token", "Dudelsackowa"), 400)
	damaged := strings.Replace(file837, "DMG*D8*19730531*M~", "DMG*D8*QUASSELSTRIPP*M~", 1)
	damaged = strings.Replace(damaged, "SE*25*0021~", "SE*99*QUASSELSTRIPP~", 1)
	damaged = strings.Replace(damaged, "SNORQUIDDLE*THADDEUSZ", "QUASSELSTRIPP*X", 1)
	refusedWith("a damaged file", c.send(http.MethodPost, "/v1/interchanges", object{"file_name": "damaged.837", "content": []byte(damaged)}), 200, 201, 422)
	refusedWith("half a file", c.send(http.MethodPost, "/v1/interchanges", object{"file_name": "half.837", "content": []byte(damaged[:len(damaged)/2])}), 200, 201, 422)
	refusedWith("no file", c.send(http.MethodPost, "/v1/interchanges", object{"file_name": "none.837", "content": []byte("NM1*IL*1*QUASSELSTRIPP*X~")}), 200, 201, 422)
	refusedWith("a file with bad content", c.send(http.MethodPost, "/v1/interchanges", object{"file_name": "odd.837", "content": []byte(strings.NewReplacer(
		"SNORQUIDDLE*THADDEUSZ", "QUASSELSTRIPP*X", "000000907", "000000908", "*19730531*", "*QUASSELSTRIPP*", "*ME*04101~", "*QUASSELSTRIPP*QUASSELSTRIPP~").Replace(file837))}), 200, 201, 422)
}

func TestNoPatientIsReadableAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the whole platform for some weeks of its clock; not with -short")
	}
	p := open(t)
	c := p.key(t, tenantA, "admin")
	g := c.register(evergreen)
	c.quiet()
	live(c, g)
	c.quiet()

	s := newSearch(canaries)
	s.everywhere(t, p)
	for _, hit := range s.hits {
		if len(hit) > 600 {
			hit = hit[:600] + "…"
		}
		t.Error(hit)
	}
	t.Logf("bytes looked at: %v", s.looked)

	planted(t, p)
}

// planted proves that the search finds what is there.
func planted(t *testing.T, p *platform) {
	t.Helper()
	ctx := t.Context()
	const word = "Plantedword77"
	places := []string{"database: gateway.api_keys.name", "database: gateway.api_keys.key_hash", "topics: ", "logs: ", "traces: ", "PostgreSQL's log: "}
	if _, err := p.admin.Exec(ctx, `INSERT INTO gateway.api_keys (key_hash, tenant_id, name, role, created_at) VALUES ($1, $2, $3, 'read_only', now())`, []byte("x"+word), tenantB, "is pLANTEDWORD77 here"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.admin.Exec(ctx, "DO $$ BEGIN RAISE LOG '"+word+"'; END $$"); err != nil {
		t.Fatal(err)
	}
	if err := (&kafka.Writer{Addr: kafka.TCP(p.broker), Topic: "evenkeel.control", BatchTimeout: time.Millisecond}).WriteMessages(ctx, kafka.Message{Key: []byte(word)}); err != nil {
		t.Fatal(err)
	}
	slog.New(slog.NewJSONHandler(p.log, nil)).Info("planted", "word", base64.StdEncoding.EncodeToString([]byte(word)))
	_, span := otel.Tracer("test").Start(ctx, "planted", trace.WithAttributes(attribute.String("word", hex.EncodeToString([]byte(word)))))
	span.End()
	s := newSearch(map[string][]string{"a planted word": {word}})
	s.everywhere(t, p)
	for _, place := range places {
		if !slices.ContainsFunc(s.hits, func(hit string) bool { return strings.HasPrefix(hit, place) }) {
			t.Errorf("the search does not find what was planted in %s: %v", place, s.hits)
		}
	}
}
