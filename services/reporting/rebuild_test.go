package reporting_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	postingv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/posting/v1"
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/reporting/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/host"
	"github.com/evenkeel/evenkeel/pkg/host/hosttest"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
	"github.com/evenkeel/evenkeel/services/reporting"
)

func (b *books) admin() string {
	b.Helper()
	u, err := url.Parse(pgtest.Server(b.T))
	if err != nil {
		b.Fatal(err)
	}
	u.Path = "/" + b.db().Config().ConnConfig.Database
	return u.String()
}

func (b *books) rebuilding() reporting.Rebuilding {
	role := host.Role("reporting")
	return reporting.Rebuilding{AdminURL: b.admin(), Schema: "reporting", Owner: role + "_owner", Role: role}
}

// shape is what the catalog says about the tables: constraints, indexes, triggers, rights, views.
func (b *books) shape() []string {
	b.Helper()
	rows, err := b.db().Query(b.Context(), `SELECT pg_get_indexdef(indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'reporting'::regnamespace
		UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(o.oid) FROM pg_constraint o WHERE connamespace = 'reporting'::regnamespace
		UNION ALL SELECT pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = 'reporting'::regnamespace
		UNION ALL SELECT relname || ' ' || relkind::text || ' ' || coalesce((SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(relacl) x), '') || coalesce(reloptions::text, '') || pg_get_userbyid(relowner) || coalesce(obj_description(oid, 'pg_class'), '')
			FROM pg_class WHERE relnamespace = 'reporting'::regnamespace AND relkind IN ('r', 'v')
		UNION ALL SELECT c.relname || ' ' || attname || ' ' || format_type(atttypid, atttypmod) || attnotnull || coalesce(pg_get_expr(adbin, adrelid), '') || coalesce(col_description(c.oid, attnum), '')
			FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = attnum
			WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind IN ('r', 'v') AND attnum > 0
		UNION ALL SELECT viewname || ' ' || definition FROM pg_views WHERE schemaname = 'reporting' ORDER BY 1`)
	if err != nil {
		b.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		b.Fatal(err)
	}
	return list
}

func TestARebuildGivesTheSameTablesWhileEverythingGoesOn(t *testing.T) {
	b := busy(t)
	b.caughtUp()
	before := b.shape()
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	reads := make([]int, 4)
	for i := range reads {
		wg.Go(func() {
			for ctx.Err() == nil {
				a, err := b.api.GetAging(hosttest.As(t.Context(), b.p, ""), &pb.GetAgingRequest{AsOf: today})
				if err == nil && a.Total.Total.AmountMinor < 4500_00 {
					err = fmt.Errorf("only %d are open", a.Total.Total.AmountMinor)
				}
				if err != nil {
					t.Errorf("read %d: %v", reads[i], err)
					return
				}
				reads[i]++
			}
		})
	}
	wg.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			b.charge(fmt.Sprint("late_", i), "pay_1", "loc_1", today, 1_00)
		}
	})
	for range 3 {
		done, err := reporting.Rebuild(t.Context(), b.rebuilding())
		if err != nil {
			t.Fatal(err)
		}
		if !done.Swapped || len(done.Differences) > 0 || done.Events < 20 {
			t.Fatalf("%+v", done)
		}
	}
	stop()
	wg.Wait()
	if slices.Min(reads) == 0 {
		t.Fatal("nothing was read meanwhile")
	}
	b.caughtUp()
	if found := b.verify(); len(found.Findings) > 0 || found.Events != b.events {
		t.Fatalf("%+v of %d", found, b.events)
	}
	if diff := cmp.Diff(before, b.shape()); diff != "" {
		t.Fatalf("the tables are not what they were:\n%s", diff)
	}
	hosttest.Publish(t, b.p, "posting", "account/wrong", &postingv1.ChargePosted{AccountId: "wrong", ServiceDate: today, Legs: []*typev1.Leg{leg(arPatient, 100, ""), leg(revenue, -99, "")}})
	hosttest.Until(t, "an event that does not balance is still refused", func() error {
		var why string
		return b.db().QueryRow(t.Context(), `SELECT error FROM parked WHERE state = 'dead'`).Scan(&why)
	})
	var left int
	if err := b.db().QueryRow(t.Context(), `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'reporting\_%'`).Scan(&left); err != nil || left != 0 {
		t.Fatalf("%d schemas are left, %v", left, err)
	}
}

func TestARebuildMendsWhatWasSpoiltOnlyWhenItIsToldTo(t *testing.T) {
	b := busy(t)
	b.caughtUp()
	if _, err := b.db().Exec(t.Context(), `UPDATE claims SET paid_amount = 1 WHERE claim_id = 'clm_two'`); err != nil {
		t.Fatal(err)
	}
	o := b.rebuilding()
	done, err := reporting.Rebuild(t.Context(), o)
	if err != nil || done.Swapped || len(done.Differences) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if len(b.verify().Findings) == 0 {
		t.Fatal("what differs was replaced without a word")
	}
	o.Replace = true
	if done, err = reporting.Rebuild(t.Context(), o); err != nil || !done.Swapped || len(done.Differences) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if found := b.verify(); len(found.Findings) > 0 {
		t.Fatalf("%+v", found)
	}
	if _, err := b.db().Exec(t.Context(), `DELETE FROM feed WHERE source = 'claims'`); err != nil {
		t.Fatal(err)
	}
	if done, err = reporting.Rebuild(t.Context(), o); !errors.Is(err, reporting.ErrIncomplete) || done.Swapped {
		t.Fatalf("tables were built of half the events: %+v, %v", done, err)
	}
}

func TestTablesOfAnotherVersionAreNoticedAndBuiltAnew(t *testing.T) {
	b := busy(t)
	b.caughtUp()
	if notices := b.p.Notices(t.Context()); len(notices) > 0 {
		t.Fatalf("tables that this version made: %q", notices)
	}
	if _, err := b.db().Exec(t.Context(), `UPDATE freshness SET projection_version = 0`); err != nil {
		t.Fatal(err)
	}
	b.charge("after", "pay_1", "loc_1", today, 1_00) // what this version adds does not make the rest its own
	b.caughtUp()
	if notices := b.p.Notices(t.Context()); len(notices) != 1 || !strings.Contains(notices[0], "reporting: ") || !strings.Contains(notices[0], "`evenkeel rebuild --replace`") {
		t.Fatalf("%q", notices)
	}
	if problems := b.p.Ready(t.Context()); len(problems) > 0 {
		t.Fatalf("it serves no more: %q", problems)
	}
	if found := b.verify(); len(found.Findings) != 1 || !strings.Contains(found.Findings[0], "version 0") {
		t.Fatalf("%+v", found)
	}
	o := b.rebuilding()
	o.Replace = true
	if done, err := reporting.Rebuild(t.Context(), o); err != nil || !done.Swapped || len(done.Differences) != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if notices := b.p.Notices(t.Context()); len(notices) > 0 {
		t.Fatalf("built anew, and still: %q", notices)
	}
	if found := b.verify(); len(found.Findings) > 0 {
		t.Fatalf("%+v", found)
	}
}
