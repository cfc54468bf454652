package seal

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// A vault opens with the key that it was made with and with no other, and says so before anything is read or written: also one of before the check value was kept.
func TestAVaultKnowsItsKey(t *testing.T) {
	ours, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	seal := func(t *testing.T, pool *pgxpool.Pool) *PG {
		v, err := NewPG(pool, ours, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.Key(ctx, tenant, "pat_1", true); err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		name  string
		given func(t *testing.T, pool *pgxpool.Pool) // what there is before the second key comes
		want  error
	}{
		{"made by this version", func(*testing.T, *pgxpool.Pool) {}, ErrOtherKey},
		{"with a patient", func(t *testing.T, pool *pgxpool.Pool) { seal(t, pool) }, ErrOtherKey},
		{"of before, with a patient", func(t *testing.T, pool *pgxpool.Pool) { seal(t, pool); forget(t, pool) }, ErrOtherKey},
		{"of before, empty", func(t *testing.T, pool *pgxpool.Pool) { forget(t, pool) }, nil},
		{"of before, whose only patient is shredded", func(t *testing.T, pool *pgxpool.Pool) {
			if err := seal(t, pool).Shred(ctx, tenant, "pat_1"); err != nil {
				t.Fatal(err)
			}
			forget(t, pool)
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := pgtest.DB(t)
			check := func(kek []byte) error {
				v, err := NewPG(pool, kek, time.Now)
				if err != nil {
					t.Fatal(err)
				}
				return v.Check(ctx)
			}
			if err := check(ours); !errors.Is(err, ErrNoVault) {
				t.Fatalf("nothing is there, and %v", err)
			}
			prepare(t, pool, ours, nil)
			prepare(t, pool, ours, nil) // again
			c.given(t, pool)
			prepare(t, pool, other, c.want)
			right, wrong := ours, other
			if c.want == nil { // it had nothing to lose: the first one who comes owns it
				right, wrong = other, ours
			} else {
				prepare(t, pool, ours, nil) // the right one still gets in, and leaves a check value
			}
			if err := check(right); err != nil {
				t.Error(err)
			}
			if err := check(wrong); !errors.Is(err, ErrOtherKey) {
				t.Errorf("another key: %v", err)
			}
		})
	}
}

func prepare(t *testing.T, pool *pgxpool.Pool, kek []byte, want error) {
	t.Helper()
	conn, err := pgx.ConnectConfig(ctx, pool.Config().ConnConfig)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := Prepare(ctx, conn, kek); !errors.Is(err, want) {
		t.Fatalf("%v, want %v", err, want)
	}
}

// forget makes the vault one of before.
func forget(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	if _, err := pool.Exec(ctx, "DROP TABLE vault.check_value"); err != nil {
		t.Fatal(err)
	}
}
