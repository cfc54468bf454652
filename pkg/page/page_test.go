package page

import (
	"fmt"
	"slices"
	"testing"

	"github.com/evenkeel/evenkeel/pkg/refuse"
)

func TestEachRowOnce(t *testing.T) {
	var all []string
	for i := range 23 {
		all = append(all, fmt.Sprintf("%02d", i))
	}
	var seen []string
	for token, pages := "", 0; ; pages++ {
		at, err := Parse(5, token, "")
		if err != nil {
			t.Fatal(err)
		}
		from, _ := slices.BinarySearch(all, at.Key[0]+"\x00")
		if token == "" {
			from = 0
		}
		rows, next := Cut(all[from:min(from+at.Limit+1, len(all))], at, func(s string) []string { return []string{s} })
		seen = append(seen, rows...)
		if token = next; next == "" {
			break
		}
		if pages > 10 {
			t.Fatal("the pages do not end")
		}
	}
	if !slices.Equal(seen, all) {
		t.Fatalf("saw %v", seen)
	}
}

func TestNonsenseIsRefused(t *testing.T) {
	_, err := Parse(501, "nonsense", "")
	if got := refuse.Reasons(err); len(got) != 2 {
		t.Fatalf("refused for %v, want size and token", got)
	}
}
