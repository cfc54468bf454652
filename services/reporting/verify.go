package reporting

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Books is what Verify found.
type Books struct {
	Events, Legs int64
	Findings     []string // none: all is well
}

// Verify checks the books as of one moment while everything goes on: the legs of each event and all legs sum to 0, balances are the sums of their legs, and the tables are what
// the kept events make when they are folded again, beside, into temporary tables. db is signed in as the service.
func Verify(ctx context.Context, db *pgxpool.Pool) (Books, error) {
	b := Books{}
	// A connection of its own: a statement that another one has prepared for a live table would still mean that table, and not the temporary one that goes before it.
	conn, err := pgx.ConnectConfig(ctx, db.Config().ConnConfig)
	if err != nil {
		return b, fmt.Errorf("verify the books: connect: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) error {
		if err := b.sums(ctx, tx); err != nil {
			return err
		}
		return b.refold(ctx, tx)
	})
	if err != nil {
		return b, fmt.Errorf("verify the books: %w", err)
	}
	return b, nil
}

func (b *Books) sums(ctx context.Context, tx pgx.Tx) error {
	var total, unbalanced, first int64
	if err := tx.QueryRow(ctx, `SELECT count(*), coalesce(sum(amount), 0)::bigint FROM ledger_legs`).Scan(&b.Legs, &total); err != nil {
		return fmt.Errorf("sum up the legs: %w", err)
	}
	if total != 0 {
		b.Findings = append(b.Findings, fmt.Sprintf("all legs sum to %d cents, not to 0", total))
	}
	if err := tx.QueryRow(ctx, `SELECT count(*), coalesce(min(position), 0) FROM (SELECT position FROM ledger_legs GROUP BY tenant_id, position HAVING sum(amount) <> 0) e`).Scan(&unbalanced, &first); err != nil {
		return fmt.Errorf("sum up the legs of each event: %w", err)
	}
	if unbalanced > 0 {
		b.Findings = append(b.Findings, fmt.Sprintf("the legs of %d events do not sum to 0; the first is at position %d", unbalanced, first))
	}
	var other int64
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM balances b FULL JOIN (
			SELECT tenant_id, account_id, ledger_account, payer_id, payer_sequence, sum(amount) AS amount FROM ledger_legs WHERE account_id <> '' GROUP BY 1, 2, 3, 4, 5) l
			USING (tenant_id, account_id, ledger_account, payer_id, payer_sequence)
		WHERE coalesce(b.amount, 0) <> coalesce(l.amount, 0)`).Scan(&other); err != nil {
		return fmt.Errorf("compare balances with legs: %w", err)
	}
	if other > 0 {
		b.Findings = append(b.Findings, fmt.Sprintf("%d balances are not the sum of their legs", other))
	}
	return nil
}

func (b *Books) refold(ctx context.Context, tx pgx.Tx) error {
	var live string
	if err := tx.QueryRow(ctx, `SELECT current_schema()`).Scan(&live); err != nil {
		return fmt.Errorf("name the schema: %w", err)
	}
	for _, t := range tables {
		if _, err := tx.Exec(ctx, `CREATE TEMPORARY TABLE `+pgx.Identifier{t}.Sanitize()+` (LIKE `+pgx.Identifier{live, t}.Sanitize()+` INCLUDING ALL EXCLUDING INDEXES) ON COMMIT DROP`); err != nil {
			return fmt.Errorf("make a table beside %s: %w", t, err)
		}
	}
	f := newFolder()
	if err := f.bulk(ctx, tx, "pg_temp", func(int64) {}); err != nil {
		return err
	}
	b.Events = f.events
	found, err := differences(ctx, tx, live, "pg_temp")
	b.Findings = append(b.Findings, found...)
	return err
}
