package edits

import (
	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/date"
)

func serviceDates(c *pb.ClaimContent, f Facts, say Say) {
	check := func(field, day string) {
		switch {
		case !date.Valid(day):
			say(field, "%q is not a day", day)
		case f.Today != "" && day > date.Add(f.Today, 1): // a day is ahead of UTC somewhere
			say(field, "%s is in the future", day)
		}
	}
	check("service_date", c.ServiceDate)
	for i, l := range c.Lines {
		if l.ServiceDate != "" {
			check(at(i, "service_date"), l.ServiceDate)
		}
		if l.ServiceThruDate != "" {
			check(at(i, "service_thru_date"), l.ServiceThruDate)
			if l.ServiceThruDate < l.ServiceDate {
				say(at(i, "service_thru_date"), "it ends before it begins")
			}
		}
	}
}

// FilingLimit is the last day on which a claim may reach a payer, by the policy of the day of service; empty: no limit known. The first payer's days count from the date of
// service, a later payer's from the day on which the payer before it decided: until then it can't be billed.
// Source: the manuals of most commercial and Medicare Advantage payers say so of coordination of benefits; payers that count otherwise need a policy of their own. Our reading, 2026-11-24.
func FilingLimit(policy *registryv1.PayerPolicySet, serviceDate string, earlier []*pb.PriorPayer) string {
	from := serviceDate
	for _, p := range earlier {
		if date.Valid(p.AdjudicationDate) && p.AdjudicationDate > from {
			from = p.AdjudicationDate
		}
	}
	days := int(policy.GetTimelyFilingDays())
	if days == 0 || !date.Valid(from) {
		return ""
	}
	return date.Add(from, days)
}

func late(c *pb.ClaimContent, f Facts, say Say, original bool) {
	isOriginal := c.FrequencyCode == pb.FrequencyCode_FREQUENCY_CODE_ORIGINAL
	if isOriginal == original && f.TimelyFilingDue != "" && f.Today > f.TimelyFilingDue {
		since := ""
		if len(c.PriorPayers) > 0 {
			since = ", counted from the earlier payer's decision"
		}
		say("service_date", "the payer's filing limit for %s was %s%s, today is %s", c.ServiceDate, f.TimelyFilingDue, since, f.Today)
	}
}
