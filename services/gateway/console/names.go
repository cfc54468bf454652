package console

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	claimsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	collectionsv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/collections/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
)

// names of payers and locations, for filters and labels.
type names struct {
	payers, locations map[string]string
	payerList         []option
	locationList      []option
}

func (c *console) names(ctx context.Context) (*names, error) {
	n := &names{payers: map[string]string{"patient": "Patients"}, locations: map[string]string{}}
	for token := ""; ; {
		a, err := c.registry.ListPayers(ctx, &registryv1.ListPayersRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list payers: %w", err)
		}
		for _, p := range a.Payers {
			n.payers[p.PayerId] = p.Name
			n.payerList = append(n.payerList, option{p.PayerId, p.Name})
		}
		if token = a.NextPageToken; token == "" {
			break
		}
	}
	for token := ""; ; {
		a, err := c.registry.ListLocations(ctx, &registryv1.ListLocationsRequest{PageSize: 500, PageToken: token})
		if err != nil {
			return nil, fmt.Errorf("list locations: %w", err)
		}
		for _, l := range a.Locations {
			n.locations[l.LocationId] = l.Name
			n.locationList = append(n.locationList, option{l.LocationId, l.Name})
		}
		if token = a.NextPageToken; token == "" {
			break
		}
	}
	by := func(a, b option) int { return strings.Compare(a.Text, b.Text) }
	slices.SortFunc(n.payerList, by)
	slices.SortFunc(n.locationList, by)
	return n, nil
}

func (n *names) payer(id string) string {
	if s := n.payers[id]; s != "" {
		return s
	}
	return short(id)
}

func (n *names) location(id string) string {
	if s := n.locations[id]; s != "" {
		return s
	}
	return short(id)
}

// payerChoice is of the payers, and of those beside them: patient, and insurance for all that are none.
func (n *names) payerChoice(r *request, beside ...string) choice {
	o := []option{{"", "All payers"}}
	for _, b := range beside {
		o = append(o, option{b, map[string]string{"patient": "Patients", "insurance": "Payers without patients"}[b]})
	}
	return choice{Name: "payer", Label: "Payer", Value: r.q.Get("payer"), Options: append(o, n.payerList...)}
}

func (n *names) locationChoice(r *request) choice {
	return choice{Name: "location", Label: "Location", Value: r.q.Get("location"), Options: append([]option{{"", "All locations"}}, n.locationList...)}
}

