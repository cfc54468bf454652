package security

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// hostile are values that a program may send in place of any other. Where a text can stand, the name of somebody stands in it.
var hostile = []string{
	`null`, `true`, `-1`, `1e400`, `-0.0`, `9223372036854775808`, `NaN`, `[]`, `{}`, `[null]`, `[[[[{}]]]]`, `""`, `" "`, `"Quartzhostile"`, `"Quartzhostile\u0000"`, `"\u202eQuartzhostile"`,
	`"Quartzhostile\ud800"`, `"'; DROP TABLE event; -- Quartzhostile"`, `{"last": "Quartzhostile", "last": "Quartzhostile"}`, `{"amount_minor": "-9223372036854775808", "currency": "Quartzhostile"}`,
	`"9999-99-99Quartzhostile"`, `"Quartzhostile` + strings.Repeat("é", 100_000) + `"`, strings.Repeat("[", 5_000) + strings.Repeat("]", 5_000), strings.Repeat(`{"Quartzhostile":`, 5_000) + "1" + strings.Repeat("}", 5_000),
}

// Whatever is in the body of whichever write, the answer is a problem document or a receipt: never an error of ours, and the log names nobody.
func TestHostileBodiesAreAnswered(t *testing.T) {
	p := open(t)
	c := p.key(t, tenantA, "admin")
	g := c.register(evergreen)
	patient, coverage := c.plain(g, "000001")
	c.quiet()
	mine := things{"patient_id": {patient: true}, "coverage_id": {coverage: true}, "payer_id": {g.payer: true}, "organization_id": {g.organization: true}, "clinician_id": {g.clinician: true}}
	tried := 0
	for path, s := range c.description().bodies {
		c := p.key(t, tenantA, "admin") // of its own, so that none asks too much
		c.T = t
		at := path
		for _, part := range strings.Split(path, "{")[1:] {
			name, _, _ := strings.Cut(part, "}")
			at = strings.ReplaceAll(at, "{"+name+"}", append(slices.Sorted(maps.Keys(mine[name])), "xyz_9")[0])
		}
		try := func(body string) {
			tried++
			got := c.send(http.MethodPost, at, body, "X-Dry-Run", "true")
			if got.status >= 500 || got.status == http.StatusTooManyRequests || got.body == nil || got.status >= 400 && got.text("code") == "" {
				t.Errorf("POST %s %.200s: %d %.300s", at, body, got.status, got.raw)
			}
		}
		for _, value := range hostile {
			try(value)
			for name := range s.Properties {
				try(fmt.Sprintf(`{%q: %s}`, name, value))
			}
		}
		try(`{"Quartzhostile": 1, "Quartzhostile": 2}`)
		try("{\"\xff\": \"Quartzhostile\"}")
	}
	t.Logf("%d bodies tried", tried)
	if tried < 3000 {
		t.Errorf("only %d bodies were tried", tried)
	}
	for _, line := range bytes.Split(p.log.bytes(), []byte("\n")) {
		if bytes.Contains(line, []byte("Quartzhostile")) {
			t.Errorf("the log names somebody: %.500s", line)
		}
		var said struct{ Level string }
		if json.Unmarshal(line, &said) == nil && said.Level == "ERROR" {
			t.Errorf("an error was logged: %.500s", line)
		}
	}
}
