package session

import (
	"crypto/sha256"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// Tries slows down who guesses passwords. After triesFree failures for an e-mail address, or from a network address, the next try has to wait: half a minute, and twice as long after
// each further failure, at most waitMost (from a network address sharedMost, since a clinic may sit behind one). Failures are forgotten triesKept after the last.
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
	last     time.Time
}

const (
	triesFree  = 5
	triesKept  = time.Hour
	waitFirst  = 30 * time.Second
	waitMost   = 15 * time.Minute
	sharedMost = time.Minute
	triesMost  = 10_000
)

// Begin says how long somebody has to wait before a try; 0: now, and then the try counts as a failure unless Succeeded is called.
func (t *Tries) Begin(email, address string, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.by == nil {
		t.by, t.from = map[[sha256.Size]byte]*tried{}, map[[sha256.Size]byte]*tried{}
	}
	by, from := entry(t.by, nameOf(email), now), entry(t.from, hostOf(address), now)
	if wait = max(by.wait(waitMost, now), from.wait(sharedMost, now)); wait > 0 {
		return wait
	}
	by.failures, by.last = by.failures+1, now
	from.failures, from.last = from.failures+1, now
	return 0
}

// Succeeded takes the try back: the e-mail address has no failures any more, the network address one less, since who owns one account may still guess at others.
func (t *Tries) Succeeded(email, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, key(nameOf(email)))
	if from := t.from[key(hostOf(address))]; from != nil {
		from.failures--
	}
}

// wait is what is left of the time after the last failure.
func (t *tried) wait(most time.Duration, now time.Time) time.Duration {
	if t.failures < triesFree {
		return 0
	}
	pause := most
	if doubled := t.failures - triesFree; doubled < 10 {
		pause = min(most, waitFirst<<doubled)
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