var (
	idInText   = regexp.MustCompile(`\b(pay|loc)_[0-9a-z]{4,}\b`)
	codeInText = regexp.MustCompile(`\b(CO|OA|PI|PR)-([0-9A-Z]{1,3})\b`)
	dayInText  = regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b`)
	ruleInText = regexp.MustCompile(` \(([a-z]+\.[a-z0-9_]+)\)`)
)

// readable is a service's sentence as people say it: payers and locations by their names, days spelled, without the rules' ids, which rules are.
func (n *names) readable(s string) (text string, rules []string) {
	s = idInText.ReplaceAllStringFunc(s, func(id string) string {
		if name := n.payers[id] + n.locations[id]; name != "" {
			return name
		}
		return short(id)
	})
	for _, m := range ruleInText.FindAllStringSubmatch(s, -1) {
		rules = append(rules, m[1])
	}
	s = ruleInText.ReplaceAllString(s, "")
	return upper(strings.TrimPrefix(spelledIn(s), "payer ")), rules
}

// spelledIn spells the days that stand in a text.
func spelledIn(s string) string {
	return dayInText.ReplaceAllStringFunc(s, func(iso string) string {
		if !date.Valid(iso) {
			return iso
		}
		return spelled(iso)
	})
}

// numbersMost bounds the claims that one page or file looks up.
const numbersMost = 500

// claimNumbers are what billers call claims by, and what the claims say of reason codes.
type claimNumbers struct {
	of      map[string]string // patient control number by claim id
	reasons map[string]string // our own words by CARC
}

// numbers looks claims up. Claims beyond numbersMost, and those that are not there, are called by their ids.
func (c *console) numbers(ctx context.Context, ids []string) (*claimNumbers, error) {
	slices.Sort(ids)
	ids = slices.DeleteFunc(slices.Compact(ids), func(id string) bool { return id == "" })
	ids = ids[:min(len(ids), numbersMost)]
	found := make([]*claimsv1.Claim, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for i, id := range ids {
		g.Go(func() error {
			x, err := c.claims.GetClaim(ctx, &claimsv1.GetClaimRequest{ClaimId: id})
			if err != nil && !missing(err) {
				return fmt.Errorf("read a claim's number: %w", err)
			}
			found[i] = x
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	n := &claimNumbers{map[string]string{}, map[string]string{}}
	for i, x := range found {
		n.of[ids[i]] = x.GetSummary().GetPatientControlNumber()
		for _, d := range x.GetOpenDenials() {
			if d.Label != "" {
				n.reasons[d.Carc] = d.Label
			}
		}
	}
	return n, nil
}

// numbersOf are the numbers of the claims that work items are about. Only the claims of denials, for what their codes mean, and those whose numbers collections does not know are looked up.
func (c *console) numbersOf(ctx context.Context, items ...*collectionsv1.WorkItem) (*claimNumbers, error) {
	var ids []string
	for _, w := range items {
		if w.PatientControlNumber == "" || w.Kind == "denial" {
			ids = append(ids, w.ClaimId)
		}
	}
	n, err := c.numbers(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, w := range items {
		n.of[w.ClaimId] = cmp.Or(w.PatientControlNumber, n.of[w.ClaimId])
	}
	return n, nil
}

// why is what a work item is about, in words: of a denied line first what its code means.
func (n *claimNumbers) why(title, detail string) string {
	if _, code, ok := strings.Cut(title, ": "); ok {
		if reason := n.reasons[code[strings.LastIndex(code, "-")+1:]]; reason != "" {
			return upper(reason) + ". " + detail
		}
	}
	return detail
}

// claim is a link to a claim by its number.
func (n *claimNumbers) claim(id string) cell {
	if id == "" {
		return cell{Text: "–", Class: "zero"}
	}
	return claimLink(n.of[id], id)
}

// claimLink is a link to a claim by its number; by its id while a report does not know the number yet.
func claimLink(number, id string) cell {
	c := link(cmp.Or(number, short(id)), "/claims/"+id)
	c.Class, c.Title = "id", id
	return c
}

// find is the claim that a person means by a patient control number or a claim id; empty: there is none. why says what is wrong with the number.
func (c *console) find(ctx context.Context, asked string) (id, why string, err error) {
	asked = strings.TrimSpace(asked)
	if strings.HasPrefix(strings.ToLower(asked), "clm_") {
		x, err := c.claims.GetClaim(ctx, &claimsv1.GetClaimRequest{ClaimId: strings.ToLower(asked)})
		if missing(err) {
			return "", "", nil
		}
		if err != nil {
			return "", "", fmt.Errorf("look for the claim: %w", err)
		}
		return x.Summary.ClaimId, "", nil
	}
	number := strings.ToUpper(strings.Join(strings.FieldsFunc(asked, func(r rune) bool { return r == ' ' || r == '-' }), ""))
	if number == "" || strings.ContainsFunc(number, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') }) {
		return "", "", nil
	}
	a, err := c.claims.ListClaims(ctx, &claimsv1.ListClaimsRequest{PatientControlNumber: number, PageSize: 1})
	if refused(err) { // its check character does not fit
		if len(number) == 17 && number[0] == 'E' && strings.ContainsAny(number, "0123456789") {
			return "", "It looks like a claim number, but a character of it is wrong, missing or swapped.", nil
		}
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("look for the claim: %w", err)
	}
	for _, x := range a.Claims {
		id = x.ClaimId
	}
	return id, "", nil
}
