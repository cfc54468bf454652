package account

import typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"

// effect is what an adjustment reason does when its group is not PR.
type effect struct {
	// contractual: taken off by agreement or law, never to be collected.
	contractual bool
	// onBooks: tells what is on the books already.
	onBooks bool
	// belowAllowed: taken from the payment after the allowed amount was set, so it says nothing about the price.
	belowAllowed bool
	why          string // our own words
}

// effects of claim adjustment reason codes under CO, OA, PI and CR. A code that is not here is a refusal: it stays open, recorded, until somebody decides; so a code we
// don't know is never written off. Source: public CARC list by number, read 2026-11-24; which of them are by agreement is practice, and is data here.
var effects = map[string]effect{
	"23":  {onBooks: true, why: "what earlier payers paid and took off: posted when they did"},
	"24":  {contractual: true, why: "paid by capitation"},
	"42":  {contractual: true, why: "above the agreed price: the code before 45, until 2007"},
	"44":  {contractual: true, belowAllowed: true, why: "prompt-pay discount"},
	"45":  {contractual: true, why: "above the agreed price"},
	"59":  {contractual: true, why: "several procedures on a day"},
	"94":  {contractual: true, why: "paid above the charge"},
	"104": {contractual: true, belowAllowed: true, why: "withheld by managed care"},
	"105": {contractual: true, belowAllowed: true, why: "tax withheld"},
	"131": {contractual: true, why: "discount agreed for this claim"},
	"137": {contractual: true, belowAllowed: true, why: "surcharge or assessment"},
	"144": {contractual: true, belowAllowed: true, why: "incentive"},
	"161": {contractual: true, belowAllowed: true, why: "performance bonus"},
	"172": {contractual: true, why: "paid at another specialty's price"},
	"237": {contractual: true, belowAllowed: true, why: "penalty by law"},
	"253": {contractual: true, belowAllowed: true, why: "federal sequestration"},
}

// Refuses says whether an adjustment refuses an amount, which then stays open. Claims calls the same a denial (services/tests/codes).
func Refuses(x *typev1.Adjustment) bool { return refuses(x) }
