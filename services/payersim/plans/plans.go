// Package plans is what the simulated payers have agreed to: their prices, limits and habits, as data in plans.json.
//
// A Payer is one of them; Find gives the one that a file is for. A receiver that the data does not name stands for any payer: it has a plain plan that allows 80 % of the charge
// and asks for nothing, so that the claims of a strange file go through. Habits are drawn from a seed and from what a claim is, never from chance: the same claim meets the
// same fate in every run (TestTheSameClaimMeetsTheSameFate). The payers are invented.
package plans

import (
	"cmp"
	_ "embed" // plans.json
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"crypto/sha256"
)

//go:embed plans.json
var data []byte

// Plans are all payers.
type Plans struct {
	Seed   string  `json:"seed"`
	Payers []Payer `json:"payers"`
}

// Payer is one payer's plan.
type Payer struct {
	EDIPayerID          string    `json:"edi_payer_id"`
	Name                string    `json:"name"`
	ReceiverID          string    `json:"receiver_id"` // ISA08 of what is sent to it
	TaxID               string    `json:"tax_id"`
	FilingLimitDays     int       `json:"filing_limit_days"`    // from the service; 0: none
	AuthorizationCodes  []string  `json:"authorization_codes"`  // services that need one
	TelehealthModifiers []string  `json:"telehealth_modifiers"` // one of them is wanted at places 02 and 10; none: nothing is
	Prices              []Price   `json:"prices"`
	CopayCents          int64     `json:"copay_cents"` // a claim
	Coinsurance         int32     `json:"coinsurance_millionths"`
	DeductibleCents     int64     `json:"deductible_cents"` // a member and year
	CarveOut            *CarveOut `json:"carve_out"`        // who runs behavioral services; none: the payer itself
	Behavior            Behavior  `json:"behavior"`
	Plain               bool      `json:"-"` // made for a payer that the data does not know
}

// Price is what is allowed for a unit.
type Price struct {
	Code     string `json:"code"`
	Modifier string `json:"modifier"` // of the license; empty: any
	Cents    int64  `json:"cents"`
}

// CarveOut names another payer.
type CarveOut struct {
	EDIPayerID string `json:"edi_payer_id"`
	Name       string `json:"name"`
}

// Behavior is how often, in thousand claims, the payer does what it should not.
type Behavior struct {
	ShortPay uint64 `json:"short_pay_permille"`
	TakeBack uint64 `json:"take_back_permille"`
	Silent   uint64 `json:"silent_permille"`
}

// Embedded are the plans of plans.json.
func Embedded() *Plans {
	p := &Plans{}
	if err := json.Unmarshal(data, p); err != nil {
		panic(fmt.Sprintf("plans.json: %v", err)) // it is part of the program
	}
	return p
}

// Find is the payer that a receiver serves under an EDI payer id; false: this receiver serves no such payer.
func (p *Plans) Find(receiverID, ediPayerID string) (Payer, bool) {
	edi := strings.ToUpper(strings.TrimSpace(ediPayerID))
	if i := slices.IndexFunc(p.Payers, func(y Payer) bool { return y.EDIPayerID == edi }); i >= 0 && p.Payers[i].ReceiverID == receiverID {
		return p.Payers[i], true
	}
	if slices.ContainsFunc(p.Payers, func(y Payer) bool { return y.ReceiverID == receiverID }) {
		return Payer{}, false
	}
	return Payer{EDIPayerID: edi, Name: cmp.Or(edi, receiverID), ReceiverID: receiverID, TaxID: fmt.Sprintf("99%07d", number(edi, receiverID)%10_000_000), Plain: true}, true
}

// plainMillionths of the charge are allowed where there is no price.
const plainMillionths = 800_000

// Allowed for a service, all units: never more than was charged.
func (y Payer) Allowed(code string, modifiers []string, unitsThousandths, charge int64) int64 {
	best := int64(-1)
	for _, price := range y.Prices {
		if price.Code != code || price.Modifier != "" && !slices.Contains(modifiers, price.Modifier) {
			continue
		}
		if best < 0 || price.Modifier != "" {
			best = price.Cents
		}
	}
	if best < 0 {
		return charge * plainMillionths / 1_000_000
	}
	return min(best*unitsThousandths/1000, charge)
}

// Fate is what a payer's habits do to a claim.
type Fate struct{ ShortPaid, TakenBack, Silent bool }

// Fate of a claim with that identity. Each habit is drawn by itself.
func (p *Plans) Fate(y Payer, identity string) Fate {
	hits := func(habit string, permille uint64) bool {
		return number(p.Seed, y.EDIPayerID, habit, identity)%1000 < permille
	}
	return Fate{
		ShortPaid: hits("short", y.Behavior.ShortPay), TakenBack: hits("back", y.Behavior.TakeBack), Silent: hits("silent", y.Behavior.Silent),
	}
}

// number is the same for the same words, and spread evenly.
func number(words ...string) uint64 {
	h := sha256.New()
	for _, w := range words {
		fmt.Fprintf(h, "%d:%s,", len(w), w)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}
