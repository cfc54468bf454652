package console

import "context"

// views are the pages by their address, each with the API calls that it stands for.
func (c *console) views() map[string]screen {
	on := func(v view, calls ...string) screen { return screen{v, calls} }
	return map[string]screen{
		"GET /{$}":                                     on(c.dashboard, "GET /v1/reports/kpis", "GET /v1/reports/aging", "GET /v1/reports/denials", "GET /v1/work-items"),
		"GET /kpis/{id}":                               on(c.kpi, "GET /v1/reports/kpis"),
		"GET /receivables":                             on(c.receivables, "GET /v1/reports/aging", "GET /v1/reports/aging/rows"),
		"GET /denials":                                 on(c.denials, "GET /v1/reports/denials", "GET /v1/reports/denials/rows"),
		"GET /claims":                                  on(c.claimList, "GET /v1/reports/claims"),
		"GET /claims/{id}":                             on(c.claim, "GET /v1/claims/{claim_id}", "GET /v1/accounts/{account_id}"),
		"POST /claims/{id}/rescrub":                    on(c.rescrub, "POST /v1/claims/{claim_id}:rescrub"),
		"POST /claims/{id}/release":                    on(c.release, "POST /v1/claims/{claim_id}/releases"),
		"POST /claims/{id}/status-reports":             on(c.reportStatus, "POST /v1/claims/{claim_id}/status-reports"),
		"POST /claims/{id}/corrections":                on(c.correct, "POST /v1/claims/{claim_id}/corrections"),
		"POST /claims/{id}/voids":                      on(c.voidClaim, "POST /v1/claims/{claim_id}/voids"),
		"GET /accounts/{id}":                           on(c.account, "GET /v1/accounts/{account_id}", "GET /v1/claims"),
		"POST /accounts/{id}/underpayment-acceptances": on(c.acceptUnderpayment, "POST /v1/accounts/{account_id}/underpayment-acceptances"),
		"POST /accounts/{id}/voids":                    on(c.voidCharge, "POST /v1/accounts/{account_id}/voids"),
		"GET /encounters/{id}":                         on(c.encounter, "GET /v1/encounters/{encounter_id}"),
		"POST /encounters/{id}/coder-answers":          on(c.answerQuery, "POST /v1/encounters/{encounter_id}/coder-answers"),
		"GET /appointments/{id}":                       on(c.appointment, "GET /v1/appointments/{appointment_id}"),
		"POST /appointments/{id}/no-shows":             on(c.noShow, "POST /v1/appointments/{appointment_id}/no-shows"),
		"POST /appointments/{id}/cancellations":        on(c.cancelVisit, "POST /v1/appointments/{appointment_id}/cancellations"),
		"GET /patient-payments/{id}":                   on(c.payment, "GET /v1/patient-payments"),
		"POST /patient-payments/{id}/refunds":          on(c.refund, "POST /v1/patient-payments/{patient_payment_id}/refunds"),
		"POST /patient-payments/{id}/reversals":        on(c.reversePayment, "POST /v1/patient-payments/{patient_payment_id}/reversals"),
		"GET /events/{service}/{kind}/{id}":            on(c.event), // by the kind: see streams
		"GET /payers":                                  on(c.payers, "GET /v1/reports/payers"),
		"GET /legs":                                    on(c.legs, "GET /v1/reports/legs"),
		"GET /ledger":                                  on(c.ledger, "GET /v1/reports/ledger"),
		"GET /ledger/{account}":                        on(c.ledgerAccount, "GET /v1/reports/legs"),
		"GET /remittances":                             on(c.remittances, "GET /v1/remittances"),
		"GET /remittances/{id}":                        on(c.remittance, "GET /v1/remittances/{remittance_id}"),
		"GET /deposits":                                on(c.deposits, "GET /v1/reports/deposits"),
		"POST /deposits":                               on(c.recordDeposit, "POST /v1/deposits"),
		"GET /deposits/{id}":                           on(c.deposit, "GET /v1/deposits", "GET /v1/reports/deposits"),
		"POST /deposits/{id}/reversals":                on(c.reverseDeposit, "POST /v1/deposits/{deposit_id}/reversals"),
		"GET /interchanges":                            on(c.interchanges, "GET /v1/interchanges"),
		"GET /interchanges/{id}":                       on(c.interchange, "GET /v1/interchanges/{interchange_id}"),
		"GET /work-items":                              on(c.workItems, "GET /v1/work-items"),
		"GET /work-items/{id}":                         on(c.workItem, "GET /v1/work-items/{work_item_id}"),
		"POST /work-items/{id}/assignments":            on(c.assign, "POST /v1/work-items/{work_item_id}/assignments"),
		"POST /work-items/{id}/resolutions":            on(c.resolve, "POST /v1/work-items/{work_item_id}/resolutions"),
		"GET /patients/{id}":                           on(c.patient, seesPeople, "GET /v1/patients/{patient_id}/balance", "GET /v1/patients/{patient_id}/statements", "GET /v1/accounts", "GET /v1/patient-payments"),
		"POST /patients/{id}/statements":               on(c.issue, "POST /v1/patients/{patient_id}/statements"),
		"POST /patients/{id}/payments":                 on(c.receive, "POST /v1/patient-payments"),
		"GET /statements/{id}":                         on(c.statement, "GET /v1/statements/{statement_id}"),
		"GET /statements/{id}/letter.pdf":              on(c.letter, "GET /v1/statements/{statement_id}:pdf"),
		"GET /search":                                  on(c.search),
		"GET /help": on(func(context.Context, *request) (*page, error) {
			return &page{Title: "Keys and help", Body: "help"}, nil
		}),
	}
}
