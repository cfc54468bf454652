package console

import (
	"errors"
	"net/http"

	"github.com/evenkeel/evenkeel/services/gateway/session"
)

type signIn struct {
	Email, Next, Error string
}

func (c *console) signInPage(w http.ResponseWriter, r *http.Request) {
	if _, _, err := c.store.Request(r); err == nil {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	c.bare(w, r, http.StatusOK, "sign-in", signIn{Next: r.URL.Query().Get("next")})
}

func (c *console) signIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	f := signIn{Email: r.PostFormValue("email"), Next: r.PostFormValue("next")}
	err := c.store.SignIn(r.Context(), w, f.Email, r.PostFormValue("password"))
	switch {
	case errors.Is(err, session.ErrWrong):
		f.Error = "The e-mail address or the password is wrong. Both are case-sensitive as you set them; an administrator can give you a new password."
		c.bare(w, r, http.StatusUnprocessableEntity, "sign-in", f)
	case err != nil:
		c.log.ErrorContext(r.Context(), "a sign-in failed", "request_id", requestID(w), "error", err)
		f.Error = "Signing in did not work just now. Try again in a moment; if it stays so, tell your administrator the request id " + requestID(w) + "."
		c.bare(w, r, http.StatusServiceUnavailable, "sign-in", f)
	case inside(f.Next):
		http.Redirect(w, r, f.Next, http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}
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
