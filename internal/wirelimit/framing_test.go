package wirelimit_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"credential-resolver/internal/wirelimit"
)

var framings = map[string]func() wirelimit.Framing{
	"postgres": wirelimit.Postgres, "mysql": wirelimit.MySQL, "redis": wirelimit.Redis, "mongo": wirelimit.Mongo,
}

// follow passes a text to a framing in pieces of a given length. It returns the last result.
func follow(f wirelimit.Framing, text string, piece int) (last wirelimit.Progress, cost int64, err error) {
	for len(text) > 0 {
		n := min(piece, len(text))
		last, err = f.Arrived([]byte(text[:n]))
		if err != nil {
			return last, cost, err
		}
		cost += last.Cost
		text = text[n:]
	}
	return last, cost, nil
}

const (
	mongoReply = "\x21\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00" +
		"\x0c\x00\x00\x00\x10a\x00\x01\x00\x00\x00\x00"
	mongoHead = "\x00\x00\x10\x00\x01\x00\x00\x00\x02\x00\x00\x00\xdd\x07\x00\x00\x00\x00\x00\x00\x00"
)

// answers are texts that servers send, with the expected results.
var answers = map[string]struct {
	framing, text string
	want          error
	done          bool
	ahead         int64
}{
	"a postgres answer":                           {"postgres", "C\x00\x00\x00\x05\x00Z\x00\x00\x00\x05I", nil, true, 0},
	"half a postgres answer":                      {"postgres", "D\x00\x00\x00\x0a\x00\x01\x00\x00", nil, false, 2},
	"a postgres row of 1 GiB":                     {"postgres", "D\x3f\xff\xff\xff\x00\x01", wirelimit.ErrTooLarge, false, 0},
	"a postgres error of 1 MiB":                   {"postgres", "E\x00\x10\x00\x00", wirelimit.ErrTooLarge, false, 0},
	"an HTTP page instead of postgres":            {"postgres", "HTTP/1.1 400 Bad Request\r\n", wirelimit.ErrTooLarge, false, 0},
	"a postgres length that is too small":         {"postgres", "Z\x00\x00\x00\x03", wirelimit.ErrMalformed, false, 0},
	"too many postgres columns":                   {"postgres", "T\x00\x00\xff\xff\xff\xff", wirelimit.ErrTooLarge, false, 0},
	"a mysql answer":                              {"mysql", "\x07\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00", nil, true, 0},
	"a mysql result":                              {"mysql", "\x01\x00\x00\x01\x01\x01\x00\x00\x02a\x01\x00\x00\x03\xfe\x01\x00\x00\x04b\x01\x00\x00\x05\xfe", nil, true, 0},
	"half a mysql result":                         {"mysql", "\x01\x00\x00\x01\x01\x01\x00\x00\x02a\x01\x00\x00\x03\xfe\xff\x00\x00\x04b", nil, false, 254},
	"too many mysql columns":                      {"mysql", "\x09\x00\x00\x01\xfe\x00\x00\x00\x08\x00\x00\x00\x00", wirelimit.ErrTooLarge, false, 0},
	"half a mysql number":                         {"mysql", "\x02\x00\x00\x01\xfe\x00", wirelimit.ErrMalformed, false, 0},
	"a mysql packet of 16 MiB":                    {"mysql", "\xff\xff\xff\x04", wirelimit.ErrTooLarge, false, 0},
	"a mysql error of 1 MiB":                      {"mysql", "\x00\x00\x10\x04\xff", wirelimit.ErrTooLarge, false, 0},
	"a redis answer":                              {"redis", "*2\r\n$1\r\na\r\n%1\r\n+b\r\n:1\r\n", nil, true, 0},
	"a null from redis":                           {"redis", "$-1\r\n", nil, true, 0},
	"an empty redis array":                        {"redis", "*2\r\n*0\r\n$0\r\n\r\n", nil, true, 0},
	"half a redis string":                         {"redis", "$10\r\nabc", nil, false, 9},
	"half a redis array":                          {"redis", "*2\r\n+a\r\n", nil, false, 0},
	"a redis push":                                {"redis", ">1\r\n+a\r\n", nil, false, 0},
	"a redis answer after a push":                 {"redis", ">1\r\n+a\r\n+b\r\n", nil, true, 0},
	"a redis string of 1 GiB":                     {"redis", "$1073741824\r\n", wirelimit.ErrTooLarge, false, 0},
	"a negative redis length":                     {"redis", "*-2\r\n", wirelimit.ErrMalformed, false, 0},
	"an HTTP page instead of redis":               {"redis", "HTTP/1.1 400 Bad Request\r\n", wirelimit.ErrMalformed, false, 0},
	"a mongo answer":                              {"mongo", mongoReply, nil, true, 0},
	"half a mongo answer":                         {"mongo", mongoReply[:30], nil, false, 3},
	"only a mongo length":                         {"mongo", "\x00\x00\x10\x00", nil, false, 1<<20 - 4},
	"a mongo message of 2 GiB":                    {"mongo", "\xff\xff\xff\x7f", wirelimit.ErrTooLarge, false, 0},
	"a mongo message that is too short":           {"mongo", "\x0f\x00\x00\x00", wirelimit.ErrMalformed, false, 0},
	"a compressed mongo message":                  {"mongo", "\x40\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\xdc\x07\x00\x00", wirelimit.ErrMalformed, false, 0},
	"an HTTP page instead of mongo":               {"mongo", "HTTP/1.1 400 Bad Request\r\n", wirelimit.ErrTooLarge, false, 0},
	"an unknown kind of BSON":                     {"mongo", mongoHead + "\xff\xff\x00\x00\x20a\x00", wirelimit.ErrMalformed, false, 0},
	"mongo documents nested too deeply":           {"mongo", mongoHead + nested(101), wirelimit.ErrTooLarge, false, 0},
	"a mysql result without rows so far":          {"mysql", "\x01\x00\x00\x01\x01\x01\x00\x00\x02a\x01\x00\x00\x03\xfe", nil, false, 0},
	"a first mysql packet of 1 MiB":               {"mysql", "\x00\x00\x10\x01", wirelimit.ErrTooLarge, false, 0},
	"half a redis map":                            {"redis", "%1\r\n+a\r\n", nil, false, 0},
	"redis arrays nested too deeply":              {"redis", strings.Repeat("*1\r\n", 17), wirelimit.ErrTooLarge, false, 0},
	"redis arrays nested as deeply as allowed":    {"redis", strings.Repeat("*1\r\n", 16), nil, false, 0},
	"an endless redis line":                       {"redis", "+" + strings.Repeat("x", 64<<10), wirelimit.ErrTooLarge, false, 0},
	"a negative mongo length":                     {"mongo", mongoHead + "\xff\xff\x00\x00\x02a\x00\xff\xff\xff\xff", wirelimit.ErrMalformed, false, 0},
	"mongo documents nested as deeply as allowed": {"mongo", mongoHead + nested(100), nil, false, 1<<20 - int64(len(mongoHead)) - 600},
}

