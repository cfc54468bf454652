// Package session says who is calling: by API key for machines, by a cookie after sign-in for people.
//
// An Identity is a tenant, an actor, and a role. Keys and session ids are random and stored as SHA-256; passwords as bcrypt. The tenant comes from the credential alone, never from a
// request. Forms carry a token bound to the session, so that another site can't send them (TestForgedFormIsRefused); Tries slows down who guesses passwords (TestNobodyGuessesFast, TestAPlaceGuessesSlowly).
package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/crypto/bcrypt"

	"github.com/evenkeel/evenkeel/pkg/syntax"
)

// Roles. What each may do is the gateway's table.
const (
	Admin           = "admin"            // everything of the tenant
	Biller          = "biller"           // claims, posting, collections
	Finance         = "finance"          // reads money and reports
	ClinicianSystem = "clinician_system" // an EHR: patients, visits, encounters
	ReadOnly        = "read_only"
)

// Roles are all roles.
var Roles = []string{Admin, Biller, Finance, ClinicianSystem, ReadOnly}

// Identity is who is calling.
type Identity struct {
	Tenant uuid.UUID
	Actor  string // user:anna@example.org, key:ehr
	Role   string
	Name   string // for the page's corner
	CSRF   string // of the session; empty for API keys
	// Credential names the key or session without telling it: for rate limits and for what a caller has seen.
	Credential string
}

var (
	// ErrNobody: no credential, or one that is not known.
	ErrNobody = errors.New("not signed in")
	// ErrWrong: e-mail or password is wrong; which one is not told.
	ErrWrong = errors.New("the e-mail address or the password is wrong")
)

// Cookie is the session cookie's name.
const Cookie = "evenkeel_session"

// life of a session without use.
const life = 12 * time.Hour

// seenEvery is how often the use of a session is noted: a page makes many requests.
const seenEvery = time.Minute

// Store keeps keys, users and sessions in the gateway's schema.
type Store struct {
	DB     *pgxpool.Pool
	Clock  func() time.Time // the system's clock: a sandbox's jumps end no session
	Secure bool             // cookies only over TLS
}

// Key is who an API key belongs to.
func (s *Store) Key(ctx context.Context, key string) (Identity, error) {
	var id Identity
	hash := digest(key)
	err := s.DB.QueryRow(ctx, `SELECT tenant_id, name, role FROM api_keys WHERE key_hash = $1 AND revoked_at IS NULL`, hash).Scan(&id.Tenant, &id.Name, &id.Role)
	if errors.Is(err, pgx.ErrNoRows) {
		return Identity{}, ErrNobody
	}
	if err != nil {
		return Identity{}, fmt.Errorf("look up an API key: %w", err)
	}
	id.Actor, id.Credential = "key:"+id.Name, "key:"+encode(hash[:8])
	return id, nil
}

// Request is who sent an HTTP request: a bearer key, else the session cookie. cookie says that it was the cookie, which forms must back with their token.
func (s *Store) Request(r *http.Request) (id Identity, cookie bool, err error) {
	if h := r.Header.Get("Authorization"); h != "" {
		scheme, key, ok := strings.Cut(h, " ")
		if !ok || !strings.EqualFold(scheme, "Bearer") {
			return Identity{}, false, ErrNobody
		}
		id, err = s.Key(r.Context(), strings.TrimSpace(key))
		return id, false, err
	}
	c, err := r.Cookie(Cookie)
	if err != nil {
		return Identity{}, false, ErrNobody
	}
	id, err = s.session(r.Context(), c.Value)
	return id, true, err
}

func (s *Store) session(ctx context.Context, value string) (Identity, error) {
	var id Identity
	var email string
	hash := digest(value)
	now := s.Clock()
	var seen time.Time
	err := s.DB.QueryRow(ctx, `SELECT users.tenant_id, users.email, users.name, users.role, sessions.seen_at FROM sessions JOIN users USING (tenant_id, email)
		WHERE session_hash = $1 AND sessions.seen_at > $2 AND users.disabled_at IS NULL`, hash, now.Add(-life)).Scan(&id.Tenant, &email, &id.Name, &id.Role, &seen)
	if errors.Is(err, pgx.ErrNoRows) {
		return Identity{}, ErrNobody
	}
	if err != nil {
		return Identity{}, fmt.Errorf("look up a session: %w", err)
	}
	if now.Sub(seen) > seenEvery {
		if _, err := s.DB.Exec(ctx, `UPDATE sessions SET seen_at = $2 WHERE session_hash = $1`, hash, now); err != nil {
			return Identity{}, fmt.Errorf("note that a session is used: %w", err)
		}
	}
	id.Actor, id.CSRF, id.Credential = "user:"+email, csrf(value), "session:"+encode(hash[:8])
	return id, nil
}

