package gateway

import (
	"net/http"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/evenkeel/evenkeel/services/gateway/session"
)

var errNobody = status.Error(codes.Unauthenticated, "Send an API key (Authorization: Bearer ek_…), or sign in to the console.")

// rights of a resource: who may read it and who may write it.
type rights struct{ read, write []string }

var (
	everybody = session.Roles
	admins    = []string{session.Admin}
	ehr       = []string{session.Admin, session.ClinicianSystem}
	billing   = []string{session.Admin, session.Biller}
	both      = []string{session.Admin, session.Biller, session.ClinicianSystem}
	money     = []string{session.Admin, session.Biller, session.Finance}
	files     = []string{session.Admin, session.Biller, session.Finance, session.ClinicianSystem}
	people    = []string{session.Admin, session.Biller, session.ClinicianSystem, session.ReadOnly} // sees who the patients are
	nobody    []string
)

// table says who may what, by the resource: the path's first part after /v1/, and its sub-resource where that differs. What is not here nobody may.
var table = map[string]rights{
	"organizations":                     {everybody, admins},
	"locations":                         {everybody, admins},
	"clinicians":                        {everybody, admins},
	"payers":                            {everybody, admins},
	"contracts":                         {money, admins},
	"patients":                          {people, both},
	"patients:search":                   {people, people},
	"patients/balance":                  {people, nobody},
	"patients/statements":               {people, billing},
	"coverages":                         {people, both},
	"coverages/eligibility-checks":      {people, both},
	"eligibility-checks":                {people, nobody},
	"appointments":                      {people, both},
	"authorizations":                    {people, both},
	"authorization-requirements":        {everybody, nobody},
	"encounters":                        {people, ehr},
	"encounters/coder-answers":          {people, billing},
	"claims":                            {everybody, billing},
	"accounts":                          {everybody, nobody},
	"accounts/voids":                    {nobody, billing},
	"accounts/underpayment-acceptances": {nobody, money},
	"remittances":                       {money, billing},
	"deposits":                          {money, money},
	"patient-payments":                  {everybody, both},
	"patient-payments/refunds":          {nobody, money},
	"patient-payments/reversals":        {nobody, money},
	"work-items":                        {everybody, billing},
	"statements":                        {people, billing},
	"interchanges":                      {files, both},     // who sends a file sees what became of it
	"interchanges/segments":             {billing, nobody}, // reads PHI, as the next
	"interchanges:content":              {billing, nobody},
	"reports":                           {everybody, nobody},
	"reports/deposits":                  {money, nobody},
	"platform":                          {admins, nobody},
	"sandbox":                           {ehr, ehr},
}

// May is the table for the console: a page stands for calls, and who may make them may use the page.
func May(role, method, pattern string) bool { return may(role, method, pattern) }

// may says whether a role may call a method of a path template.
func may(role, method, pattern string) bool {
	rest, ok := strings.CutPrefix(pattern, "/v1/")
	if !ok {
		return false
	}
	r, ok := table[resource(rest)]
	if !ok {
		return false
	}
	if method == http.MethodGet || method == http.MethodHead {
		return slices.Contains(r.read, role)
	}
	return slices.Contains(r.write, role)
}

// resource is the row of the table: for patients/{patient_id}/statements patients/statements if there is one, for reports/deposits and interchanges/{interchange_id}:content
// reports/deposits and interchanges:content if there is one, else that of the first part.
func resource(path string) string {
	parts := strings.Split(path, "/")
	name := parts[0]
	if _, ok := table[name]; !ok {
		name, _, _ = strings.Cut(name, ":")
	}
	if len(parts) == 2 {
		if _, ok := table[path]; ok {
			return path
		}
		if _, verb, ok := strings.Cut(parts[1], ":"); ok {
			if _, ok := table[name+":"+verb]; ok {
				return name + ":" + verb
			}
		}
	}
	if len(parts) > 2 {
		sub, _, _ := strings.Cut(parts[2], ":")
		if _, ok := table[name+"/"+sub]; ok {
			return name + "/" + sub
		}
	}
	return name
}
