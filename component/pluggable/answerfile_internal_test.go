package pluggable

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzAnswerFile decodes arbitrary bytes as an answer file. An answer that it accepts must be
// the same after it is encoded and decoded again.
func FuzzAnswerFile(f *testing.F) {
	whole, err := (&answerFile{answerVersion, "g", "boot", 1, 2, sumOf([]byte("text")), []byte("text")}).encode()
	require.NoError(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add([]byte(sealedBegin))
	seal, err := newSealer(testKey(1))
	require.NoError(f, err)
	f.Add(seal.seal("name", whole))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, s := range []*sealer{nil, seal} {
			plain, err := s.open("name", text)
			if err != nil {
				continue
			}
			answer, err := decodeAnswer(plain)
			if err != nil {
				continue
			}
			again, err := answer.encode()
			require.NoError(t, err)
			back, err := decodeAnswer(again)
			require.NoError(t, err)
			require.Equal(t, answer, back)
		}
	})
}
