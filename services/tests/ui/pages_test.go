package ui_test

import (
	"encoding/csv"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// visitor is somebody who is signed in.
type visitor struct {
	*testing.T
	*site
	http *http.Client
}

func signIn(t *testing.T, s *site) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &visitor{T: t, site: s, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	r, _ := v.post("/sign-in", url.Values{"email": {s.Email}, "password": {s.Password}, "next": {"/claims"}})
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/claims" {
		t.Fatalf("sign-in: %s to %q", r.Status, r.Header.Get("Location"))
	}
	return v
}

func (v *visitor) get(path string) (*http.Response, string) {
	v.Helper()
	r, err := v.http.Get(v.url + path)
	return v.read(r, err)
}

func (v *visitor) post(path string, form url.Values) (*http.Response, string) {
	v.Helper()
	r, err := v.http.PostForm(v.url+path, form)
	return v.read(r, err)
}

func (v *visitor) read(r *http.Response, err error) (*http.Response, string) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		v.Fatal(err)
	}
	return r, string(b)
}

var token = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

func TestPages(t *testing.T) {
	s := open(t)
	v := signIn(t, s)

	t.Run("nobody sees a page without signing in", func(t *testing.T) {
		r, err := (&http.Client{CheckRedirect: v.http.CheckRedirect}).Get(s.url + "/claims?status=held")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if to := r.Header.Get("Location"); r.StatusCode != 303 || to != "/sign-in?next=%2Fclaims%3Fstatus%3Dheld" {
			t.Errorf("%s to %q", r.Status, to)
		}
	})
	t.Run("no page may run a script or style of its own", func(t *testing.T) {
		r, body := v.get("/")
		if p := r.Header.Get("Content-Security-Policy"); !strings.Contains(p, "script-src 'self'; style-src 'self'") || strings.Contains(p, "unsafe") {
			t.Errorf("policy %q", p)
		}
		if strings.Contains(body, "<script>") || strings.Contains(body, " style=") || strings.Contains(body, " onclick=") {
			t.Error("the page has a script or style of its own")
		}
	})
	t.Run("a form of another site is refused", func(t *testing.T) {
		id := s.books.claims[3].n
		path := "/work-items/" + strings.Replace("wrk_0000000X", "X", string(rune('0'+id)), 1)
		if r, _ := v.post(path+"/resolutions", url.Values{"outcome": {"accepted"}}); r.StatusCode != 403 {
			t.Errorf("without a token: %s", r.Status)
		}
		_, body := v.get(path)
		m := token.FindStringSubmatch(body)
		if m == nil {
			t.Fatal("the page has no token")
		}
		if r, _ := v.post(path+"/resolutions", url.Values{"outcome": {"accepted"}, "csrf_token": {m[1] + "x"}}); r.StatusCode != 403 {
			t.Errorf("with another token: %s", r.Status)
		}
		if r, _ := v.post(path+"/resolutions", url.Values{"outcome": {"accepted"}, "csrf_token": {m[1]}, "key": {"k1"}}); r.StatusCode != 303 {
			t.Errorf("with its token: %s", r.Status)
		}
		if _, body := v.get(path + "?done=resolved"); !strings.Contains(body, "The work item was resolved.") || !strings.Contains(body, "Accepted, by hand") {
			t.Error("the page does not say what was done")
		}
	})
	t.Run("the CSV holds what the page shows", func(t *testing.T) {
		_, body := v.get("/claims?payer=pay_harbor&status=denied")
		r, file := v.get("/claims?payer=pay_harbor&status=denied&format=csv")
		if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/csv") {
			t.Fatal(r.Header.Get("Content-Type"))
		}
		c := csv.NewReader(strings.NewReader(file))
		c.FieldsPerRecord = -1
		lines, err := c.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		if want := "# as of 2026-03-16; payer Harbor Health Plan; status Denied"; lines[0][0] != want {
			t.Errorf("the first line is %q, want %q", lines[0][0], want)
		}
		if shown := strings.Count(body, `<th scope="row" class="id"`); shown == 0 || shown != len(lines)-2 {
			t.Errorf("%d rows on the page, %d in the file", shown, len(lines)-2)
		}
	})
	t.Run("a CSV goes over pages", func(t *testing.T) {
		_, file := v.get("/claims?format=csv")
		if n := strings.Count(file, "\nEK"); n != count {
			t.Errorf("%d rows, want %d", n, count)
		}
	})
	t.Run("what is not there is said, with the request id", func(t *testing.T) {
		r, body := v.get("/claims/clm_nothing")
		if r.StatusCode != 404 || !strings.Contains(body, "There is no such thing here") || !strings.Contains(body, r.Header.Get("X-Request-Id")) {
			t.Errorf("%s: %.300s", r.Status, body)
		}
		if r, _ := v.get("/nowhere"); r.StatusCode != 404 {
			t.Errorf("no page: %s", r.Status)
		}
		if r, _ := v.get("/claims?as_of=yesterday"); r.StatusCode != 400 {
			t.Errorf("no day: %s", r.Status)
		}
	})
	t.Run("search goes where the number leads", func(t *testing.T) {
		for q, want := range map[string]string{"clm_00000005": "/claims/clm_00000005", "enc_00000005": "/accounts/enc_00000005", "rem_1": "/remittances/rem_1", "itc_0835HARBOR": "/interchanges/itc_0835HARBOR"} {
			if r, _ := v.get("/search?q=" + q); r.Header.Get("Location") != want {
				t.Errorf("%s leads to %q", q, r.Header.Get("Location"))
			}
		}
	})
	t.Run("signing out ends the session", func(t *testing.T) {
		_, body := v.get("/")
		v.post("/sign-out", url.Values{"csrf_token": {token.FindStringSubmatch(body)[1]}})
		if r, _ := v.get("/"); r.StatusCode != 303 {
			t.Errorf("still in: %s", r.Status)
		}
	})
}
