package host

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// Secret is the platform's master secret; every other secret is derived from it, so that an operator has one to keep and to rotate.
type Secret []byte

// secretBytes is the least length.
const secretBytes = 32

// ReadSecret reads a master secret from a file: 64 or more hexadecimal digits.
func ReadSecret(path string) (Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the master secret can't be read: %w", err)
	}
	s, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(s) < secretBytes {
		return nil, fmt.Errorf("the master secret in %s must be %d or more hexadecimal digits: make one with `openssl rand -hex %d`", path, 2*secretBytes, secretBytes)
	}
	return s, nil
}

func (s Secret) derive(what string) []byte {
	key, err := hkdf.Key(sha256.New, s, nil, "evenkeel "+what, 32)
	if err != nil {
		panic(err) // only for lengths no caller asks for
	}
	return key
}

// KeyEncryptionKey wraps the patients' keys in the embedded vault.
func (s Secret) KeyEncryptionKey() []byte { return s.derive("key-encryption key") }

// HashKey keys the hashes of request bodies.
func (s Secret) HashKey() []byte { return s.derive("request hash") }

// LookupKey keys the hashes by which a person can be looked up.
func (s Secret) LookupKey() []byte { return s.derive("look-up hash") }

// InternalToken is what the gateway shows to the services.
func (s Secret) InternalToken() string { return hex.EncodeToString(s.derive("internal token")) }

// RolePassword is the password of a database role.
func (s Secret) RolePassword(role string) string {
	return hex.EncodeToString(s.derive("database role " + role))
}
