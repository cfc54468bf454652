// Package console is the pages people work with: what the group is owed, why, and what to do next.
//
// Pages are rendered on the server and work without JavaScript; every read goes through the services' gRPC methods on behalf of who is signed in, so that a page shows what the API
// tells. Words: a table is what a page lists (and what its CSV holds, row for row); a why is the link from a number to what it is made of: chart, rows, claim, account, leg, event,
// segment of a file. Filters, order and the as-of date live in the address. Amounts are printed by pkg/money alone.
//
// Promises, each tried by services/tests/ui: no page runs a script or style of its own (the policy in security.go; console.test.mjs counts violations in both themes), a form that
// another site sends is refused, the CSV holds the rows of the page (TestPages); here: a role sees no page that the API refuses it (TestRoles).
package console
