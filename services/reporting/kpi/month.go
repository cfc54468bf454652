package kpi

import (
	"fmt"

	"github.com/evenkeel/evenkeel/pkg/date"
)

// Month is a reporting month and the base of a figure's denominator.
type Month struct {
	From, Thru         string
	BaseFrom, BaseThru string
	Base               int64 // months
}

// wanted is how many months before the reporting month are the base.
const wanted = 3

// MonthOf is the last whole month by a day, against the three before it. Books that begin later than that have a smaller base: the months there are, first the reporting month itself;
// and where no month is whole yet, what there is of it. first is the day on which the first claim went out. Source: docs/domain.md, "Initial denial rate, count". Checked 2026-11-24.
func MonthOf(asOf, first string) Month {
	m := Month{From: begin(date.Add(asOf, 1), -1)}
	m.Thru = date.Add(begin(m.From, 1), -1)
	if start := begin(first, 0); m.From < start {
		m.From, m.Thru = begin(asOf, 0), asOf
	}
	for m.Base = wanted; m.Base > 0; m.Base-- {
		if m.BaseFrom = begin(m.From, -int(m.Base)); m.BaseFrom >= begin(first, 0) {
			m.BaseThru = date.Add(m.From, -1)
			return m
		}
	}
	m.Base, m.BaseFrom, m.BaseThru = 1, m.From, m.Thru
	return m
}

// begin is the first day of the month that lies so many months after that of a day.
func begin(day string, months int) string {
	t := date.Time(day)
	return t.AddDate(0, months, 1-t.Day()).Format("2006-01-02")
}

// Say is the base in words.
func (m Month) Say() string {
	switch {
	case m.BaseFrom == m.From:
		return fmt.Sprintf("the same days, %s to %s: no month before it has claims yet", m.BaseFrom, m.BaseThru)
	case m.Base < wanted:
		return fmt.Sprintf("%d of the %d months before, %s to %s: the first claims are of then", m.Base, wanted, m.BaseFrom, m.BaseThru)
	}
	return fmt.Sprintf("the %d months before, %s to %s", wanted, m.BaseFrom, m.BaseThru)
}
