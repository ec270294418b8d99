package figure

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"largestep/metrics/record"
)

// ParseAxis reads what to draw over.
func ParseAxis(text string) (Axis, error) {
	axis, ok := map[string]Axis{"epoch": {}, "step": Steps, "seconds": Seconds}[text]
	if !ok {
		return axis, errors.New("choose epoch, step or seconds")
	}
	return axis, nil
}

// ParseRange reads two numbers, such as 0,50; "" is none.
func ParseRange(text string) (r Range, err error) {
	if text == "" {
		return r, nil
	}
	low, high, _ := strings.Cut(text, ",")
	r.Low, err = strconv.ParseFloat(low, 64)
	if err == nil {
		r.High, err = strconv.ParseFloat(high, 64)
	}
	if err != nil || !(r.Low < r.High) || math.IsInf(r.Low, 0) || math.IsInf(r.High, 0) {
		return r, errors.New("want two numbers, the lower first, such as 0,50")
	}
	return r, nil
}

// ParseSize reads width and height in inches, such as 7x4; "" is none.
func ParseSize(text string) (size [2]float64, err error) {
	if text == "" {
		return size, nil
	}
	n, err := fmt.Sscanf(text, "%gx%g", &size[0], &size[1])
	if err != nil || n != 2 || !(size[0] >= 1 && size[0] <= 50 && size[1] >= 1 && size[1] <= 50) {
		return size, errors.New("want width and height in inches, 1 to 50, such as 7x4")
	}
	return size, nil
}

// ParseLabels reads labels such as RUN=TEXT, by the folders of the runs.
func ParseLabels(list []string) (map[string]string, error) {
	labels := map[string]string{}
	for _, l := range list {
		i := strings.LastIndex(l, "=")
		if i <= 0 {
			return nil, fmt.Errorf("%s: want RUN=TEXT", l)
		}
		labels[filepath.Clean(l[:i])] = l[i+1:]
	}
	return labels, nil
}

// CheckLabels refuses labels of no run, and finds the runs' folders however they are
// spelt.
func (o *Options) CheckLabels(runs []*record.Run) error {
	found := map[string]string{}
	for dir, label := range o.Labels {
		i := slices.IndexFunc(runs, func(r *record.Run) bool { return filepath.Clean(r.Dir) == dir })
		if i < 0 {
			return fmt.Errorf("no run %s among those to draw", dir)
		}
		found[runs[i].Dir] = label
	}
	o.Labels = found
	return nil
}
