package intake

import (
	"crypto/hmac"
	"crypto/sha256"
	"strings"

	"github.com/google/uuid"

	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

// numberHash is by what a medical record number is found; nil: there is no number.
func numberHash(key []byte, tenant uuid.UUID, number string) []byte {
	if strings.TrimSpace(number) == "" {
		return nil
	}
	return keyed(key, tenant, "number", number)
}

// personHash is by what a person is found.
func personHash(key []byte, tenant uuid.UUID, name *typev1.PersonName, birthDate string) []byte {
	return keyed(key, tenant, "person", name.GetLast(), name.GetFirst(), birthDate)
}

// keyed is a hash that tells nothing to whoever lacks the key. Letters' case and blanks around and between words don't count.
func keyed(key []byte, tenant uuid.UUID, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(tenant[:])
	for _, p := range parts {
		h.Write([]byte(strings.ToUpper(strings.Join(strings.Fields(p), " "))))
		h.Write([]byte{0})
	}
	return h.Sum(nil)
}
