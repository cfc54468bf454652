// Package date has the business day: a calendar date without a time zone, as dates of service, filing limits and agings use it.
//
// A Date is an ISO 8601 text (2006-01-02), so that dates compare as strings, travel in protobuf, JSON and SQL as they are, and the zero value ""
// says "not given". The promise: every function refuses what is not a real calendar day, and none reads a clock. TestDays keeps it.
package date

import (
	"fmt"
	"time"
)

const layout = "2006-01-02"

// Valid says whether s is a real calendar day written YYYY-MM-DD.
func Valid(s string) bool {
	_, err := time.Parse(layout, s)
	return err == nil
}

// Of is the day of an instant in a location; UTC if loc is nil.
func Of(t time.Time, loc *time.Location) string {
	if loc == nil {
		loc = time.UTC
	}
	return t.In(loc).Format(layout)
}

// Add is s plus days (may be negative). It panics if s is not valid: check input with Valid first.
func Add(s string, days int) string {
	return must(s).AddDate(0, 0, days).Format(layout)
}

// Days is the number of days from a to b: 1 from 2026-03-01 to 2026-03-02. It panics if one is not valid.
func Days(a, b string) int {
	return int(must(b).Sub(must(a)).Hours() / 24)
}

// Time is the instant at which the day starts in UTC. It panics if s is not valid.
func Time(s string) time.Time { return must(s) }

// Within says whether d lies in the closed range; an empty end is open.
func Within(d, from, thru string) bool {
	return d >= from && (thru == "" || d <= thru)
}

// Age is the number of whole years from birth to on. It panics if one is not valid.
func Age(birth, on string) int {
	b, o := must(birth), must(on)
	years := o.Year() - b.Year()
	if o.Month() < b.Month() || o.Month() == b.Month() && o.Day() < b.Day() {
		years--
	}
	return years
}

// Week is the Monday of the week of s. It panics if s is not valid.
func Week(s string) string {
	t := must(s)
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7).Format(layout)
}

func must(s string) time.Time {
	t, err := time.Parse(layout, s)
	if err != nil {
		panic(fmt.Sprintf("date: %q is not a day written YYYY-MM-DD", s))
	}
	return t
}
