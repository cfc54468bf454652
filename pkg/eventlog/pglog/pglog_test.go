package pglog_test

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/evenkeel/evenkeel/pkg/eventlog"
	"github.com/evenkeel/evenkeel/pkg/eventlog/logtest"
	"github.com/evenkeel/evenkeel/pkg/eventlog/pglog"
	"github.com/evenkeel/evenkeel/pkg/pgtest"
)

func TestMain(m *testing.M) {
	maybeWriterProcess()
	pgtest.Main(m)
}

const password = "a password, quite 'quoted'"

// service is what the tests migrate.
var service = pglog.Migration{Service: "here", Schema: "here", Role: "pglog_test_here", Password: password}

// prepared is a database with the service's schema, and the URLs of administrator and service.
func prepared(t testing.TB, given ...pgtest.Option) (admin, role string) {
	t.Helper()
	admin = pgtest.URL(t, append(given, pgtest.WithTemplate("pglog", func(ctx context.Context, url string) error {
		return pglog.Migrate(ctx, url, service)
	}))...)
	return admin, as(t, admin, service.Role, password)
}

// as is the URL for another user.
func as(t testing.TB, admin, role, password string) string {
	t.Helper()
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

func open(t testing.TB, role string, o pglog.Options) *pglog.Log {
	t.Helper()
	if o.Service == "" {
		o.Service = "here"
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	log, err := pglog.Open(t.Context(), role, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return log
}

func TestPglog(t *testing.T) {
	logtest.Run(t, func(t *testing.T) (eventlog.Log, func() eventlog.Log) {
		_, role := prepared(t)
		opened := func() *pglog.Log { return open(t, role, pglog.Options{Dev: true}) }
		log := opened()
		return log, func() eventlog.Log {
			if err := log.Close(); err != nil {
				t.Fatal(err)
			}
			return opened()
		}
	})
}

func maybeWriterProcess() {}
