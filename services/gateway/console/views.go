package console

import "context"

// views are the pages by their address. What a role may not see is in security.go.
func (c *console) views() map[string]view {
	return map[string]view{
		"GET /{$}":                          c.dashboard,
		"GET /kpis/{id}":                    c.kpi,
		"GET /receivables":                  c.receivables,
		"GET /denials":                      c.denials,
		"GET /claims":                       c.claimList,
		"GET /claims/{id}":                  c.claim,
		"POST /claims/{id}/rescrub":         c.rescrub,
		"POST /claims/{id}/release":         c.release,
		"GET /accounts/{id}":                c.account,
		"GET /events/{service}/{kind}/{id}": c.event,
		"GET /payers":                       c.payers,
		"GET /ledger":                       c.ledger,
		"GET /ledger/{account}":             c.ledgerAccount,
		"GET /remittances":                  c.remittances,
		"GET /remittances/{id}":             c.remittance,
		"GET /deposits":                     c.deposits,
		"POST /deposits":                    c.recordDeposit,
		"GET /interchanges":                 c.interchanges,
		"GET /interchanges/{id}":            c.interchange,
		"GET /work-items":                   c.workItems,
		"GET /work-items/{id}":              c.workItem,
		"POST /work-items/{id}/assignments": c.assign,
		"POST /work-items/{id}/resolutions": c.resolve,
		"GET /patients/{id}":                c.patient,
		"POST /patients/{id}/statements":    c.issue,
		"GET /statements/{id}":              c.statement,
		"GET /statements/{id}/letter.pdf":   c.letter,
		"GET /search":                       c.search,
		"GET /help": func(context.Context, *request) (*page, error) {
			return &page{Title: "Keys and help", Body: "help"}, nil
		},
	}
}
