package console

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/evenkeel/evenkeel/services/gateway/session"
)

type signIn struct {
	Email, Next, Error, Note string
}

func (c *console) signInPage(w http.ResponseWriter, r *http.Request) {
	if _, _, err := c.store.Request(r); err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	f := signIn{Next: r.URL.Query().Get("next")}
	_, err := r.Cookie(session.Cookie)
	switch {
	case r.URL.Query().Get("unsent") != "":
		f.Note = "Your session had ended, so what you filled in was not sent. Sign in, then send it again."
	case err == nil:
		f.Note = "Your session has ended. Sign in to go on where you were."
	}
	c.bare(w, r, http.StatusOK, "sign-in", f)
}

func (c *console) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	f := signIn{Email: strings.TrimSpace(r.PostFormValue("email")), Next: r.PostFormValue("next")}
	if wait := c.tries.Begin(f.Email, r.RemoteAddr, c.store.Clock()); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
		f.Error = "There were too many tries with a wrong password, for this e-mail address or from your network. Try again in " + spoken(wait) + "; an administrator can give you a new password."
		c.bare(w, r, http.StatusTooManyRequests, "sign-in", f)
		return
	}
	err := c.store.SignIn(r.Context(), w, f.Email, r.PostFormValue("password"))
	switch {
	case errors.Is(err, session.ErrWrong):
		f.Error = "The e-mail address or the password is wrong. Capitals count in the password; an administrator can give you a new one."
		c.bare(w, r, http.StatusUnprocessableEntity, "sign-in", f)
		return
	case err != nil:
		c.log.ErrorContext(r.Context(), "a sign-in failed", "request_id", requestID(w), "error", err)
		f.Error = "Signing in did not work just now. Try again in a moment; if it stays so, tell your administrator the request id " + requestID(w) + "."
		c.bare(w, r, http.StatusServiceUnavailable, "sign-in", f)
		return
	}
	c.tries.Succeeded(f.Email, r.RemoteAddr)
	if !inside(f.Next) {
		f.Next = "/"
	}
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
}

// spoken is a wait as people say it, rounded up.
func spoken(d time.Duration) string {
	if d <= 90*time.Second {
		return plural(int64((d+time.Second-1)/time.Second), "second")
	}
	return fmt.Sprintf("%d minutes", (d+time.Minute-1)/time.Minute)
}

func (c *console) signOut(w http.ResponseWriter, r *http.Request) {
	id, _, err := c.store.Request(r)
	if err == nil && !id.Genuine(r) {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	if err := c.store.SignOut(r.Context(), w, r); err != nil {
		c.log.ErrorContext(r.Context(), "a sign-out failed", "request_id", requestID(w), "error", err)
	}
	http.Redirect(w, r, "/sign-in", http.StatusSeeOther)
}
