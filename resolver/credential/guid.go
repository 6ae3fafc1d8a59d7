package credential

// maxGUID is the longest GUID, in bytes (DESIGN.md, section 3).
const maxGUID = 128

// ValidGUID tells whether s is a credential's GUID: 1 to 128 of A-Z a-z 0-9 _ -,
// and not "bulk", which daprd's secrets API takes for itself (section 3).
func ValidGUID(s string) bool {
	if s == "" || len(s) > maxGUID || s == "bulk" {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}

// GUIDRule is what a well-formed GUID is, in words for an error.
const GUIDRule = `a GUID is 1 to 128 of A-Z a-z 0-9 _ -, and not "bulk"`
