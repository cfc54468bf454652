// Package page has opaque cursors for lists: the sort key of the last row, so that rows that arrive meanwhile shift nothing.
//
// At is a parsed page_size and page_token; Cut takes one row more than asked for and says where the next page begins. Order is the same for a list that callers sort by one of its
// columns, as SQL. The promise: following the tokens shows each row once (TestEachRowOnce; of sorted lists, TestListsComeInTheOrderAskedForAndEachRowOnce in services/reporting).
package page

import (
	"encoding/base64"
	"encoding/json"

	"github.com/evenkeel/evenkeel/pkg/refuse"
)

// Limits of page_size.
const (
	Default = 100
	Most    = 500
)

var (
	// Size: a page has at most 500 rows. Source: our own choice.
	Size = refuse.Rule{ID: "request.page_size", Version: 1, Owner: "integrations"}
	// Token: a page_token is one that this list gave out. Source: our own choice.
	Token = refuse.Rule{ID: "request.page_token", Version: 1, Owner: "integrations"}
)

// At is where a page begins: after the row with that sort key.
type At struct {
	Limit int
	Key   []string
}

// Parse reads page_size (0: 100) and page_token; first is the sort key that lies before every row.
func Parse(size int32, token string, first ...string) (At, error) {
	at := At{Limit: int(size), Key: first}
	if size == 0 {
		at.Limit = Default
	}
	var no refuse.List
	no.If(size < 0 || size > Most, Size, "page_size", "%d rows asked, a page has 1 to %d", size, Most)
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		var key []string
		if err == nil {
			err = json.Unmarshal(raw, &key)
		}
		no.If(err != nil || len(key) != len(first), Token, "page_token", "this is no token of this list: start again without one")
		at.Key = key
	}
	return at, no.Err()
}

// Cut is the page's rows, at most at.Limit, and the token of the next page; empty if there is none. rows has at most one row more than the limit.
func Cut[T any](rows []T, at At, key func(T) []string) ([]T, string) {
	if len(rows) <= at.Limit {
		return rows, ""
	}
	rows = rows[:at.Limit]
	raw, err := json.Marshal(key(rows[len(rows)-1]))
	if err != nil {
		panic(err) // strings always marshal
	}
	return rows, base64.RawURLEncoding.EncodeToString(raw)
}
