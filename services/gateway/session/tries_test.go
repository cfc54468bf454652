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
		{"another e-mail from the same place does not", 14, "ben@example.org", "10.0.0.1:77", 0, 0},
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

// signIn is tries in a row from one place, each after a time; right ones succeed.
type signIn struct {
	email string
	right bool
	times int
	after time.Duration // before each
}

func TestOnePlaceManyPeople(t *testing.T) {
	wrong := func(email string, times int, after time.Duration) signIn { return signIn{email, false, times, after} }
	right := func(email string, times int, after time.Duration) signIn { return signIn{email, true, times, after} }
	guesses := func(n int, after time.Duration) (out []signIn) {
		for i := range n {
			out = append(out, wrong(fmt.Sprintf("guess%d@example.org", i), 1, after))
		}
		return out
	}
	then := func(first []signIn, more ...signIn) []signIn { return append(first, more...) }
	for _, c := range []struct {
		name  string
		done  []signIn
		next  string
		after time.Duration
		want  time.Duration
	}{
		{"a colleague's five typing errors hold up nobody", []signIn{wrong("anna", 5, 0)}, "ben", 0, 0},
		{"nor does she who goes on for an hour", []signIn{wrong("anna", 200, 20*time.Second)}, "ben", 0, 0},
		{"nor those of three colleagues at once", []signIn{wrong("anna", 5, 0), wrong("ben", 5, 0), wrong("carl", 5, 0)}, "dora", 0, 0},
		{"nor one typing error of each in a busy hour", guesses(60, time.Minute), "dora", 0, 0},
		{"a hundred who sign in at eight hold up nobody", []signIn{right("anna", 100, 0)}, "ben", 0, 0},
		{"who guesses at one address after the other waits after twenty", guesses(20, 0), "anna", 0, time.Minute},
		{"and gets on once a minute", guesses(21, 59*time.Second), "anna", 0, 0},
		{"not faster, however long it lasts", guesses(500, 20*time.Second), "anna", 0, 40 * time.Second},
		{"who owns an account guesses no faster for it", then(guesses(19, 0), right("mallory", 50, 0), wrong("anna", 1, 0)), "ben", 0, time.Minute},
		{"a minute after a guesser one gets in", guesses(20, 0), "anna", time.Minute, 0},
		{"and with her everybody: a success takes no room", then(guesses(20, 0), right("anna", 1, time.Minute)), "ben", 0, 0},
		{"nor does it put the time off", then(guesses(20, 0), right("anna", 1, time.Minute), wrong("ben", 1, 30*time.Second)), "carl", 30 * time.Second, 0},
		{"twenty minutes after a guesser all is forgotten", then(guesses(20, 0), signIn{"anna", false, 5, 4 * time.Minute}), "ben", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			var tries Tries
			now := noon
			for _, s := range c.done {
				for range s.times {
					now = now.Add(s.after)
					if tries.Begin(s.email, "10.0.0.1:9", now) == 0 && s.right {
						tries.Succeeded(s.email, "10.0.0.1:9")
					}
				}
			}
			if got := tries.Begin(c.next, "10.0.0.1:77", now.Add(c.after)); got != c.want {
				t.Errorf("waits %s, want %s", got, c.want)
			}
		})
	}
}

// However one person tries, and however often everybody else signs in, nobody else ever waits.
func TestOnePersonsErrorsHoldUpNobodyElse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tries Tries
		now := noon
		for i := range rapid.IntRange(1, 400).Draw(t, "tries") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "pause")) * time.Second)
			tries.Begin("anna@example.org", "10.0.0.1:9", now)
			if wait := tries.Begin(fmt.Sprintf("%d@example.org", i), "10.0.0.1:9", now); wait != 0 {
				t.Fatalf("somebody else waits %s", wait)
			}
			tries.Succeeded(fmt.Sprintf("%d@example.org", i), "10.0.0.1:9")
		}
	})
}

// However a place guesses, in an hour it has twenty tries and then one a minute.
func TestAPlaceGuessesSlowly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var tries Tries
		let, now := 0, noon
		for i := range rapid.IntRange(1, 1000).Draw(t, "tries") {
			if now = now.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "pause")) * time.Second); now.Sub(noon) > time.Hour {
				break
			}
			if tries.Begin(fmt.Sprintf("%d@example.org", i), "10.0.0.1:9", now) == 0 {
				let++
			}
		}
		if most := sharedFree + int(now.Sub(noon)/sharedDrain); let > most {
			t.Fatalf("%d tries in %s", let, now.Sub(noon))
		}
	})
}

func TestASuccessClearsTheEmailAddress(t *testing.T) {
	var tries Tries
	now := fail(t, &tries, "anna@example.org", "10.0.0.1:9", 4, noon)
	if tries.Begin("anna@example.org", "10.0.0.1:9", now) != 0 {
		t.Fatal("the fifth try waits")
	}
	tries.Succeeded("anna@example.org", "10.0.0.1:9")
	if w := tries.Begin("anna@example.org", "10.0.0.2:9", now); w != 0 {
		t.Errorf("after a success the e-mail address waits %s", w)
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
