package console

// chart is a drawing with the table that says the same.
type chart struct{ Title string }
