package store

import (
	"fmt"
	"reflect"
	"unsafe"
)

// Private returns an unexported field of a struct in another package. contrib makes its own
// clients and accepts no dialer, so this is how a store gets a client with bounds (package
// internal/wirelimit). It panics if the field is absent or has another type, which an update
// of contrib may cause. The stores' tests would show that.
func Private[T any](of any, name string) *T {
	field := reflect.ValueOf(of).Elem().FieldByName(name)
	if !field.IsValid() || field.Type() != reflect.TypeFor[T]() {
		panic(fmt.Sprintf("backend: %T has no field %s of type %v", of, name, reflect.TypeFor[T]()))
	}
	return (*T)(unsafe.Pointer(field.UnsafeAddr())) //nolint:gosec // the type was compared
}
