// Package check refuses values that a program must not give, where it gives them.
package check

import (
	"fmt"
	"reflect"
	"time"
)

// NotNil returns an error if v, whose name is what, is nil.
func NotNil(what string, v any) error {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Invalid:
	case reflect.Chan, reflect.Func, reflect.Interface, reflect.Map, reflect.Pointer, reflect.Slice, reflect.UnsafePointer:
		if !r.IsNil() {
			return nil
		}
	default:
		return nil
	}
	return fmt.Errorf("%s is nil", what)
}

// NotNegative returns an error if the field with this name is negative.
func NotNegative[T int | time.Duration](field string, v T) error {
	if v < 0 {
		return fmt.Errorf("%s: %v must not be negative", field, v)
	}
	return nil
}

// Must panics with the first error that is not nil.
func Must(errs ...error) {
	for _, err := range errs {
		if err != nil {
			panic("eddy: " + err.Error())
		}
	}
}
