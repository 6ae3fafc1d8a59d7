package plot

import (
	"fmt"
	"strings"
)

// Stack returns the charts as one SVG, one below the other.
func Stack(charts ...Chart) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">`+"\n",
		width, height*len(charts), width, height*len(charts))
	for i, c := range charts {
		fmt.Fprintf(&b, `<g transform="translate(0 %d)">`+"\n%s</g>\n", i*height, c.SVG())
	}
	return b.String() + "</svg>\n"
}
