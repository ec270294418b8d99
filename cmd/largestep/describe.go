package main

import (
	"fmt"
	"strings"

	"largestep/data"
	"largestep/train"
	"largestep/train/paper"
)

// describe says what is trained.
func describe(c *train.Config) string {
	text := c.Net
	if c.Net != train.ResNet18 {
		text += fmt.Sprintf(", %s instance of %d examples", c.Instance, c.TrainSize)
	}
	text += "; step size " + describePhases(c.Phases)
	if c.Momentum != 0 {
		text += fmt.Sprintf(", momentum %g", c.Momentum)
	}
	return text + "; " + describeScale(c)
}

func describePhases(phases []train.Phase) string {
	text := fmt.Sprintf("%.5g", phases[0].StepSize)
	for _, p := range phases[1:] {
		text += fmt.Sprintf(", %.5g from %.3g %% on", p.StepSize, 100*p.Start)
	}
	return text
}

// describeScale says how large and how long a training is.
func describeScale(c *train.Config) string {
	if c.Net != train.ResNet18 {
		return fmt.Sprintf("batch %d, %d steps", c.Batch, c.Steps())
	}
	images := "images of " + c.Dataset
	if c.Dataset == data.NameMadeUp {
		images = "made-up images"
	}
	return fmt.Sprintf("width %d, batch %d, %d epochs of %d %s", c.Width, c.Batch, c.Epochs, c.TrainSize, images)
}

// defaults is a table of what nets are trained with when no flag says otherwise.
func defaults() string {
	var b strings.Builder
	for _, p := range paper.Presets {
		if p.Name == "long" { // for figures alone
			continue
		}
		c := p.Base
		fmt.Fprintf(&b, "  %-16s width %d, %d images, batch %d, %d epochs, step size %g\n", "resnet18, "+p.Name, c.Width, c.TrainSize, c.Batch, c.Epochs, p.Large)
	}
	for _, name := range train.SmallNets {
		c, err := paper.Small(name)
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(&b, "  %-16s %s instance of %d examples, batch %d, %d steps, step size %g\n", name, c.Instance, c.TrainSize, c.Batch, c.Steps(), c.StepSize)
	}
	return b.String()
}
