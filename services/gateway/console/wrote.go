package console

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A page that follows a form must show what the form did, though other services hear of it a moment later. The browser keeps the consistency tokens of the latest commands in a
// cookie, so that it does not matter which replica answers, and every page waits for what they name as long as the cookie lives.
const (
	wroteCookie = "evenkeel_wrote"
	wroteFor    = 20 * time.Second
	wroteMost   = 8
)

// isToken is the form of a consistency token: source, slot, position.
var isToken = regexp.MustCompile(`^[a-z]{1,20}:[0-9]{1,3}:[0-9]{1,18}$`)

// wrote are the tokens that a browser brings; what is none is passed over.
func wrote(r *http.Request) []string {
	c, err := r.Cookie(wroteCookie)
	if err != nil {
		return nil
	}
	tokens := slices.DeleteFunc(strings.Split(c.Value, "/"), func(t string) bool { return !isToken.MatchString(t) })
	return tokens[:min(len(tokens), wroteMost)]
}

// remember keeps a command's token in front of the earlier ones.
func (c *console) remember(r *request, token string) {
	if !isToken.MatchString(token) {
		return
	}
	place := token[:strings.LastIndex(token, ":")+1]
	tokens := append([]string{token}, slices.DeleteFunc(wrote(r.Request), func(t string) bool { return strings.HasPrefix(t, place) })...) // positions of a place only grow
	http.SetCookie(r.w, &http.Cookie{
		Name: wroteCookie, Value: strings.Join(tokens[:min(len(tokens), wroteMost)], "/"), Path: "/", MaxAge: int(wroteFor.Seconds()), HttpOnly: true, Secure: c.store.Secure,
		SameSite: http.SameSiteStrictMode,
	})
}
