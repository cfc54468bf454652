// Package gateway is the edge: REST and OpenAPI for integrators, the console for people, both over the services' gRPC methods.
//
// It owns no stream and decides nothing about money or patients: it says who is calling (session), what that role may call (roles.go), and in which form answers go out. Every error
// is an RFC 9457 problem document with all reasons at once. Every write carries an Idempotency-Key; what a caller has written, the same caller's next read sees.
//
// Invariants, each with its test in this folder:
//  1. A tenant comes from the credential alone.
//  2. A method without a row in the table of roles is refused for everybody.
//  3. Nothing is answered in another form than JSON of the .proto files or a problem document (pages apart).
package gateway
