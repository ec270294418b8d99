package flags

import (
	"fmt"
	"strconv"
	"strings"

	"largestep/data"
	"largestep/train/run"
)

// sampling is a flag.
type sampling data.Sampling

func (s *sampling) String() string { return string(*s) }
func (s *sampling) Type() string   { return "order" }

func (s *sampling) Set(text string) error {
	how, err := data.ParseSampling(text)
	*s = sampling(how)
	return err
}

const AboutSubset = "which images of a set, where not all are used: the first, random ones, or of each class as many (first, random, balanced)"

// Choice is a flag of how images are chosen from a set.
type Choice data.Choice

func (c *Choice) String() string { return data.Choice(*c).String() }
func (c *Choice) Type() string   { return "choice" }

func (c *Choice) Set(text string) error {
	how, err := data.ParseChoice(text)
	*c = Choice(how)
	return err
}

const AboutNormalize = "none, a data set whose own means and deviations are known here, such as cifar10, or MEAN/STD of pixels from 0 to 1, each one number or three"

// gradientNoise is a flag.
type gradientNoise run.GradientNoise

func (n *gradientNoise) String() string { return run.GradientNoise(*n).String() }
func (n *gradientNoise) Type() string   { return "SHAPE:DEVIATION" }

func (n *gradientNoise) Set(text string) error {
	return (*run.GradientNoise)(n).UnmarshalText([]byte(text))
}

// Normalization is a flag of how images are normalised.
type Normalization data.Normalization

func (n *Normalization) String() string { return data.Normalization(*n).String() }
func (n *Normalization) Type() string   { return "MEAN/STD" }

func (n *Normalization) Set(text string) error {
	return (*data.Normalization)(n).UnmarshalText([]byte(text))
}

// measures is a flag: names, or none.
type measures []string

func (m *measures) String() string { return strings.Join(*m, ",") }
func (m *measures) Type() string   { return "names" }

func (m *measures) Set(text string) error {
	*m = nil
	if text != "none" && text != "" {
		*m = strings.Split(text, ",")
	}
	return nil
}

// widths is a flag: those of the hidden layers; the net refuses to have none.
type widths []int

func (w *widths) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*w)), " ", ","), "[]")
}

func (w *widths) Type() string { return "ints" }

func (w *widths) Set(text string) error {
	*w = nil
	for _, number := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		width, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil {
			return fmt.Errorf("want whole numbers such as 20,20")
		}
		*w = append(*w, width)
	}
	return nil
}
