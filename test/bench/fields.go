package main

import "fmt"

// byFields are subjects that differ in how many fields the config has, each with
// and without the cache.
func byFields() []subject {
	var subjects []subject
	for _, n := range fieldCounts() {
		for _, store := range []string{cachedFile, uncachedFile} {
			title := fmt.Sprintf("%d fields, %s", n, store)
			subjects = append(subjects, one(fieldsID(store, n), title, store, fieldsGUID(n), fieldsAnswer(n)))
		}
	}
	return subjects
}

func fieldsID(store string, n int) string { return fmt.Sprintf("%s %d", store, n) }

// byFieldsAt is where they are measured: one request at a time shows what each
// costs.
func byFieldsAt() place { return place{overGRPC, 1} }
