package demo

import (
	"maps"
	"slices"

	registryv1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/registry/v1"
	"github.com/evenkeel/evenkeel/pkg/money"
)

const (
	supervisorRenders = registryv1.SupervisedBilling_SUPERVISED_BILLING_SUPERVISOR_RENDERS
	bothNamed         = registryv1.SupervisedBilling_SUPERVISED_BILLING_RENDERING_WITH_SUPERVISOR
)

// Keys of payers that the plan speaks of.
const (
	medicalPlan = "summit"     // its members hold its cards; their behavioral services are another's, which the group learns by asking
	behavioral  = "clearwater" // runs the behavioral services of medicalPlan
)

// modifierLearned is the day on which the group learns which telehealth modifier the behavioral payer wants. Until then such claims are denied.
const modifierLearned = 3 * daysOfWeek

// payers of the sandbox, in the order in which they are registered. What they pay is checked against their own plans by services/tests/demo.
var payers = []payer{
	{
		key: "evergreen", card: "EVG", share: 34, copay: 2000, secondary: "state", secondaries: 20,
		request: &registryv1.RegisterPayerRequest{Name: "Evergreen Health Plan", EdiPayerId: "EVG01", FilingIndicator: "CI", ReceiverId: "EVERGREEN"},
		contracted: map[string]int64{
			"90791": 17500, "90792": 21000, "90832": 7500, "90834": 10000, "90837": 14000, "90846": 11000, "90847": 11500, "90853": 4000, "99213": 9000, "99214": 13000,
		},
		policies: []learned{{0, &registryv1.SetPayerPolicyRequest{
			FromDate: "2024-01-01", TimelyFilingDays: 180, TelehealthModifier: "95", AudioModifier: "93", SupervisedBilling: supervisorRenders, GroupSizeMax: 12, TelehealthCovered: true,
		}}},
	},
	{
		key: "harbor", card: "HRB", share: 26, secondary: "evergreen", secondaries: 22,
		request:    &registryv1.RegisterPayerRequest{Name: "Harbor Mutual", EdiPayerId: "HRB02", FilingIndicator: "BL", ReceiverId: "HARBOR"},
		contracted: map[string]int64{"90791": 16000, "90834": 9500, "90837": 13000, "90853": 3800},
		masters:    map[string]int64{"90834": 8500, "90837": 11500},
		policies: []learned{{0, &registryv1.SetPayerPolicyRequest{
			FromDate: "2024-01-01", TimelyFilingDays: 90, AuthorizationCodes: []string{"90837", "96130", "97153", "H0015", "H0035"}, TelehealthModifier: "95", AudioModifier: "93",
			SupervisedBilling: bothNamed, GroupSizeMax: 10, TelehealthCovered: true,
			LicenseModifiers: []*registryv1.LicenseModifier{
				{LicenseType: socialWorker, Modifier: mastersLevel}, {LicenseType: familyTherapy, Modifier: mastersLevel}, {LicenseType: counselor, Modifier: mastersLevel},
				{LicenseType: associate, Modifier: mastersLevel},
			},
		}}},
	},
	{
		key: medicalPlan, card: "SUM", share: 18, secondary: "evergreen", secondaries: 15,
		request: &registryv1.RegisterPayerRequest{Name: "Summit Medical", EdiPayerId: "SUM03", FilingIndicator: "CI", ReceiverId: "SUMMIT"},
		policies: []learned{{0, &registryv1.SetPayerPolicyRequest{
			FromDate: "2024-01-01", TimelyFilingDays: 180, TelehealthModifier: "95", AudioModifier: "93", SupervisedBilling: supervisorRenders, TelehealthCovered: true,
		}}},
	},
	{
		key: behavioral, card: "CLR", copay: 1500,
		request:    &registryv1.RegisterPayerRequest{Name: "Clearwater Behavioral", EdiPayerId: "CLR04", FilingIndicator: "CI", ReceiverId: "CLEARWATER"},
		contracted: map[string]int64{"90791": 16500, "90832": 7000, "90834": 9800, "90837": 13500, "90847": 11000, "90853": 3900},
		policies: []learned{
			{0, &registryv1.SetPayerPolicyRequest{
				FromDate: "2024-01-01", TimelyFilingDays: 120, AuthorizationCodes: []string{"H0015", "H0035", "97153"}, SupervisedBilling: bothNamed, GroupSizeMax: 12, TelehealthCovered: true,
			}},
			{modifierLearned, &registryv1.SetPayerPolicyRequest{
				TimelyFilingDays: 120, AuthorizationCodes: []string{"H0015", "H0035", "97153"}, TelehealthModifier: "95", AudioModifier: "95", SupervisedBilling: bothNamed, GroupSizeMax: 12,
				TelehealthCovered: true,
			}},
		},
	},
	{
		key: "state", card: "STM", share: 14,
		request:    &registryv1.RegisterPayerRequest{Name: "State Medicaid", EdiPayerId: "STM05", FilingIndicator: "MC", ReceiverId: "STATEMCD"},
		contracted: map[string]int64{"90791": 12000, "90832": 5500, "90834": 7200, "90837": 10500, "90853": 2500},
		policies: []learned{{0, &registryv1.SetPayerPolicyRequest{
			FromDate: "2024-01-01", TimelyFilingDays: 365, AuthorizationCodes: []string{"97153"}, SupervisedBilling: supervisorRenders, GroupSizeMax: 12, TelehealthCovered: true,
		}}},
	},
}

// mastersLevel is the modifier of clinicians with a master's degree.
const mastersLevel = "HO"

// otherwise is what the contracts allow of the charge for a code without a price of its own, in millionths.
const otherwise = 800_000

// Rates are what the payer of an EDI payer id agreed to, in cents a unit; none: there is no contract.
func Rates(ediPayerID string) []*registryv1.AllowedPrice {
	for i := range payers {
		if payers[i].request.EdiPayerId == ediPayerID {
			return payers[i].rates(1_000_000)
		}
	}
	return nil
}

// rates of a contract, as a share of what holds now.
func (p *payer) rates(millionths int32) []*registryv1.AllowedPrice {
	if len(p.contracted) == 0 {
		return nil
	}
	var out []*registryv1.AllowedPrice
	for _, code := range slices.Sorted(maps.Keys(prices)) {
		cents, priced := p.contracted[code]
		if !priced {
			cents = money.Share(prices[code], otherwise)
		}
		out = append(out, &registryv1.AllowedPrice{ServiceCode: code, Allowed: money.Of(money.Share(cents, millionths))})
		if cents, priced := p.masters[code]; priced {
			out = append(out, &registryv1.AllowedPrice{ServiceCode: code, Modifier: mastersLevel, Allowed: money.Of(money.Share(cents, millionths))})
		}
	}
	return out
}

// Price is what the group charges for a unit, in cents; 0: it does not give that service.
func Price(code string) int64 { return prices[code] }

// Copay is what the group takes at the desk from members of the payer of an EDI payer id, in cents.
func Copay(ediPayerID string) int64 {
	for i := range payers {
		if payers[i].request.EdiPayerId == ediPayerID {
			return payers[i].copay
		}
	}
	return 0
}
