package golden

import (
	"reflect"

	"github.com/evenkeel/evenkeel/pkg/x12"
)

// Strip takes byte ranges and segment ordinals out of a typed value, given by pointer: what is left must survive writing and reading.
func Strip[T any](v *T) *T {
	strip(reflect.ValueOf(v))
	return v
}

func strip(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			strip(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			strip(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[x12.Source]() {
			v.SetZero()
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "Segment" && v.Field(i).Kind() == reflect.Int {
				v.Field(i).SetZero()
				continue
			}
			strip(v.Field(i))
		}
	}
}
