package main

import "fmt"

// byFields returns subjects with different numbers of fields, each with and without the cache.
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

// byFieldsAt is the setting for these subjects. One request at a time shows the cost of each.
func byFieldsAt() setting { return setting{overGRPC, 1} }
