// Package gen has generators that the property tests of the typed views share: values as the format can carry them.
package gen

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Code is a short code of capital letters and digits.
func Code(least, most int) *rapid.Generator[string] {
	return rapid.StringMatching(fmt.Sprintf(`[A-Z0-9]{%d,%d}`, least, most))
}

// Text is a name or a note, without separators and without blanks at its ends.
func Text() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Z]([A-Z0-9 '.,/&-]{0,20}[A-Z0-9])?`)
}

// Maybe is a value of g, or empty.
func Maybe(g *rapid.Generator[string]) *rapid.Generator[string] {
	return rapid.OneOf(rapid.Just(""), g)
}

// Day is a day of the calendar in the years given.
func Day(from, thru int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf("%04d-%02d-%02d", rapid.IntRange(from, thru).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day"))
	})
}

// Days are a day or a range in the years given.
func Days(from, thru int) *rapid.Generator[x12.Dates] {
	return rapid.Custom(func(t *rapid.T) x12.Dates {
		a, b := Day(from, thru).Draw(t, "from"), Day(from, thru).Draw(t, "thru")
		if rapid.Bool().Draw(t, "one day") {
			return x12.Dates{From: a, Thru: a}
		}
		return x12.Dates{From: min(a, b), Thru: max(a, b)}
	})
}

// Optional is a pointer to a value of g, or nil.
func Optional[T any](g *rapid.Generator[T]) *rapid.Generator[*T] {
	return rapid.Custom(func(t *rapid.T) *T {
		if rapid.Bool().Draw(t, "absent") {
			return nil
		}
		v := g.Draw(t, "value")
		return &v
	})
}

// Cents are amounts from nothing to a lot; Signed may be negative.
func Cents() *rapid.Generator[int64]  { return rapid.Int64Range(0, 999_999_99) }
func Signed() *rapid.Generator[int64] { return rapid.Int64Range(-999_999_99, 999_999_99) }

// Units are thousandths.
func Units() *rapid.Generator[int64] { return rapid.Int64Range(1, 999_999) }

// List is up to most values of g; nil when there are none.
func List[T any](g *rapid.Generator[T], least, most int) *rapid.Generator[[]T] {
	return rapid.Custom(func(t *rapid.T) []T {
		var all []T
		for range rapid.IntRange(least, most).Draw(t, "length") {
			all = append(all, g.Draw(t, "item"))
		}
		return all
	})
}

// Ref is a REF under none of the qualifiers that a typed view takes for itself.
func Ref() *rapid.Generator[x12.Ref] {
	return rapid.Custom(func(t *rapid.T) x12.Ref {
		return x12.Ref{Qualifier: rapid.SampledFrom([]string{"EA", "D9", "LU", "1L", "G2"}).Draw(t, "qualifier"), Value: Code(1, 30).Draw(t, "value"), Description: Maybe(Text()).Draw(t, "description")}
	})
}

// Address is a whole one.
func Address() *rapid.Generator[*x12.Address] {
	return rapid.Custom(func(t *rapid.T) *x12.Address {
		return &x12.Address{Line1: Text().Draw(t, "line"), Line2: Maybe(Text()).Draw(t, "line2"), City: "NEW " + Text().Draw(t, "city"), State: Code(2, 2).Draw(t, "state"), ZIP: rapid.StringMatching(`[0-9]{9}|[0-9]{5}`).Draw(t, "zip")}
	})
}

// Contact is a PER.
func Contact(role string) *rapid.Generator[x12.Contact] {
	return rapid.Custom(func(t *rapid.T) x12.Contact {
		c := x12.Contact{Role: role, Name: Maybe(Text()).Draw(t, "name")}
		for range rapid.IntRange(1, 3).Draw(t, "numbers") {
			c.Numbers = append(c.Numbers, x12.ContactPoint{Kind: rapid.SampledFrom([]string{"TE", "FX", "EX"}).Draw(t, "kind"), Number: rapid.StringMatching(`[0-9]{3,10}`).Draw(t, "number")})
		}
		return c
	})
}

// Party is a person or an organization in a role, with everything an NM1 and its address, numbers and contacts say.
func Party(role string) *rapid.Generator[x12.Party] {
	return rapid.Custom(func(t *rapid.T) x12.Party {
		p := x12.Party{Role: role, Kind: x12.Organization, Name: Text().Draw(t, "name"), Address: Address().Draw(t, "address"), Refs: List(Ref(), 0, 2).Draw(t, "refs")}
		if rapid.Bool().Draw(t, "person") {
			p.Kind, p.First, p.Middle, p.Suffix = x12.Person, Text().Draw(t, "first"), Maybe(Text()).Draw(t, "middle"), Maybe(rapid.Just("JR")).Draw(t, "suffix")
		}
		p.IDQualifier, p.ID = Code(2, 2).Draw(t, "qualifier"), Code(2, 20).Draw(t, "id")
		return p
	})
}

// Adjustments are triplets in any order of groups.
func Adjustments(most int) *rapid.Generator[[]x12.Adjustment] {
	return List(rapid.Custom(func(t *rapid.T) x12.Adjustment {
		return x12.Adjustment{
			Group: rapid.SampledFrom([]string{"CO", "PR", "OA", "PI"}).Draw(t, "group"), Reason: rapid.SampledFrom([]string{"1", "2", "3", "45", "197", "B7"}).Draw(t, "reason"),
			Cents: Signed().Draw(t, "cents"), Quantity: Optional(Units()).Draw(t, "quantity"),
		}
	}), 0, most)
}

// Procedure is a service with its modifiers; empty ones may stand between.
func Procedure() *rapid.Generator[x12.Procedure] {
	return rapid.Custom(func(t *rapid.T) x12.Procedure {
		p := x12.Procedure{Qualifier: "HC", Code: Code(5, 5).Draw(t, "code"), Modifiers: List(Code(2, 2), 0, 4).Draw(t, "modifiers"), Description: Maybe(Text()).Draw(t, "description")}
		return p
	})
}

// Envelope is any that may be sent.
func Envelope() *rapid.Generator[x12.Envelope] {
	return rapid.Custom(func(t *rapid.T) x12.Envelope {
		return x12.Envelope{
			SenderQualifier: "ZZ", SenderID: Code(1, 15).Draw(t, "sender"), ReceiverQualifier: "30", ReceiverID: Code(1, 15).Draw(t, "receiver"),
			Date: Day(2020, 2099).Draw(t, "date"), Time: "0930", InterchangeControl: rapid.IntRange(1, 999_999_999).Draw(t, "interchange"),
			GroupControl: rapid.IntRange(1, 999_999_999).Draw(t, "group"), Usage: rapid.SampledFrom([]string{"T", "P"}).Draw(t, "usage"),
			AckRequested: rapid.Bool().Draw(t, "ack"), LineBreaks: rapid.Bool().Draw(t, "line breaks"),
		}
	})
}
