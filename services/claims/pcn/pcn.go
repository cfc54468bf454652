// Package pcn makes patient control numbers: our number of a claim on its way through other people's systems (CLM01, CLP01).
//
// A number is 17 characters, A–Z and 0–9: the letter E, 15 characters of the claim id's SHA-256 in Crockford's base 32 (75 bits; no I, L, O or U, which people
// misread), and a check character by ISO/IEC 7064, MOD 37-2. A digest whose check
// character would be the standard's asterisk is passed over for the next. So it says nothing about the patient, is the same whenever it is made again, fits the shortest field on
// its way (some payers cut after 17), and a wrong or swapped character is noticed. The promise is in TestCheckCharacter.
package pcn

import (
	"strings"

	"github.com/evenkeel/evenkeel/pkg/es"
)

const (
	alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	modulus  = 37 // prime: every wrong character and every swap of neighbours changes the sum
	asterisk = modulus - 1
	body     = 15
	size     = 1 + body + 1
)

// Of is the number of a claim.
func Of(claimID string) string {
	parts := []string{claimID}
	for {
		_, digest, _ := strings.Cut(es.Derive("pcn", parts...), "_")
		n := "E" + strings.ToUpper(digest[:body])
		if c := check(n); c != asterisk {
			return n + string(alphabet[c])
		}
		parts = append(parts, "next")
	}
}

// Valid says whether s is a number of ours, by its check character.
func Valid(s string) bool {
	if len(s) != size || s[0] != 'E' || strings.Trim(s, alphabet) != "" {
		return false
	}
	c := check(s[:size-1])
	return c != asterisk && alphabet[c] == s[size-1]
}

func check(s string) int {
	p := 0
	for _, c := range s {
		p = (p + strings.IndexRune(alphabet, c)) * 2 % modulus
	}
	return (modulus + 1 - p) % modulus
}
