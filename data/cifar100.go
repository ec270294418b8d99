package data

// cifar100 is CIFAR-10's sister of 100 classes, the fine labels; archive and
// checksum are from the same page. A record begins with the label of one of 20
// coarse classes, which is passed over.
var cifar100 = Set{
	Name: "cifar100", Title: "CIFAR-100", Images: "images of cifar100",
	Archive: Archive{URL: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", MD5: "03b5dce01913d631647c71ecec9e9cb8", Size: "161 MB"},
	folder:  "cifar-100-binary",
	layout: layout{
		train: "train.bin", test: "test.bin", classes: "fine_label_names.txt", also: []string{"coarse_label_names.txt"},
		skip: 1, label: 1, side: 32,
	},
	train: 50_000, test: 10_000, classes: 100,
	normalization: Normalization{[3]float32{0.5071, 0.4865, 0.4409}, [3]float32{0.2673, 0.2564, 0.2762}},
	versions: []version{
		{"Python", "cifar-100-python", "train"},
		{"Matlab", "cifar-100-matlab", "train.mat"},
	},
}
