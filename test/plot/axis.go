package plot

import "math"

// axis maps values to pixels, logarithmically unless linear is set.
type axis struct {
	least, most float64 // the smallest and largest value
	from, to    float64 // the pixels of these two
	linear      bool
}

// reach extends the axis to a value.
func (a *axis) reach(v float64) {
	a.least, a.most = min(a.least, v), max(a.most, v)
}

// at returns the pixel of a value.
func (a axis) at(v float64) float64 {
	switch {
	case a.least == a.most:
		return (a.from + a.to) / 2
	case a.linear:
		return a.from + (a.to-a.from)*(v-a.least)/(a.most-a.least)
	}
	return a.from + (a.to-a.from)*math.Log(v/a.least)/math.Log(a.most/a.least)
}

// rounded extends a logarithmic axis to marks at both ends, so that it has at least two. It
// extends a linear axis to a mark at its end.
func (a axis) rounded() axis {
	if a.linear {
		a.most = math.Ceil(a.most/a.step()) * a.step()
		return a
	}
	below, above := a.least, a.most
	for _, v := range roundValues(a.least/10, a.most*10, 1, 2, 5) {
		if v <= below {
			a.least = v
		}
		if v >= above {
			a.most = v
			break
		}
	}
	return a
}

// marks returns round values on the axis. If there are too many, it returns only powers of ten.
func (a axis) marks() []float64 {
	switch {
	case a.linear:
		var values []float64
		for i := 0; float64(i)*a.step() <= a.most; i++ {
			values = append(values, float64(i)*a.step())
		}
		return values
	case a.most/a.least > 1e3:
		return roundValues(a.least, a.most, 1)
	}
	return roundValues(a.least, a.most, 1, 2, 5)
}

// step returns the distance between marks on a linear axis: the smallest round one that gives
// at most ten marks.
func (a axis) step() float64 {
	if a.most <= 0 {
		return 1
	}
	for _, step := range roundValues(a.most/100, a.most, 1, 2, 5) {
		if a.most/step <= 10 {
			return step
		}
	}
	return a.most
}

// roundValues returns the steps of each power of ten between two values.
func roundValues(least, most float64, steps ...float64) []float64 {
	var values []float64
	for power := math.Floor(math.Log10(least)); power <= math.Log10(most); power++ {
		for _, step := range steps {
			if v := step * math.Pow(10, power); v >= least && v <= most {
				values = append(values, v)
			}
		}
	}
	return values
}
