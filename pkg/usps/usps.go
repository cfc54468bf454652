// Package usps knows the states of a postal address, by the two letters that the United States Postal Service gives them.
//
// A claim with another state is refused by every clearinghouse, so a wrong one is told where it is typed. TestStates counts them.
package usps

import "strings"

// The 50 states, the District of Columbia, the territories and freely associated states, and the three areas of military mail. Source: USPS Publication 28,
// appendix B. Checked 2026-11-24.
const states = " AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY" +
	" AS FM GU MH MP PR PW VI AA AE AP "

// State says whether two capital letters are a state's.
func State(code string) bool {
	return len(code) == 2 && strings.Contains(states, " "+code+" ")
}
