package data

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Normalization takes the mean off the channels of an image in [0, 1], and divides
// them by the standard deviation. The zero value leaves images as they are.
type Normalization struct{ Mean, Std [Channels]float32 }

const noNormalization = "none"

// ParseNormalization reads "none", the name of a set whose own normalisation is
// known, or MEAN/STD, such as 0.5/0.25 or 0.49,0.48,0.45/0.25,0.24,0.26.
func ParseNormalization(text string) (Normalization, error) {
	if text == noNormalization {
		return Normalization{}, nil
	}
	mean, std, both := strings.Cut(text, "/")
	if !both {
		return normalizationOf(text)
	}
	n, err := newNormalization(mean, std)
	if err != nil {
		return n, fmt.Errorf("normalisation %q: %w", text, err)
	}
	return n, nil
}

// normalizationOf is that of a set.
func normalizationOf(name string) (Normalization, error) {
	s, _ := known(name)
	if s.normalization != (Normalization{}) {
		return s.normalization, nil
	}
	choice := []string{noNormalization}
	for _, s := range Sets {
		if s.normalization != (Normalization{}) {
			choice = append(choice, s.Name)
		}
	}
	return Normalization{}, fmt.Errorf("normalisation %q: want one of %s, or MEAN/STD such as 0.5/0.25", name, strings.Join(choice, ", "))
}

func newNormalization(mean, std string) (n Normalization, err error) {
	if n.Mean, err = parseChannels(mean); err != nil {
		return n, err
	}
	if n.Std, err = parseChannels(std); err != nil {
		return n, err
	}
	for c := range Channels {
		if !(n.Mean[c] >= 0 && n.Mean[c] <= 1 && n.Std[c] > 0 && n.Std[c] <= 1) {
			return n, errors.New("want means from 0 to 1 and deviations above 0 up to 1: pixels are, here, from 0 to 1 and not to 255")
		}
	}
	if n.Mean == [Channels]float32{} && n.Std == [Channels]float32{1, 1, 1} {
		return Normalization{}, nil
	}
	return n, nil
}

// parseChannels reads a number for each channel, or one for all.
func parseChannels(text string) (of [Channels]float32, err error) {
	numbers := strings.Split(text, ",")
	if len(numbers) != 1 && len(numbers) != Channels {
		return of, fmt.Errorf("%d numbers, want 1 or %d", len(numbers), Channels)
	}
	for c := range of {
		number := strings.TrimSpace(numbers[c%len(numbers)])
		v, err := strconv.ParseFloat(number, 32)
		if err != nil {
			return of, fmt.Errorf("%q is not a number", number)
		}
		of[c] = float32(v)
	}
	return of, nil
}

// String is what ParseNormalization reads.
func (n Normalization) String() string {
	if n == (Normalization{}) {
		return noNormalization
	}
	list := func(of [Channels]float32) string {
		var texts []string
		for _, v := range of {
			texts = append(texts, strconv.FormatFloat(float64(v), 'g', -1, 32))
		}
		return strings.Join(texts, ",")
	}
	return list(n.Mean) + "/" + list(n.Std)
}

// MarshalText is String.
func (n Normalization) MarshalText() ([]byte, error) { return []byte(n.String()), nil }

// UnmarshalText is ParseNormalization.
func (n *Normalization) UnmarshalText(text []byte) (err error) {
	*n, err = ParseNormalization(string(text))
	return err
}
