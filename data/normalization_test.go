package data

import "testing"

func TestNormalization(t *testing.T) {
	for text, want := range map[string]string{
		"none": "none", "0/1": "none", "0.5/0.25": "0.5,0.5,0.5/0.25,0.25,0.25",
		"0.1, 0.2,0/1,.5,1e-2": "0.1,0.2,0/1,0.5,0.01",
		"cifar10":              "0.4914,0.4822,0.4465/0.247,0.2435,0.2616",
		"cifar100":             "0.5071,0.4865,0.4409/0.2673,0.2564,0.2762",
	} {
		n, err := ParseNormalization(text)
		if err != nil || n.String() != want {
			t.Errorf("%s: %v, %v, want %s", text, n, err, want)
		}
		var again Normalization
		if err := again.UnmarshalText([]byte(n.String())); err != nil || again != n {
			t.Errorf("%s: %v comes back as %v, %v", text, n, again, err)
		}
	}
	for text, want := range map[string]string{
		"":                 "want one of none, cifar10, cifar100, or MEAN/STD",
		"imagenet":         "want one of none",
		"made-up":          "want one of none",
		"0.5/":             `"" is not a number`,
		"0.5,0.5/0.5":      "2 numbers, want 1 or 3",
		"0.5/0":            "deviations above 0",
		"125/63":           "not to 255",
		"NaN/0.5":          "means from 0 to 1",
		"-0.1/0.5":         "means from 0 to 1",
		"0.5/0.5/0.5":      "not a number",
		"0.5/1e-400":       "deviations above 0",
		"1,1,1/0.5,0.5,-1": "deviations above 0",
	} {
		_, err := ParseNormalization(text)
		wantError(t, err, want)
	}
}
