package seal

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// Schema is the DDL of the embedded vault; the services' roles may read and add keys and empty one, never delete a row. Run by the migration.
const Schema = `
CREATE SCHEMA IF NOT EXISTS vault;
CREATE TABLE IF NOT EXISTS vault.subject_keys (
    tenant_id   uuid        NOT NULL,
    subject     text        NOT NULL,
    wrapped_key bytea,                                        -- under the key-encryption key; NULL: destroyed, for ever
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subject)
);
CREATE TABLE IF NOT EXISTS vault.check_value (
    single bool  PRIMARY KEY DEFAULT true CHECK (single),
    sealed bytea NOT NULL                                     -- a known text under the key-encryption key: opens with no other
);`

// ErrOtherKey: the vault was made with another key-encryption key.
var ErrOtherKey = errors.New("the vault was made with another key-encryption key")

// ErrNoVault: the database holds no vault that Prepare has made.
var ErrNoVault = errors.New("there is no vault")

// checkText is what the check value says once it is open.
const checkText = "evenkeel vault"

// Prepare makes the vault, or brings it up to date, in one transaction. The first time it writes the check value; a vault of before it was kept is asked for its oldest key instead.
// Errors: ErrOtherKey, and nothing has changed.
func Prepare(ctx context.Context, conn *pgx.Conn, kek []byte) error {
	v, err := NewPG(nil, kek, nil)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, Schema); err != nil {
			return err
		}
		if err := v.check(ctx, tx); !errors.Is(err, ErrNoVault) {
			return err
		}
		var tenant uuid.UUID
		var subject string
		var wrapped []byte
		err := tx.QueryRow(ctx, `SELECT tenant_id, subject, wrapped_key FROM vault.subject_keys WHERE wrapped_key IS NOT NULL ORDER BY created_at LIMIT 1`).Scan(&tenant, &subject, &wrapped)
		if err == nil {
			_, err = v.unwrap(tenant.String()+"/"+subject, wrapped)
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		sealed, err := v.kek.Encrypt([]byte(checkText), []byte(checkText))
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO vault.check_value (sealed) VALUES ($1)`, sealed)
		return err
	})
	if err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return nil
}

// Grants lets a service's role use the vault.
func Grants(role string) string {
	r := pgx.Identifier{role}.Sanitize()
	return "GRANT USAGE ON SCHEMA vault TO " + r + "; GRANT SELECT, INSERT, UPDATE (wrapped_key) ON vault.subject_keys TO " + r +
		"; GRANT SELECT ON vault.check_value TO " + r
}

// PG is the embedded vault: keys in a schema of their own, wrapped under one key-encryption key that is not in the database.
type PG struct {
	pool  *pgxpool.Pool
	kek   *subtle.AESGCM
	clock func() time.Time
	mu    sync.Mutex
	known map[string]cached
}

type cached struct {
	key  []byte
	till time.Time
}

// How long a process may go on using a key that another process has destroyed.
const keyLife = time.Minute

// Entries kept; above, the cache starts anew.
const keysKept = 100_000

// NewPG opens the vault. kek has 32 bytes.
func NewPG(pool *pgxpool.Pool, kek []byte, clock func() time.Time) (*PG, error) {
	gcm, err := subtle.NewAESGCM(kek)
	if err != nil || len(kek) != 32 {
		return nil, fmt.Errorf("vault: the key-encryption key must have 32 bytes, it has %d", len(kek))
	}
	return &PG{pool: pool, kek: gcm, clock: clock, known: map[string]cached{}}, nil
}

// Check says whether this is the key-encryption key that the vault was made with. Errors: ErrOtherKey, ErrNoVault.
func (v *PG) Check(ctx context.Context) error {
	if err := v.check(ctx, v.pool); err != nil {
		return fmt.Errorf("vault: %w", err)
	}
	return nil
}

func (v *PG) check(ctx context.Context, db interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}) error {
	var sealed []byte
	err := db.QueryRow(ctx, `SELECT sealed FROM vault.check_value`).Scan(&sealed)
	var says *pgconn.PgError
	if errors.Is(err, pgx.ErrNoRows) || errors.As(err, &says) && slices.Contains([]string{"42P01", "3F000", "42501"}, says.Code) { // no such table, no such schema, or none that was let in
		return ErrNoVault
	}
	if err != nil {
		return err
	}
	if text, err := v.kek.Decrypt(sealed, []byte(checkText)); err != nil || string(text) != checkText {
		return ErrOtherKey
	}
	return nil
}

// unwrap opens a subject's key.
func (v *PG) unwrap(name string, wrapped []byte) ([]byte, error) {
	key, err := v.kek.Decrypt(wrapped, []byte(name))
	if err != nil {
		return nil, fmt.Errorf("a key does not open: %w", ErrOtherKey)
	}
	return key, nil
}

// Key is the subject's key.
func (v *PG) Key(ctx context.Context, tenant uuid.UUID, subject string, create bool) ([]byte, error) {
	name := tenant.String() + "/" + subject
	v.mu.Lock()
	hit, ok := v.known[name]
	v.mu.Unlock()
	if ok && v.clock().Before(hit.till) {
		return hit.key, nil
	}
	wrapped, err := v.load(ctx, tenant, subject)
	if errors.Is(err, pgx.ErrNoRows) && create {
		fresh := make([]byte, 32)
		if _, err := rand.Read(fresh); err != nil {
			return nil, fmt.Errorf("vault: %w", err)
		}
		box, err := v.kek.Encrypt(fresh, []byte(name))
		if err != nil {
			return nil, fmt.Errorf("vault: %w", err)
		}
		// Two processes may make the key at once: the first row counts.
		if _, err := v.pool.Exec(ctx, `INSERT INTO vault.subject_keys (tenant_id, subject, wrapped_key, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			tenant, subject, box, v.clock()); err != nil {
			return nil, fmt.Errorf("vault: add a key: %w", err)
		}
		wrapped, err = v.load(ctx, tenant, subject)
		if err != nil {
			return nil, fmt.Errorf("vault: %w", err)
		}
	} else if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoKey
	} else if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if wrapped == nil {
		return nil, ErrShredded
	}
	key, err := v.unwrap(name, wrapped)
	if err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	v.mu.Lock()
	if len(v.known) >= keysKept {
		v.known = map[string]cached{}
	}
	v.known[name] = cached{key, v.clock().Add(keyLife)}
	v.mu.Unlock()
	return key, nil
}

func (v *PG) load(ctx context.Context, tenant uuid.UUID, subject string) (wrapped []byte, err error) {
	err = v.pool.QueryRow(ctx, `SELECT wrapped_key FROM vault.subject_keys WHERE tenant_id = $1 AND subject = $2`, tenant, subject).Scan(&wrapped)
	return wrapped, err
}

// Shred destroys the subject's key.
func (v *PG) Shred(ctx context.Context, tenant uuid.UUID, subject string) error {
	_, err := v.pool.Exec(ctx, `INSERT INTO vault.subject_keys (tenant_id, subject, wrapped_key, created_at) VALUES ($1, $2, NULL, $3)
		ON CONFLICT (tenant_id, subject) DO UPDATE SET wrapped_key = NULL`, tenant, subject, v.clock())
	if err != nil {
		return fmt.Errorf("vault: shred: %w", err)
	}
	v.mu.Lock()
	delete(v.known, tenant.String()+"/"+subject)
	v.mu.Unlock()
	return nil
}

func derive(seed, name string) []byte {
	h := hmac.New(sha256.New, []byte(seed))
	h.Write([]byte(name))
	return h.Sum(nil)
}
