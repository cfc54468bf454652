package console

import (
	"net/http"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// newKey is the idempotency key that a form carries: sent twice, it acts once.
func newKey() string { return uuid.NewString() }

// after leads on from a form: to the page that shows what it did, and waits until it can.
func (c *console) after(r *request, receipt *typev1.Receipt, err error, path, what string) (*page, error) {
	if err != nil {
		return nil, err
	}
	c.remember(r, receipt.GetConsistencyToken())
	http.Redirect(r.w, r.Request, path+"?done="+what, http.StatusSeeOther)
	return nil, nil
}

// refused says whether a service answered that its rules, or the form of what was asked, do not allow it.
func refused(err error) bool {
	return status.Code(err) == codes.FailedPrecondition || status.Code(err) == codes.InvalidArgument
}

// missing says whether a service answered that there is no such thing.
func missing(err error) bool { return status.Code(err) == codes.NotFound }

// parseMoney reads an amount as people type it: 1,234.50, $12 or 12.5. ok is false for anything else.
func parseMoney(s string) (n int64, ok bool) {
	s = strings.TrimPrefix(strings.ReplaceAll(strings.TrimSpace(s), ",", ""), "$")
	whole, rest, dot := strings.Cut(s, ".")
	if whole == "" || len(whole) > 12 || dot && (rest == "" || len(rest) > 2) {
		return 0, false
	}
	for len(rest) < 2 {
		rest += "0"
	}
	for _, d := range whole + rest {
		if d < '0' || d > '9' {
			return 0, false
		}
		n = n*10 + int64(d-'0')
	}
	return n, true
}
