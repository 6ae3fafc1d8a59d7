package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// ask requests a credential from our component through daprd.
func (p *testbed) ask(ctx context.Context, store, guid string) (outcome, string, error) {
	address := p.daprd.URL("/v1.0/secrets/" + store + "/" + url.PathEscape(guid) + "?metadata.format=json")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return outcome{}, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return outcome{}, "", err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		return outcome{code: codeOf(string(body))}, string(body), err
	}
	var entries map[string]string
	if err := json.Unmarshal(body, &entries); err != nil {
		return outcome{}, "", err
	}
	o, err := outcomeOf(entries["_value"])
	return o, entries["_value"], err
}

var ourCode = regexp.MustCompile(`code = (\w+) desc = credential`)

// codeOf returns our code in daprd's answer. Without a code, the error does not come from our
// component.
func codeOf(body string) string {
	if found := ourCode.FindStringSubmatch(body); found != nil {
		return found[1]
	}
	return "none of ours"
}

func outcomeOf(text string) (outcome, error) {
	value, err := decode(text)
	if err != nil {
		return outcome{}, fmt.Errorf("an answer that is not JSON: %w", err)
	}
	credential, ok := value.(*object)
	if !ok {
		return outcome{}, fmt.Errorf("an answer that is no object")
	}
	return outcome{credential: credential}, nil
}

// finding is the result of one case.
type finding struct {
	equal  bool
	digits bool        // equal except for the notation of numbers
	kinds  []departure // the departures that explain the difference
	wrong  string      // a difference that no departure explains
}

// compare uses the model to predict both answers. An answer that differs from its prediction is
// wrong. So every difference between the answers is explained by departures: those that change
// the model's answer when they are enabled one after another.
func compare(v version, c testCase, s secrets, theirs, ours outcome) finding {
	config := c.object()
	same := func(a, b outcome, rounded bool) bool {
		if a.failed() || b.failed() {
			return a.failed() == b.failed()
		}
		return equalCredentials(a.credential, b.credential, config, rounded)
	}
	var f finding
	switch {
	case same(theirs, ours, false):
		f.equal = true
	case same(theirs, ours, true):
		f.digits = true
	}
	on := v.rules()
	last := model{s, v.number, on}.resolve(c)
	if !same(theirs, last, true) {
		f.wrong = "the original answers otherwise than the model of it: " + show(last)
	}
	for _, d := range departures {
		on[d] = true
		next := model{s, v.number, on}.resolve(c)
		if !same(last, next, false) {
			f.kinds = append(f.kinds, d)
		}
		last = next
	}
	if !same(ours, last, false) || ours.code != last.code {
		f.wrong += "we answer otherwise than DESIGN.md says: " + show(last)
	}
	return f
}

// object returns the case's config: nil if it is not an object, and empty if there is no
// config.
func (c testCase) object() *object {
	value, err := decode(c.config)
	if err != nil || !c.hasConfig {
		return &object{}
	}
	config, _ := value.(*object)
	return config
}

// compareDefault uses the model to predict the answer with the default literalFields. It
// returns the fields that differ from the answer with "none".
func compareDefault(c testCase, s secrets, none, got outcome) (changed []string, wrong string) {
	on := map[departure]bool{literalFields: true}
	for _, d := range departures {
		on[d] = true
	}
	want := model{s, 0, on}.resolve(c)
	if want.failed() || got.failed() || none.failed() {
		if want.code != got.code || none.code != got.code {
			wrong = "with literalFields' default we answer otherwise than DESIGN.md says: " + show(want)
		}
		return nil, wrong
	}
	if !equalCredentials(want.credential, got.credential, c.object(), false) {
		wrong = "with literalFields' default we answer otherwise than DESIGN.md says: " + show(want)
	}
	for _, f := range got.credential.fields {
		if before, _ := none.credential.get(f.name); encode(before) != encode(f.value) {
			changed = append(changed, f.name)
		}
	}
	return changed, wrong
}

func show(o outcome) string {
	if o.failed() {
		return o.code
	}
	text := encode(o.credential)
	if len(text) > 2000 {
		text = text[:2000] + "…"
	}
	return text
}

// describe returns everything about a wrong case.
func describe(c testCase, f finding, theirs, ours string) string {
	return fmt.Sprintf("%s\n  config   %.2000s\n  original %.2000s\n  ours     %.2000s\n  %s", c.guid, c.config, theirs, strings.TrimSpace(ours), f.wrong)
}
