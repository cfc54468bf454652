package demo

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A key that may not send files, or may not read what becomes of them, is told so before anything is sent, with the roles that may.
func TestAnImportAsksFirstWhetherItMay(t *testing.T) {
	claims, payment := filepath.Join(t.TempDir(), "a.837"), filepath.Join(t.TempDir(), "b.835")
	for name, text := range map[string]string{claims: "ISA*00~ST*837*0001~", payment: "ISA|00~ST|835|0001~"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name      string
		forbidden []string
		files     []string
		want      string
		sent      bool
	}{
		{"may not send", []string{"POST /v1/interchanges"}, []string{claims}, "nothing was sent: importing these files needs a key with the role clinician_system, biller or admin (evenkeel key create NAME --role=…): not POST /v1/interchanges", false},
		{"may not read the visits", []string{"GET /v1/encounters"}, []string{claims}, "clinician_system, biller or admin", false},
		{"may not read payments, and there is none", []string{"GET /v1/remittances"}, []string{claims}, "", true},
		{"may not read payments, and there is one", []string{"GET /v1/remittances"}, []string{claims, payment}, "needs a key with the role biller or admin", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			sent := false
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				status, body := http.StatusOK, `{}`
				switch call := r.Method + " " + r.URL.Path; {
				case slices.Contains(c.forbidden, call):
					status, body = http.StatusForbidden, fmt.Sprintf(`{"code": "not_allowed", "detail": "not %s"}`, call)
				case r.Method == http.MethodPost && r.Header.Get("Idempotency-Key") == "":
					status, body = http.StatusBadRequest, `{"code": "malformed"}`
				case r.Method == http.MethodPost:
					sent = true
					status, body = http.StatusUnprocessableEntity, `{"code": "refused"}`
				}
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body)) // the test sees what came
			}))
			defer s.Close()
			err := Import(t.Context(), Options{BaseURL: s.URL, APIKey: "k"}, c.files...)
			if sent != c.sent || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
				t.Errorf("sent %v: %v", sent, err)
			}
		})
	}
}

// A pipe gives its bytes once, and they are looked at twice.
func TestAnImportReadsAPipeOnce(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := w.WriteString("ISA*00~ST*837*0001~"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	i := importer{piped: map[string][]byte{}}
	name := fmt.Sprintf("/dev/fd/%d", r.Fd())
	for range 2 {
		if data, err := i.data(name); err != nil || string(data) != "ISA*00~ST*837*0001~" {
			t.Errorf("read %q, %v", data, err)
		}
	}
}
