package console

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	problemv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/problem/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

// form is a command that a page offers. Its fields have the names of the command's, so that what a service refuses stands beside the field that it names.
type form struct {
	Action, Title, Lead, Button string
	CSRF, Key                   string
	Fields                      []input
	Refused                     bool
	Problems                    []string // of the command as a whole
}

type input struct {
	Name, Label, Type, Value, Hint string
	Options                        []option // a choice; else what is typed
	Required                       bool
	Most                           int      // letters
	Also                           []string // names of the command's fields that it fills beside its own

	ID       string
	Problems []string
	First    bool // of those with a problem: it gets the focus
}

// reason is the field of why something is done, which every command that takes something back asks for.
func reason(label string, most int) input {
	return input{Name: "reason", Label: label, Hint: "no names of persons", Required: true, Most: most}
}

// refusal is what a service answered to a form: its page is shown again, with what was typed.
type refusal struct {
	action  string
	sent    url.Values
	said    string
	reasons []*problemv1.Reason
	told    bool // a form of the page holds it
}

// form is nil for who may not send it.
func (r *request) form(action, title, lead, button string, fields ...input) *form {
	if !r.sends(action) {
		return nil
	}
	f := &form{Action: action, Title: title, Lead: lead, Button: button, CSRF: r.id.CSRF, Key: newKey(), Fields: fields}
	for i := range f.Fields {
		f.Fields[i].ID = action[strings.LastIndex(action, "/")+1:] + "-" + strings.NewReplacer("[", "-", "]", "", ".", "-").Replace(f.Fields[i].Name)
		f.Fields[i].Type = cmp.Or(f.Fields[i].Type, "text")
	}
	if no := r.refused; no != nil && no.action == action {
		no.told = true
		f.tell(no)
	}
	return f
}

// tell puts what was typed into the fields again, and each reason to its field.
func (f *form) tell(no *refusal) {
	f.Refused = true
	for i := range f.Fields {
		f.Fields[i].Value = no.sent.Get(f.Fields[i].Name)
	}
	first := true
	for _, x := range no.reasons {
		words, at := sentence(spelledIn(x.Message)), -1
		for i := range f.Fields {
			if f.Fields[i].holds(x.Field) {
				at = i
			}
		}
		if at < 0 {
			f.Problems = append(f.Problems, words)
			continue
		}
		f.Fields[at].Problems = append(f.Fields[at].Problems, words)
		f.Fields[at].First, first = f.Fields[at].First || first, false
	}
	if len(no.reasons) == 0 {
		f.Problems = append(f.Problems, no.said)
	}
}

// holds says whether a command's field, or a part of it, is filled from here: amount holds amount.amount_minor.
func (i input) holds(field string) bool {
	for _, name := range append([]string{i.Name}, i.Also...) {
		if rest, ok := strings.CutPrefix(field, name); ok && name != "" && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// forms are those of the page that may be sent.
func forms(all ...*form) []*form {
	var out []*form
	for _, f := range all {
		if f != nil {
			out = append(out, f)
		}
	}
	return out
}

// again is the page of a form that was refused: what the form's address begins with, if a form on it takes what was refused.
func (c *console) again(ctx context.Context, r *request, err error) (*page, bool) {
	s, path := said(err), r.URL.Path
	r.refused = &refusal{action: path, sent: r.PostForm, said: sentence(s.Message())}
	for _, d := range s.Details() {
		if reasons, ok := d.(*problemv1.Reasons); ok {
			r.refused.reasons = append(r.refused.reasons, reasons.Reasons...)
		}
	}
	for _, at := range []string{path, path[:strings.LastIndex(path, "/")]} {
		for pattern, s := range c.screens {
			if !matches(pattern, "GET "+at) || !r.may(s.calls...) {
				continue
			}
			r.URL.Path = at
			p, err := s.view(c.calling(ctx, r, ""), r)
			if err == nil && p != nil && r.refused.told {
				return p, true
			}
			r.URL.Path = path
		}
	}
	return nil, false
}

// wrong is what a form's page itself finds wrong with a field, in the words of a refusal.
func wrong(field, message string) error {
	s, err := status.New(codes.InvalidArgument, message).WithDetails(&problemv1.Reasons{Reasons: []*problemv1.Reason{{Field: field, Message: message}}})
	if err != nil {
		return status.Error(codes.InvalidArgument, message)
	}
	return s.Err()
}

// dollars reads the amount of a form.
func dollars(r *request, field string) (*typev1.Money, error) {
	n, ok := parseMoney(r.PostFormValue(field))
	if !ok {
		return nil, wrong(field, "this is no amount in dollars and cents: write it as 1,234.50")
	}
	return money.Of(n), nil
}

// typed is what stands in a field, without blanks around it.
func typed(r *request, field string) string { return strings.TrimSpace(r.PostFormValue(field)) }

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