func nested(depth int) string {
	var text string
	for range depth {
		text += "\xff\x00\x00\x00\x03\x00"
	}
	return text
}

func TestFramingFollowsAnswers(t *testing.T) {
	for name, test := range answers {
		t.Run(name, func(t *testing.T) {
			for piece := 1; piece <= len(test.text); piece += 1 + len(test.text)/1000 {
				progress, _, err := follow(framings[test.framing](), test.text, piece)
				require.ErrorIs(t, err, test.want, "in pieces of %d", piece)
				if test.want == nil {
					require.Equal(t, test.done, progress.Done, "in pieces of %d", piece)
					require.Equal(t, test.ahead, progress.Ahead, "in pieces of %d", piece)
				}
			}
		})
	}
}

// A part that is almost empty on the wire still takes memory in a client.
func TestSmallPartsOfAnAnswerCost(t *testing.T) {
	for name, test := range map[string]struct {
		framing, text string
		least         int64
	}{
		"members of a mongo document": {"mongo", mongoReply, 80},
		"a mysql packet":              {"mysql", "\x01\x00\x00\x01\x01", 256},
		"postgres messages":           {"postgres", "C\x00\x00\x00\x05\x00Z\x00\x00\x00\x05I", 2 * 128},
		"columns of a postgres row":   {"postgres", "D\x00\x00\x00\x0e\x00\x02\xff\xff\xff\xff\xff\xff\xff\xff", 128 + 2*64},
		"elements of a redis array":   {"redis", "*3\r\n", 4 * 64},
		"members of a redis map":      {"redis", "%3\r\n", 7 * 64},
		"a redis push":                {"redis", ">1\r\n+a\r\n", 4 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			_, cost, err := follow(framings[test.framing](), test.text, len(test.text))
			require.NoError(t, err)
			require.GreaterOrEqual(t, cost, test.least)
		})
	}
}

// FuzzFraming checks that the result does not depend on how the bytes are cut into pieces, and
// that the number of bytes that may follow is bounded.
func FuzzFraming(f *testing.F) {
	for _, test := range answers {
		f.Add(test.text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, piece int) {
		for name, framing := range framings {
			whole, cost, wholeErr := follow(framing(), text, max(len(text), 1))
			parts, parted, err := follow(framing(), text, max(piece, 1))
			if wholeErr != nil || err != nil {
				require.Equal(t, wholeErr != nil, err != nil, name)
				continue
			}
			require.Equal(t, cost, parted, name)
			require.Equal(t, whole.Ahead, parts.Ahead, name)
			require.Equal(t, whole.Done, parts.Done, name)
			require.GreaterOrEqual(t, whole.Ahead, int64(0), name)
			require.LessOrEqual(t, whole.Ahead, int64(wirelimit.RoomSize), name)
		}
	})
}
