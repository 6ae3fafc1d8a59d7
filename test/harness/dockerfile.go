package harness

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
)

// Instruction returns the words of an instruction of a Dockerfile, such as ENTRYPOINT, that has the
// form of a JSON list.
func Instruction(dockerfile, name string) (words []string, err error) {
	text, err := os.ReadFile(dockerfile)
	if err != nil {
		return nil, err
	}
	match := regexp.MustCompile(`(?m)^` + name + ` (\[.*\])$`).FindSubmatch(text)
	if match == nil {
		return nil, fmt.Errorf("%s has no %s", dockerfile, name)
	}
	err = json.Unmarshal(match[1], &words)
	return words, err
}
