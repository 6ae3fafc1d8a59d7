package plot

import "math"

// axis maps values to pixels, logarithmically unless it is linear.
type axis struct {
	least, most float64 // of the values
	from, to    float64 // where these two are
	linear      bool
}

// reach makes the axis long enough for a value.
func (a *axis) reach(v float64) {
	a.least, a.most = min(a.least, v), max(a.most, v)
}

// at is where a value is.
func (a axis) at(v float64) float64 {
	switch {
	case a.least == a.most:
		return (a.from + a.to) / 2
	case a.linear:
		return a.from + (a.to-a.from)*(v-a.least)/(a.most-a.least)
	}
	return a.from + (a.to-a.from)*math.Log(v/a.least)/math.Log(a.most/a.least)
}

// rounded begins and ends a logarithmic axis at marks, so that there are at least
// two, and ends a linear one at a mark.
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

// marks are round values on the axis; only powers of ten where these are many.
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

// step is the distance of the marks of a linear axis: the least round one that
// leaves no more than ten.
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

// roundValues are the steps of each power of ten that lie between two values.
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
