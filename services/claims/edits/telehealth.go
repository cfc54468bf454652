package edits

import (
	"cmp"
	"slices"

	pb "github.com/evenkeel/evenkeel/api/gen/evenkeel/claims/v1"
	typev1 "github.com/evenkeel/evenkeel/api/gen/evenkeel/type/v1"
)

var (
	telehealth          = []string{"95", "GT", "GQ", "93", "FQ"}
	telehealthPlaceFrom = "2024-01-01"
)

func isTelehealth(m string) bool { return slices.Contains(telehealth, m) }

func telehealthPlace(c *pb.ClaimContent, _ Facts, say Say) {
	for i, l := range c.Lines {
		p := place(c, l)
		if c.ServiceDate >= telehealthPlaceFrom && p != "02" && p != "10" && slices.ContainsFunc(l.Modifiers, isTelehealth) {
			say(at(i, "place_of_service"), "a telehealth modifier at place %s: telehealth is 02 or 10", p)
		}
	}
}

const audio = typev1.Modality_MODALITY_AUDIO_PATIENT_HOME

func isPlace(p string) bool { return p == "02" || p == "10" }

func telehealthModifier(c *pb.ClaimContent, f Facts, say Say) {
	want, how := f.Policy.GetTelehealthModifier(), "video"
	if f.Modality == audio {
		want, how = f.Policy.GetAudioModifier(), "audio only"
	}
	if want == "" {
		return
	}
	for i, l := range c.Lines {
		if isPlace(place(c, l)) && !slices.ContainsFunc(l.Modifiers, isTelehealth) {
			say(at(i, "modifiers"), "telehealth without a modifier: the payer wants %s on %s (policy of %s)", want, how, f.Policy.FromDate)
		}
	}
}

// Taxonomies of those who may say FQ. Source: NUCC, bare codes.
var ruralOrQualified = []string{"261QR1300X", "261QF0400X"}

func telehealthFits(c *pb.ClaimContent, f Facts, say Say) {
	for i, l := range c.Lines {
		for _, m := range l.Modifiers {
			switch {
			case !isTelehealth(m):
			case m == "FQ" && !slices.Contains(ruralOrQualified, c.BillingProvider.GetTaxonomy()):
				say(at(i, "modifiers"), "FQ is for rural and federally qualified health centers: correct it to 93, or the organization's taxonomy")
			case f.Modality == typev1.Modality_MODALITY_UNSPECIFIED:
				policy := []string{f.Policy.GetTelehealthModifier(), f.Policy.GetAudioModifier()}
				if (m == "GT" || m == "GQ") && !slices.Contains(policy, m) {
					say(at(i, "modifiers"), "%s, which the payer's policy does not ask for: correct it to 95 on video, 93 on audio only", m)
				}
			case f.Modality == typev1.Modality_MODALITY_IN_PERSON:
				say(at(i, "modifiers"), "%s on a visit in person: take it off", m)
			default:
				fits, how := cmp.Or(f.Policy.GetTelehealthModifier(), "95"), "video"
				if f.Modality == audio {
					fits, how = cmp.Or(f.Policy.GetAudioModifier(), "93"), "audio only"
				}
				if m != fits && !(m == "FQ" && f.Modality == audio) {
					say(at(i, "modifiers"), "%s on a visit by %s: it takes %s", m, how, fits)
				}
			}
		}
	}
}

func telehealthPlaceFits(c *pb.ClaimContent, f Facts, say Say) {
	if c.ServiceDate < telehealthPlaceFrom {
		return
	}
	for i, l := range c.Lines {
		p := place(c, l)
		switch f.Modality {
		case typev1.Modality_MODALITY_IN_PERSON:
			if isPlace(p) {
				say(at(i, "place_of_service"), "%s on a visit in person: it takes the location's place", p)
			}
		case typev1.Modality_MODALITY_VIDEO_ELSEWHERE:
			if p != "02" {
				say(at(i, "place_of_service"), "%s on a telehealth visit with the patient not at home: it takes 02", p)
			}
		case typev1.Modality_MODALITY_VIDEO_PATIENT_HOME, audio:
			if p != "10" {
				say(at(i, "place_of_service"), "%s on a telehealth visit with the patient at home: it takes 10", p)
			}
		}
	}
}
