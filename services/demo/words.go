package demo

// Names that nobody has, so that nobody takes a demo patient for a person.
var (
	firstNames = []string{
		"Acacia", "Alder", "Aster", "Basil", "Birch", "Bluebell", "Bramble", "Briar", "Calla", "Camellia", "Cedar", "Clover", "Coriander", "Cypress", "Dahlia", "Elder",
		"Fennel", "Fern", "Gentian", "Hawthorn", "Hazel", "Heather", "Hickory", "Indigo", "Jasmine", "Juniper", "Larch", "Laurel", "Linden", "Lotus", "Magnolia", "Maple",
		"Marigold", "Marjoram", "Myrtle", "Oakley", "Oleander", "Olive", "Pepper", "Periwinkle", "Petunia", "Quince", "Reed", "Rosemary", "Rowan", "Saffron", "Sage", "Sorrel",
		"Tansy", "Thistle", "Thyme", "Verbena", "Willow", "Yarrow", "Zinnia",
	}
	lastNames = []string{
		"Testwell", "Samplesen", "Mockridge", "Fauxley", "Demofield", "Placeholt", "Notreal", "Pretendo", "Fixturova", "Stubbins", "Dummett", "Exampleby", "Trialson", "Makebelief",
		"Inventado", "Fictional", "Sandboxton", "Nobodyson", "Phantomas", "Imaginary", "Standin", "Blankenfill", "Lorem", "Ipsumson", "Dolorsit", "Ametov", "Fooberg", "Barbaz",
		"Quxley", "Plughart", "Xyzzy", "Thudworth", "Gruntle", "Wibbleton", "Wobblesby", "Nonesuch",
	}
	streets = []string{"Example", "Sample", "Placeholder", "Fixture", "Mockingbird Test", "Sandbox", "Trial", "Demo"}
	cities  = []struct{ city, zip string }{{"Chicago", "60601"}, {"Evanston", "60201"}, {"Naperville", "60540"}, {"Oak Park", "60302"}, {"Aurora", "60502"}}

	// ICD-10-CM, without dots.
	diagnoses = []string{"F411", "F331", "F321", "F4310", "F4323", "F900", "F4010", "F429", "F410", "F340"}
)
