package console

import "context"

// views are the pages by their address, each with the API calls that it stands for.
func (c *console) views() map[string]screen {
	on := func(v view, calls ...string) screen { return screen{v, calls} }
	return map[string]screen{
		"GET /{$}":                          on(c.dashboard, "GET /v1/reports/kpis", "GET /v1/reports/aging", "GET /v1/reports/denials", "GET /v1/work-items"),
		"GET /kpis/{id}":                    on(c.kpi, "GET /v1/reports/kpis"),
		"GET /receivables":                  on(c.receivables, "GET /v1/reports/aging", "GET /v1/reports/aging/rows"),
		"GET /denials":                      on(c.denials, "GET /v1/reports/denials", "GET /v1/reports/denials/rows"),
		"GET /claims":                       on(c.claimList, "GET /v1/reports/claims"),
		"GET /claims/{id}":                  on(c.claim, "GET /v1/claims/{claim_id}", "GET /v1/accounts/{account_id}"),
		"POST /claims/{id}/rescrub":         on(c.rescrub, "POST /v1/claims/{claim_id}:rescrub"),
		"POST /claims/{id}/release":         on(c.release, actsOnClaim),
		"GET /accounts/{id}":                on(c.account, "GET /v1/accounts/{account_id}", "GET /v1/claims"),
		"GET /events/{service}/{kind}/{id}": on(c.event), // by the kind: see streams
		"GET /payers":                       on(c.payers, "GET /v1/reports/payers"),
		"GET /ledger":                       on(c.ledger, "GET /v1/reports/ledger"),
		"GET /ledger/{account}":             on(c.ledgerAccount, "GET /v1/reports/legs"),
		"GET /remittances":                  on(c.remittances, "GET /v1/remittances"),
		"GET /remittances/{id}":             on(c.remittance, "GET /v1/remittances/{remittance_id}"),
		"GET /deposits":                     on(c.deposits, "GET /v1/reports/deposits"),
		"POST /deposits":                    on(c.recordDeposit, records),
		"GET /interchanges":                 on(c.interchanges, "GET /v1/interchanges"),
		"GET /interchanges/{id}":            on(c.interchange, "GET /v1/interchanges/{interchange_id}"),
		"GET /work-items":                   on(c.workItems, "GET /v1/work-items"),
		"GET /work-items/{id}":              on(c.workItem, "GET /v1/work-items/{work_item_id}"),
		"POST /work-items/{id}/assignments": on(c.assign, "POST /v1/work-items/{work_item_id}/assignments"),
		"POST /work-items/{id}/resolutions": on(c.resolve, actsOnWork),
		"GET /patients/{id}":                on(c.patient, seesPeople, "GET /v1/patients/{patient_id}/balance", "GET /v1/patients/{patient_id}/statements", "GET /v1/accounts"),
		"POST /patients/{id}/statements":    on(c.issue, issues),
		"GET /statements/{id}":              on(c.statement, "GET /v1/statements/{statement_id}"),
		"GET /statements/{id}/letter.pdf":   on(c.letter, "GET /v1/statements/{statement_id}:pdf"),
		"GET /search":                       on(c.search),
		"GET /help": on(func(context.Context, *request) (*page, error) {
			return &page{Title: "Keys and help", Body: "help"}, nil
		}),
	}
}
