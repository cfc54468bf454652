package ui_test

import (
	"encoding/csv"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/evenkeel/evenkeel/services/collections/workitem"
	"github.com/evenkeel/evenkeel/services/gateway/session"
)

// visitor is somebody who is signed in.
type visitor struct {
	*testing.T
	*site
	http *http.Client
}

// stranger is somebody who is not signed in yet.
func stranger(t *testing.T, s *site) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{T: t, site: s, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func signIn(t *testing.T, s *site) *visitor {
	t.Helper()
	return signInAs(t, s, s.Email, s.Password)
}

func signInAs(t *testing.T, s *site, email, password string) *visitor {
	t.Helper()
	v := stranger(t, s)
	r, _ := v.post("/sign-in", url.Values{"email": {email}, "password": {password}, "next": {"/claims"}})
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
		if r.StatusCode != 404 || !strings.Contains(body, "There is no such thing here") || !strings.Contains(body, "There is no claim clm_nothing.") || strings.Contains(body, "rpc error") ||
			!strings.Contains(body, r.Header.Get("X-Request-Id")) {
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
		for q, want := range map[string]string{
			"clm_00000005": "/claims/clm_00000005", "EK000000000100005": "/claims/clm_00000005", " ek 000 000-000 100 005 ": "/claims/clm_00000005", "pat_00000001": "/patients/pat_00000001", "enc_00000005": "/accounts/enc_00000005", "rem_1": "/remittances/rem_1", "itc_0835HARBOR": "/interchanges/itc_0835HARBOR",
		} {
			if r, _ := v.get("/search?q=" + url.QueryEscape(q)); r.Header.Get("Location") != want {
				t.Errorf("%s leads to %q", q, r.Header.Get("Location"))
			}
		}
	})
	t.Run("a claim is found by its number from each list", func(t *testing.T) {
		for path, want := range map[string]string{"/claims": "/claims/clm_00000005", "/denials": "/claims/clm_00000005#denials"} {
			if r, _ := v.get(path + "?number=EK000000000100005"); r.StatusCode != 303 || r.Header.Get("Location") != want {
				t.Errorf("%s: %s to %q", path, r.Status, r.Header.Get("Location"))
			}
			if _, body := v.get(path + "?number=EX000000000100005"); !strings.Contains(body, `<p class="wrong" role="alert">No claim has the number EX000000000100005.`) || !strings.Contains(body, `value="EX000000000100005"`) {
				t.Errorf("%s does not say that there is none", path)
			}
		}
		if _, body := v.get("/claims?number=E0QVHECX7P1F0C9PX"); !strings.Contains(body, "a character of it is wrong, missing or swapped") {
			t.Error("a number typed wrong is not noticed")
		}
		held := s.books.claims[3]
		if _, body := v.get("/work-items?state=all&number=" + held.number()); strings.Count(body, `href="/claims/`) != 1 || !strings.Contains(body, held.number()) {
			t.Error("work items are not narrowed to the claim's")
		}
	})
	t.Run("lists name claims by their numbers, and payers by their names", func(t *testing.T) {
		for _, path := range []string{"/claims", "/denials", "/receivables", "/work-items"} {
			_, body := v.get(path)
			for _, m := range regexp.MustCompile(`class="id"[^>]*><a href="/claims/clm_[^"]*">([^<]*)</a>`).FindAllStringSubmatch(body, -1) {
				if !strings.HasPrefix(m[1], "EK") {
					t.Errorf("%s calls a claim %s", path, m[1])
				}
			}
			if n := strings.Count(body, ">EK"); n < 5 {
				t.Errorf("%s names %d claims", path, n)
			}
			if m := regexp.MustCompile(`>[^<]*pay_[a-z]+[^<]*<`).FindString(body); m != "" {
				t.Errorf("%s shows a payer's id: %s", path, m)
			}
		}
		if _, body := v.get("/denials"); strings.Count(body, ">Modifier does not fit the code<") < 2 {
			t.Error("denials do not say what their codes mean")
		}
		_, body := v.get("/work-items/wrk_00000003")
		for _, want := range []string{" asks for modifier 95 on video visits; no authorization covers 90837 on ", "rules <code>claims.telehealth_modifier</code>, <code>claims.authorized</code>", s.books.claims[3].number()} {
			if !strings.Contains(body, want) {
				t.Errorf("the work item does not say %q", want)
			}
		}
	})
	t.Run("work items can be narrowed to every kind and team, and a kind that is new here breaks nothing", func(t *testing.T) {
		_, body := v.get("/work-items")
		for kind, k := range workitem.Kinds {
			for _, want := range []string{kind, k.Owner} {
				if !strings.Contains(body, `<option value="`+want+`">`) {
					t.Errorf("the filter does not offer %s", want)
				}
			}
		}
		for path, want := range map[string]string{"/work-items": ">Second opinion asked for<", "/work-items/wrk_00000037": "Peer review"} {
			if r, body := v.get(path); r.StatusCode != 200 || !strings.Contains(body, want) {
				t.Errorf("%s: %s, without %q", path, r.Status, want)
			}
		}
	})
	t.Run("what was done to a charge stands on its account and its claim, and leads to the event", func(t *testing.T) {
		account := s.books.followed()
		for _, path := range []string{"/accounts/" + account, "/claims/" + s.books.visit(account).claim()} {
			_, body := v.get(path)
			m := regexp.MustCompile(`<a href="(/events/posting/account/[^"]*)">Charge corrected</a></td><td>Charge corrected from \$235\.00 to \$210\.00</td>`).FindStringSubmatch(body)
			if m == nil {
				t.Errorf("%s does not say that the charge was corrected", path)
				continue
			}
			if r, body := v.get(html.UnescapeString(m[1])); r.StatusCode != 200 || !strings.Contains(body, "<h1>Charge corrected from $235.00 to $210.00</h1>") {
				t.Errorf("%s: %s", m[1], r.Status)
			}
		}
		if _, body := v.get("/claims/clm_00000002"); strings.Contains(body, "Charge corrected") {
			t.Error("another claim's page says it, too")
		}
	})
	t.Run("a value that a filter does not know is named above the list, and the filter stays", func(t *testing.T) {
		for _, path := range []string{
			"/claims?status=lost", "/claims?payer=pay_gone", "/claims?location=x", "/receivables?age=5", "/receivables?basis=x", "/denials?payer=x", "/denials?from=soon", "/denials?by=x", "/work-items?state=x", "/work-items?kind=x", "/work-items?owner=x",
			"/remittances?status=x", "/deposits?state=x", "/payers?location=x", "/ledger/ar_insurance?payer=x", "/interchanges?direction=x", "/claims?number=x", "/claims?counted=x", "/legs?counted=x", "/denials?counted=x",
		} {
			_, value, _ := strings.Cut(path, "=")
			r, body := v.get(path)
			if r.StatusCode != 200 || !regexp.MustCompile(`<p class="wrong" role="alert">[^<]*`+value).MatchString(body) || !strings.Contains(body, `class="filters"`) || !strings.Contains(body, "Nothing was looked up.") {
				t.Errorf("%s: %s", path, r.Status)
			}
		}
	})
	t.Run("the way back ends with where you are", func(t *testing.T) {
		crumbs := regexp.MustCompile(`(?s)<nav class="crumbs".*?</nav>`)
		for _, path := range []string{
			"/claims/clm_00000005", "/accounts/enc_00000005", "/remittances/rem_1", "/interchanges/itc_0835HARBOR", "/work-items/wrk_00000003", "/patients/pat_00000001", "/statements/stm_00000001", "/kpis/days_in_ar", "/patient-payments/ppm_1", "/deposits/dep_2", "/encounters/enc_query001", "/appointments/apt_today",
			"/ledger/ar_insurance", "/events/posting/account/" + s.books.followed(),
		} {
			r, body := v.get(path)
			if nav := crumbs.FindString(body); r.StatusCode != 200 || !regexp.MustCompile(`<li><a href="/[^"]*">[^<]+</a></li><li aria-current="page">[^<]+</li></ol></nav>`).MatchString(nav) {
				t.Errorf("%s: %s: %s", path, r.Status, nav)
			}
		}
	})
	t.Run("a number leads to rows that add up to it", func(t *testing.T) {
		number := regexp.MustCompile(`<a href="([^"]+)"[^>]*>(−|-)?(\$?)([0-9][0-9,]*(?:\.[0-9]{2})?)</a>`)
		money := regexp.MustCompile(`-?\$[0-9,]+\.[0-9]{2}`)
		caption := regexp.MustCompile(`(?s)<caption><span>(?:Entries|Claims|Open balances|Denied lines|Legs)</span> <small>([^<]*)</small>`)
		followed := map[string]bool{}
		follow := func(page, href, dollars, want string) {
			t.Helper()
			href = html.UnescapeString(href)
			if strings.HasPrefix(href, "/work-items/") {
				return // one thing, not a sum
			}
			r, body := v.get(href)
			m := caption.FindStringSubmatch(body)
			switch {
			case r.StatusCode != 200 || strings.Contains(body, "Nothing was looked up") || m == nil:
				t.Errorf("%s: %s%s leads to %s: %s, nothing was looked up", page, dollars, want, href, r.Status)
			case strings.HasPrefix(href, "/ledger/"): // debits, credits and the balance
				if !strings.Contains(m[1], " "+dollars+want) && !strings.Contains(m[1], "-"+dollars+want) {
					t.Errorf("%s: %s%s leads to %s, which says %s", page, dollars, want, href, m[1])
				}
			case dollars != "":
				if got := strings.TrimPrefix(money.FindString(m[1]), "-"); got != dollars+want {
					t.Errorf("%s: %s%s leads to %s, which says %s", page, dollars, want, href, m[1])
				}
			case !regexp.MustCompile(`(^|of )` + want + ` claims?\b`).MatchString(m[1]):
				t.Errorf("%s: %s leads to %s, which says %s", page, want, href, m[1])
			}
			followed[href] = true
		}
		pages := []string{"/", "/payers", "/payers?location=loc_north", "/payers?as_of=2026-03-16", "/receivables", "/receivables?payer=insurance", "/denials?by=payer", "/denials?by=carc&location=loc_river", "/ledger"}
		_, front := v.get("/")
		for _, m := range regexp.MustCompile(`class="tile"><h2><a href="(/kpis/[a-z_0-9]+)">[^<]*</a></h2><p class="value[^"]*"><a href="([^"]*)"`).FindAllStringSubmatch(front, -1) {
			if _, why := v.get(m[1]); !strings.Contains(why, `<a href="`+m[2]+`">`) {
				t.Errorf("%s does not have the rows of its tile, %s", m[1], m[2])
			}
			pages = append(pages, m[1])
		}
		for _, page := range append(pages, "/kpis/first_pass_acceptance", "/kpis/ar_over_90") {
			_, body := v.get(page)
			_, body, _ = strings.Cut(body, `<main`)
			body, _, _ = strings.Cut(body, `id="rows"`) // rows lead to their own
			for _, m := range number.FindAllStringSubmatch(body, -1) {
				follow(page, m[1], m[3], m[4])
			}
		}
		if len(followed) < 150 {
			t.Errorf("%d links were followed", len(followed))
		}
	})
	t.Run("the service sorts, not the page", func(t *testing.T) {
		s.books.asked = nil
		_, body := v.get("/claims?order=-charged")
		if got := strings.Join(s.books.asked, "; "); got != "50 rows by -amount" {
			t.Errorf("asked for %s", got)
		}
		if !strings.Contains(body, `aria-sort="descending"`) || !strings.Contains(body, "page=50") || !strings.Contains(body, "order=-charged&amp;page=") {
			t.Error("the page does not say its order, or loses it on the next page")
		}
		for _, order := range [][2]string{{"-at_risk", "-at_risk"}, {"opened", "opened_date"}, {"-due", "-due_date"}, {"claim", "patient_control_number"}} {
			s.books.asked = nil
			v.get("/work-items?order=" + order[0])
			if got := strings.Join(s.books.asked, "; "); got != "50 items by "+order[1] {
				t.Errorf("work items in the order %s: asked for %s", order[0], got)
			}
		}
	})
	t.Run("what somebody just did is shown, or it is said that it is not yet", func(t *testing.T) {
		colleague := signIn(t, s)
		_, body := v.get("/deposits")
		form := url.Values{"csrf_token": {token.FindStringSubmatch(body)[1]}, "key": {"k2"}, "trace_number": {"BANK-77"}, "amount": {"1,234.50"}, "deposit_date": {"2026-03-13"}, "payer_id": {""}}
		r, _ := v.post("/deposits", form)
		if r.StatusCode != 303 || r.Header.Get("Location") != "/deposits?done=recorded" {
			t.Fatalf("%s to %q", r.Status, r.Header.Get("Location"))
		}
		late := "this page does not hold it yet"
		if _, body := v.get("/deposits?done=recorded"); !strings.Contains(body, "BANK-77") || !strings.Contains(body, "$1,234.50") || strings.Contains(body, late) {
			t.Error("the deposit is not there")
		}
		if _, body := colleague.get("/deposits"); strings.Contains(body, "BANK-77") {
			t.Error("who did not write waits too: the test shows nothing")
		}
		s.books.bank.mu.Lock()
		s.books.bank.behind = true
		s.books.bank.mu.Unlock()
		r, body = v.get("/deposits?done=recorded")
		if r.StatusCode != 200 || strings.Contains(body, "BANK-77") || !strings.Contains(body, late) || !strings.Contains(body, `<a href="/deposits?done=recorded">Load it again</a>`) {
			t.Errorf("reports are behind, and the page says nothing: %s", r.Status)
		}
		if _, file := v.get("/deposits?format=csv"); !strings.Contains(file, "without what you did a moment ago") {
			t.Error("the CSV says nothing")
		}
		if _, body := colleague.get("/deposits"); strings.Contains(body, late) {
			t.Error("who did not write is told that something is late")
		}
		s.books.bank.mu.Lock()
		s.books.bank.behind = false
		s.books.bank.mu.Unlock()
		if _, body := v.get("/deposits"); !strings.Contains(body, "BANK-77") {
			t.Error("reports have caught up, and the deposit is not there")
		}
	})
	t.Run("an error leads on", func(t *testing.T) {
		send := func(path, referer string, form url.Values) (*http.Response, string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, strings.NewReader(form.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Referer", s.url+referer)
			return v.read(v.http.Do(r))
		}
		r, body := send("/deposits", "/deposits?state=unmatched", url.Values{"csrf_token": {"old"}})
		if r.StatusCode != 403 || !strings.Contains(body, "This form can&#39;t be taken") || !strings.Contains(body, `href="/">To the dashboard`) {
			t.Errorf("%s: %.400s", r.Status, body)
		}
		r, body = send("/work-items/wrk_00000003/resolutions", "/work-items/wrk_00000003", url.Values{"csrf_token": {"old"}})
		if r.StatusCode != 403 || !strings.Contains(body, `<a class="button" href="/work-items/wrk_00000003">Back</a>`) {
			t.Errorf("no way back: %s", r.Status)
		}
		r, body = send("/deposits", "/deposits", url.Values{"csrf_token": {token.FindStringSubmatch(body)[1]}, "amount": {"twelve"}})
		if r.StatusCode != 400 || !strings.Contains(body, `id="deposits-amount-problem">This is no amount in dollars and cents: write it as 1,234.50.`) || !strings.Contains(body, `value="twelve"`) || !strings.Contains(body, "Nothing was changed.") {
			t.Errorf("a bad amount: %s", r.Status)
		}
		foreign, err := http.NewRequestWithContext(t.Context(), "POST", s.url+"/deposits", nil)
		if err != nil {
			t.Fatal(err)
		}
		foreign.Header.Set("Sec-Fetch-Site", "cross-site")
		if r, body := v.read(v.http.Do(foreign)); r.StatusCode != 403 || !strings.Contains(body, "This form can&#39;t be taken") {
			t.Errorf("another site's form: %s: %.200s", r.Status, body)
		}
	})
	t.Run("a form that is refused comes back as it was typed, and one that is right leads to what it did", func(t *testing.T) {
		_, body := v.get("/")
		session := token.FindStringSubmatch(body)[1]
		sent := 0
		send := func(path string, form url.Values) (*http.Response, string) {
			sent++
			form.Set("csrf_token", session)
			form.Set("key", "form-"+path+"-"+string(rune('a'+sent)))
			return v.post(path, form)
		}
		submitted, denied := "", ""
		for _, x := range s.books.claims {
			if x.status == "submitted" && submitted == "" {
				submitted = x.claim()
			}
			if x.status == "denied" && denied == "" {
				denied = x.claim()
			}
		}
		account := s.books.followed()
		line := url.Values{"lines[0].modifiers": {""}, "lines[0].units_thousandths": {"1"}, "lines[0].place_of_service": {"00"}, "authorization_number": {"A-20318"}, "reason": {"r"}}
		corrected := url.Values{"lines[0].modifiers": {"95"}, "lines[0].units_thousandths": {"1"}, "lines[0].place_of_service": {"11"}, "authorization_number": {"A-20318"}, "reason": {"r"}}
		for _, c := range []struct {
			path        string
			wrong       url.Values
			says        string
			rightPath   string
			right       url.Values
			leads, done string
		}{
			{"/claims/clm_00000003/release", url.Values{"reason": {"said twice"}}, `Nothing was changed. The claim is not held`, "", url.Values{"reason": {"r"}}, "/claims/clm_00000003?done=released", "The claim was released."},
			{"/claims/" + submitted + "/status-reports", url.Values{"finding": {"CLAIM_FINDING_ON_FILE"}, "reason": {"Ann"}}, `id="status-reports-payer_claim_control_number-problem">On file under which number?`, "", url.Values{"finding": {"CLAIM_FINDING_NOT_ON_FILE"}, "reason": {"Ann"}}, "/claims/" + submitted + "?done=reported", "What the payer says was recorded."},
			{"/claims/" + denied + "/corrections", line, `id="corrections-lines-0-place_of_service-problem">00 is no place of service.`, "", corrected, "/claims/" + denied + "?done=corrected", "The claim was corrected."},
			{"/claims/" + denied + "/corrections", url.Values{"lines[0].units_thousandths": {"1.5"}, "reason": {"r"}}, `id="corrections-lines-0-units_thousandths-problem">&#34;1.5&#34; are no units`, "", corrected, "/claims/" + denied + "?done=corrected", "The claim was corrected."},
			{"/claims/" + submitted + "/voids", url.Values{"reason": {"r"}}, "The payer has version 1", "/claims/" + denied + "/voids", url.Values{"reason": {"r"}}, "/claims/" + denied + "?done=voided", "The claim was taken back."},
			{"/encounters/enc_query001/coder-answers", url.Values{"answer": {"no_bill"}, "service_code": {"90832"}}, `id="coder-answers-service_code-problem">Nothing is billed, and a code is given`, "", url.Values{"answer": {"no_bill"}, "note": {"too short"}}, "/encounters/enc_query001?done=answered", "too short"},
			{"/appointments/apt_later/no-shows", url.Values{}, "wait for its day", "/appointments/apt_today/no-shows", url.Values{"reason": {"nobody came"}}, "/appointments/apt_today?done=no_show", "No showed"},
			{"/appointments/apt_later/cancellations", url.Values{"reason": {"after it began"}}, "The patient came", "", url.Values{"reason": {"ill"}}, "/appointments/apt_later?done=cancelled", "The visit was cancelled."},
			{"/accounts/" + account + "/underpayment-acceptances", url.Values{"claim_id": {s.books.visit(account).claim()}, "line_id": {"L1"}, "reason": {"said twice"}}, `id="underpayment-acceptances-line_id-problem">Nothing is in dispute`, "", url.Values{"claim_id": {s.books.visit(account).claim()}, "line_id": {"L1"}, "reason": {"r"}}, "/accounts/" + account + "?done=accepted", "What was in dispute was given up."},
			{"/accounts/enc_00000007/voids", url.Values{"reason": {"said twice"}}, "The charge was taken off before", "", url.Values{"reason": {"r"}}, "/accounts/enc_00000007?done=taken_off", "The charge was taken off."},
			{"/patients/pat_00000001/payments", url.Values{"amount": {"25"}, "method": {"cash"}, "received_date": {"2026-03-20"}}, `id="payments-received_date-problem">Mar 20, 2026 has not come yet.`, "", url.Values{"amount": {"25"}, "method": {"cash"}, "received_date": {"2026-03-16"}}, "/patients/pat_00000001?done=paid", "The payment was recorded."},
			{"/patient-payments/ppm_1/refunds", url.Values{"amount": {"20.00"}, "reason": {"moved away"}}, `id="refunds-amount-problem">$20.00 asked, $15.00 is held.`, "", url.Values{"amount": {"$15"}, "reason": {"moved away"}}, "/patient-payments/ppm_1?done=refunded", "The refund was recorded."},
			{"/patient-payments/ppm_2/reversals", url.Values{"reason": {"said twice"}}, "The payment was taken back before", "", url.Values{"reason": {"the check bounced"}}, "/patient-payments/ppm_2?done=taken_back", "Reversed"},
			{"/deposits/dep_2/reversals", url.Values{"reason": {"said twice"}}, "The deposit was taken back before", "", url.Values{"reason": {"r"}}, "/deposits/dep_2?done=deposit_taken_back", "The deposit was taken back."},
		} {
			r, body := send(c.path, c.wrong)
			if r.StatusCode != 422 && r.StatusCode != 400 || !strings.Contains(body, "Nothing was changed.") || !strings.Contains(body, c.says) || !strings.Contains(body, `action="`+c.path+`"`) {
				t.Errorf("%s: %s, without %q", c.path, r.Status, c.says)
			}
			if c.rightPath == "" {
				c.rightPath = c.path
			}
			if r, body = send(c.rightPath, c.right); r.StatusCode != 303 || r.Header.Get("Location") != c.leads {
				t.Errorf("%s: %s to %q: %.300s", c.rightPath, r.Status, r.Header.Get("Location"), body)
				continue
			}
			if _, body = v.get(c.leads); !strings.Contains(body, c.done) {
				t.Errorf("%s does not say %q", c.leads, c.done)
			}
		}
		s.books.done = map[string]string{}
	})
	t.Run("a patient's page names the patient, the payments and what is held, and each payment what it was applied to", func(t *testing.T) {
		account := s.books.followed()
		_, body := v.get("/patients/" + s.books.visit(account).patientID())
		for _, want := range []string{"<h1>Pat Sample</h1>", "$35.00 held for the patient", `<a href="/patient-payments/ppm_1">`, "ch_58120", `<a href="/patient-payments/ppm_1">$25.00</a>`} {
			if !strings.Contains(body, want) {
				t.Errorf("the patient's page does not say %q", want)
			}
		}
		_, body = v.get("/patient-payments/ppm_1")
		for _, want := range []string{`<a href="/accounts/` + account + `#legs">$25.00</a>`, `<a href="/events/posting/patient_payment/ppm_1?event=`, "Unapplied patient", "The patient paid $40.00"} {
			if !strings.Contains(body, want) {
				t.Errorf("the payment's page does not say %q", want)
			}
		}
	})
	t.Run("a role sees no more than the API tells it", func(t *testing.T) {
		password, err := s.store.NewUser(t.Context(), s.Tenant, "ray@evenkeel.example", "Ray", session.ReadOnly, "")
		if err != nil {
			t.Fatal(err)
		}
		ray := signInAs(t, s, "ray@evenkeel.example", password)
		for path, want := range map[string]int{
			"/": 200, "/claims": 200, "/remittances": 403, "/deposits": 403, "/interchanges/itc_0835HARBOR": 403, "/events/posting/remittance/rem_1": 403, "/events/posting/account/" + s.books.followed(): 200,
		} {
			r, body := ray.get(path)
			if r.StatusCode != want {
				t.Errorf("%s: %s", path, r.Status)
			}
			if strings.Contains(body, `href="/remittances`) || strings.Contains(body, `href="/deposits`) || strings.Contains(body, `href="/interchanges`) {
				t.Errorf("%s leads where the role may not go", path)
			}
			if want == 403 && !strings.Contains(body, "The role read only may not use this page.") {
				t.Errorf("%s: %.300s", path, body)
			}
		}
		_, body := ray.get("/work-items/wrk_00000003")
		if strings.Contains(body, "/resolutions") {
			t.Error("a form that the role may not send")
		}
	})
	t.Run("a session that ended leads back to where it was", func(t *testing.T) {
		gone := stranger(t, s)
		u, err := url.Parse(s.url)
		if err != nil {
			t.Fatal(err)
		}
		gone.http.Jar.SetCookies(u, []*http.Cookie{{Name: session.Cookie, Value: "ended", Path: "/"}})
		r, _ := gone.get("/claims?status=held")
		if _, body := gone.get(r.Header.Get("Location")); !strings.Contains(body, "Your session has ended.") || !strings.Contains(body, `name="next" value="/claims?status=held"`) {
			t.Errorf("to %q: %.500s", r.Header.Get("Location"), body)
		}
		if r, _ := gone.post("/deposits", url.Values{}); r.StatusCode != 303 || !strings.HasPrefix(r.Header.Get("Location"), "/sign-in?unsent=1") {
			t.Errorf("a form: %s to %q", r.Status, r.Header.Get("Location"))
		} else if _, body := gone.get(r.Header.Get("Location")); !strings.Contains(body, "was not sent") {
			t.Error("the sign-in does not say that the form was lost")
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

// Whoever guesses waits after the fifth failure, the owner of the password too; an address that nobody has is answered alike.
func TestGuessingIsSlow(t *testing.T) {
	s := open(t)
	for _, c := range []struct{ email, last string }{{s.Email, s.Password}, {"nobody@evenkeel.example", "whatever it is"}} {
		t.Run(c.email, func(t *testing.T) {
			v := stranger(t, s)
			answers := map[string]bool{}
			for i := range 5 {
				r, body := v.post("/sign-in", url.Values{"email": {c.email}, "password": {"wrong"}})
				if r.StatusCode != http.StatusUnprocessableEntity {
					t.Fatalf("failure %d: %s", i+1, r.Status)
				}
				answers[strings.ReplaceAll(body, c.email, "")] = true
			}
			if len(answers) != 1 {
				t.Error("failures are answered differently")
			}
			r, body := v.post("/sign-in", url.Values{"email": {c.email}, "password": {c.last}})
			if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") == "" || !strings.Contains(body, "There were too many tries with a wrong password") || !strings.Contains(body, "Try again in ") {
				t.Errorf("the sixth try: %s, Retry-After %q: %.600s", r.Status, r.Header.Get("Retry-After"), body)
			}
			if len(r.Cookies()) != 0 {
				t.Error("signed in nevertheless")
			}
		})
	}
}
