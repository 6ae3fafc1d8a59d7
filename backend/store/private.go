package store

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Private returns a field of a struct that the struct's package keeps to itself. contrib
// makes its clients by itself and takes no dialer; this is the way to give a store a
// client that is bounded (package internal/wirelimit). It panics if the field is not there
// or has another type, as after an update of contrib: the stores' tests see it.
func Private[T any](of any, name string) *T {
	field := reflect.ValueOf(of).Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		panic(fmt.Sprintf("backend: %T has no field %s of type %v", of, name, reflect.TypeFor[T]()))
	}
	return (*T)(unsafe.Pointer(field.UnsafeAddr())) //nolint:gosec // the type was compared
}
