package session

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)

// fail tries n times in a row, as soon as it may, and says when it was done.
func fail(t *testing.T, tries *Tries, email, address string, n int, now time.Time) time.Time {
	t.Helper()
	for range n {
		wait := tries.Begin(email, address, now)
		if wait == 0 {
			continue
		}
		now = now.Add(wait)
		if w := tries.Begin(email, address, now); w != 0 {
			t.Fatalf("after waiting as told there is another wait: %s", w)
		}
	}
	return now
}

func TestFiveFailuresThenAWait(t *testing.T) {
	for _, c := range []struct {
		name           string
		failures       int
		email, address string // of the next try
		after          time.Duration
		want           time.Duration
	}{
		{"four failures are free", 4, "anna@example.org", "10.0.0.1:9", 0, 0},
		{"the fifth makes the next wait", 5, "anna@example.org", "10.0.0.2:9", 0, 30 * time.Second},
		{"capitals and blanks are the same address", 5, " ANNA@example.org ", "10.0.0.2:9", 0, 30 * time.Second},
		{"the time that passed counts", 5, "anna@example.org", "10.0.0.2:9", 20 * time.Second, 10 * time.Second},
		{"after the wait it goes on", 5, "anna@example.org", "10.0.0.2:9", 30 * time.Second, 0},
		{"each further failure doubles it", 7, "anna@example.org", "10.0.0.2:9", 0, 2 * time.Minute},
		{"up to a quarter of an hour", 14, "anna@example.org", "10.0.0.2:9", 0, 15 * time.Minute},
		{"another e-mail from the same place waits too", 5, "ben@example.org", "10.0.0.1:77", 0, 30 * time.Second},
		{"but never longer than a minute", 14, "ben@example.org", "10.0.0.1:77", 0, time.Minute},
		{"another place and another e-mail do not", 14, "ben@example.org", "10.0.0.2:9", 0, 0},
		{"failures are forgotten", 14, "anna@example.org", "10.0.0.1:9", time.Hour, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tries Tries
			now := fail(t, &tries, "anna@example.org", "10.0.0.1:9", c.failures, noon)
			if got := tries.Begin(c.email, c.address, now.Add(c.after)); got != c.want {
				t.Errorf("waits %s, want %s", got, c.want)
			}
		})
	}
}

func TestASuccessClearsTheEmailAddressAlone(t *testing.T) {
	var tries Tries
	now := fail(t, &tries, "anna@example.org", "10.0.0.1:9", 4, noon)
	if tries.Begin("anna@example.org", "10.0.0.1:9", now) != 0 {
		t.Fatal("the fifth try waits")
	}
	tries.Succeeded("anna@example.org", "10.0.0.1:9")
	if w := tries.Begin("anna@example.org", "10.0.0.2:9", now); w != 0 {
		t.Errorf("after a success the e-mail address waits %s", w)
	}
	// Four failures stay with the place: one more, and it waits, whoever is tried.
	tries.Begin("ben@example.org", "10.0.0.1:9", now)
	if tries.Begin("carl@example.org", "10.0.0.1:9", now) == 0 {
		t.Error("a success lets a place guess on")
	}
}

// Whatever comes at once, no more than five passwords of one person are looked at before the first wait.
func TestManyAtOnceAreNoWayRound(t *testing.T) {
	var tries Tries
	var let atomic.Int32
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			if tries.Begin("anna@example.org", fmt.Sprintf("10.0.%d.1:9", i), noon) == 0 {
				let.Add(1)
			}
		})
	}
	all.Wait()
	if let.Load() != triesFree {
		t.Errorf("%d tries at once", let.Load())
	}
}

func TestMemoryIsBounded(t *testing.T) {
	var tries Tries
	for i := range 3 * triesMost {
		tries.Begin(fmt.Sprintf("%d@example.org", i), fmt.Sprintf("10.%d.%d.%d:9", i>>16, i>>8&255, i&255), noon.Add(time.Duration(i)*time.Millisecond))
	}
	if len(tries.by) > triesMost || len(tries.from) > triesMost {
		t.Errorf("%d and %d names are kept", len(tries.by), len(tries.from))
	}
	latest := fmt.Sprintf("%d@example.org", 3*triesMost-1)
	if tries.by[key(latest)] == nil {
		t.Error("the latest was forgotten, not the oldest")
	}
}

// However tries come, an e-mail address has at most 5 failures and then one for each wait: in a quarter of an hour never more than ten.
func TestNobodyGuessesFast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tries Tries
		let, now := 0, noon
		for range rapid.IntRange(1, 200).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "pause")) * time.Second)
			if now.Sub(noon) > 15*time.Minute {
				break
			}
			if tries.Begin("anna@example.org", fmt.Sprintf("10.0.0.%d:9", rapid.IntRange(1, 5).Draw(t, "place")), now) == 0 {
				let++
			}
		}
		if let > 10 {
			t.Fatalf("%d tries in a quarter of an hour", let)
		}
	})
}

func TestPlacesOfIPv6AreNetworks(t *testing.T) {
	for in, want := range map[string]string{"[2001:db8:1:2::7]:80": "2001:db8:1:2::", "[2001:db8:1:2:ffff::9]:80": "2001:db8:1:2::", "192.0.2.7:80": "192.0.2.7", "pipe": "pipe"} {
		if got := hostOf(in); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}