// SignIn checks a password and starts a session; the cookie carries it.
func (s *Store) SignIn(ctx context.Context, w http.ResponseWriter, email, password string) error {
	var tenant uuid.UUID
	var hash []byte
	nobody := noPassword() // made at the first try, whoever it is for
	err := s.DB.QueryRow(ctx, `SELECT tenant_id, password_hash FROM users WHERE email = lower($1) AND disabled_at IS NULL`, email).Scan(&tenant, &hash)
	if errors.Is(err, pgx.ErrNoRows) {
		hash = nobody // as much work as for a user who is there
	} else if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil {
		return ErrWrong
	}
	value := random()
	now := s.Clock()
	if _, err := s.DB.Exec(ctx, `INSERT INTO sessions (session_hash, tenant_id, email, created_at, seen_at) VALUES ($1, $2, lower($3), $4, $4)`, digest(value), tenant, email, now); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if _, err := s.DB.Exec(ctx, `DELETE FROM sessions WHERE seen_at < $1`, now.Add(-life)); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	http.SetCookie(w, &http.Cookie{Name: Cookie, Value: value, Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode})
	return nil
}

// SignOut ends the request's session.
func (s *Store) SignOut(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	c, err := r.Cookie(Cookie)
	if err != nil {
		return nil
	}
	http.SetCookie(w, &http.Cookie{Name: Cookie, Path: "/", HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteStrictMode, MaxAge: -1})
	if _, err := s.DB.Exec(ctx, `DELETE FROM sessions WHERE session_hash = $1`, digest(c.Value)); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// Genuine says whether a form came from one of our pages: its csrf_token field, or the X-CSRF-Token header, is the session's.
func (id Identity) Genuine(r *http.Request) bool {
	token := r.Header.Get("X-CSRF-Token")
	if token == "" {
		token = r.PostFormValue("csrf_token")
	}
	return id.CSRF != "" && hmac.Equal([]byte(token), []byte(id.CSRF))
}

// nameMost is how long a name may be, in characters: histories and pages show it on one line.
const nameMost = 100

// named says what is wrong with the name of a key or a user.
func named(whose, name string) error {
	switch {
	case name == "" || syntax.Blank(name):
		return fmt.Errorf("%s needs a name: histories show who did what by it", whose)
	case !utf8.ValidString(name) || utf8.RuneCountInString(name) > nameMost || strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("the name of %s is one line of at most %d printable characters, without blanks around it: this is %q", whose, nameMost, name)
	}
	return nil
}

// NewKey makes an API key for a tenant and returns it; it can't be shown again.
func (s *Store) NewKey(ctx context.Context, tenant uuid.UUID, name, role string) (string, error) {
	if err := errors.Join(known(role), named("a key", name)); err != nil {
		return "", err
	}
	key := "ek_" + random()
	if _, err := s.DB.Exec(ctx, `INSERT INTO api_keys (key_hash, tenant_id, name, role, created_at) VALUES ($1, $2, $3, $4, $5)`, digest(key), tenant, name, role, s.Clock()); err != nil {
		return "", fmt.Errorf("make an API key: %w", err)
	}
	return key, nil
}

// NewUser makes a user. password has at least 12 characters; "" makes a random one, which is returned.
func (s *Store) NewUser(ctx context.Context, tenant uuid.UUID, email, name, role, password string) (string, error) {
	if err := errors.Join(known(role), named("a user", name)); err != nil {
		return "", err
	}
	if at, err := mail.ParseAddress(email); err != nil || at.Address != email {
		return "", fmt.Errorf("%q is no e-mail address", email)
	}
	if password == "" {
		password = random()[:20]
	}
	if len(password) < 12 || len(password) > 72 {
		return "", errors.New("a password has 12 to 72 characters")
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.DefaultCost)
	if err != nil {
		return "", fmt.Errorf("make a user: %w", err)
	}
	if _, err := s.DB.Exec(ctx, `INSERT INTO users (tenant_id, email, name, role, password_hash, created_at) VALUES ($1, lower($2), $3, $4, $5, $6)`,
		tenant, email, name, role, hash, s.Clock()); err != nil {
		var taken *pgconn.PgError
		if errors.As(err, &taken) && taken.Code == "23505" {
			return "", fmt.Errorf("there is a user %s already", email)
		}
		return "", fmt.Errorf("make a user: %w", err)
	}
	return password, nil
}

// Empty says whether nobody can sign in yet.
func (s *Store) Empty(ctx context.Context) (bool, error) {
	var any bool
	if err := s.DB.QueryRow(ctx, `SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM api_keys)`).Scan(&any); err != nil {
		return false, fmt.Errorf("look for users: %w", err)
	}
	return !any, nil
}

func known(role string) error {
	for _, r := range Roles {
		if r == role {
			return nil
		}
	}
	return fmt.Errorf("there is no role %q: want one of %v", role, Roles)
}

type identityKey struct{}

// With puts the identity into the context.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, id)
}

// Of is the identity in the context; ok is false if nobody is signed in.
func Of(ctx context.Context) (id Identity, ok bool) {
	id, ok = ctx.Value(identityKey{}).(Identity)
	return id, ok
}

// noPassword is a hash that no password has, made once.
var noPassword = sync.OnceValue(func() []byte {
	hash, err := bcrypt.GenerateFromPassword([]byte(random()), bcrypt.DefaultCost)
	if err != nil {
		panic(err) // only for passwords that are too long
	}
	return hash
})

func random() string {
	b := make([]byte, 24)
	if _, err := rand.Read(b); err != nil {
		panic(err) // the system has no randomness
	}
	return encode(b)
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func digest(s string) []byte {
	d := sha256.Sum256([]byte(s))
	return d[:]
}

func csrf(session string) string {
	h := hmac.New(sha256.New, []byte(session))
	h.Write([]byte("csrf"))
	return encode(h.Sum(nil))
}
