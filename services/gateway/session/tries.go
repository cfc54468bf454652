package session

import (
	"crypto/sha256"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tries slows down who guesses passwords, by two counts of failures.
//
// An e-mail address: after triesFree failures the next try has to wait, half a minute, and twice as long after each further failure, at most waitMost; they are forgotten triesKept after the last.
//
// A network address, behind which a clinic may sit: failures drain away, one each sharedDrain. More than sharedFree at once have to wait until the next has drained, so who guesses at
// one e-mail address after the other gets one try each sharedDrain. One person's typing errors never come that far, since that person's own waits are longer
// (TestOnePersonsErrorsHoldUpNobodyElse). A success counts in neither and lengthens no wait.
//
// An e-mail address that nobody has is counted like any other, so a wait tells nothing about who is there. Counts are kept in this process, for triesMost names of each sort: with
// several gateways somebody has as many first tries at each. The zero value is ready.
type Tries struct {
	mu       sync.Mutex
	by, from map[[sha256.Size]byte]*tried
}

// tried are the failures for one name. Tries under way count as failures until they succeed, so that many at once are no way round.
type tried struct {
	failures int
	last     time.Time // the last failure; of a network address: until when they have drained
}

const (
	triesFree   = 5
	triesKept   = time.Hour
	waitFirst   = 30 * time.Second
	waitMost    = 15 * time.Minute
	sharedFree  = 20
	sharedDrain = time.Minute
	triesMost   = 10_000
)

// Begin says how long somebody has to wait before a try; 0: now, and then the try counts as a failure unless Succeeded is called.
func (t *Tries) Begin(email, address string, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by, t.from = map[[sha256.Size]byte]*tried{}, map[[sha256.Size]byte]*tried{}
	}
	by, from := entry(t.by, nameOf(email), now), entry(t.from, hostOf(address), now)
	from.drain(now)
	if wait = max(by.wait(now), from.full(now)); wait > 0 {
		return wait
	}
	by.failures, by.last = by.failures+1, now
	from.failures++
	return 0
}

// Succeeded takes the try back: the e-mail address has no failures any more, the network address one less, since who owns one account may still guess at others.
func (t *Tries) Succeeded(email, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, key(nameOf(email)))
	if from := t.from[key(hostOf(address))]; from != nil && from.failures > 0 {
		from.failures--
	}
}

// drain takes away the failures whose time has passed.
func (t *tried) drain(now time.Time) {
	gone := int(now.Sub(t.last) / sharedDrain)
	if gone >= t.failures {
		t.failures, t.last = 0, now
		return
	}
	t.failures, t.last = t.failures-gone, t.last.Add(time.Duration(gone)*sharedDrain)
}

// full is how long it takes until the next failure has drained, where there is no room for one more.
func (t *tried) full(now time.Time) time.Duration {
	if t.failures < sharedFree {
		return 0
	}
	return max(0, sharedDrain-now.Sub(t.last))
}

// wait is what is left of the time after the last failure.
func (t *tried) wait(now time.Time) time.Duration {
	if t.failures < triesFree {
		return 0
	}
	pause := waitMost
	if doubled := t.failures - triesFree; doubled < 10 {
		pause = min(waitMost, waitFirst<<doubled)
	}
	return max(0, pause-now.Sub(t.last))
}

// entry is a name's count, forgotten when it is old. When there are too many, the oldest make room.
func entry(all map[[sha256.Size]byte]*tried, name string, now time.Time) *tried {
	k := key(name)
	e := all[k]
	if e != nil && now.Sub(e.last) < triesKept {
		return e
	}
	if e == nil && len(all) >= triesMost {
		makeRoom(all, now)
	}
	e = &tried{last: now}
	all[k] = e
	return e
}

// makeRoom takes away what is old, or at least the older half.
func makeRoom(all map[[sha256.Size]byte]*tried, now time.Time) {
	var ages []time.Duration
	for _, e := range all {
		ages = append(ages, now.Sub(e.last))
	}
	slices.Sort(ages)
	limit := min(triesKept, ages[len(ages)/2])
	for k, e := range all {
		if now.Sub(e.last) >= limit {
			delete(all, k)
		}
	}
}

// key is a name of any length in a fixed room.
func key(name string) [sha256.Size]byte { return sha256.Sum256([]byte(name)) }

func nameOf(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// hostOf is a network address without its port; of IPv6 the network that one customer has.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if ip := net.ParseIP(host); ip != nil && ip.To4() == nil {
		return ip.Mask(net.CIDRMask(64, 128)).String()
	}
	return host
}
