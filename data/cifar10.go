package data

// NameCIFAR10 is the name of CIFAR-10.
const NameCIFAR10 = "cifar10"

// cifar10 is from Krizhevsky, Learning multiple layers of features from tiny images
// (2009); archive and checksum are those of
// https://www.cs.toronto.edu/~kriz/cifar.html.
var cifar10 = Set{
	Name: NameCIFAR10, Title: "CIFAR-10", Images: "images of " + NameCIFAR10,
	Archive: Archive{URL: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", MD5: "c32a1d4ab5d03f1284b67883e8d87530", Size: "163 MB"},
	folder:  "cifar-10-batches-bin",
	layout:  imported(32, 10),
	train:   50_000, test: 10_000, classes: 10,
	normalization: Normalization{[3]float32{0.4914, 0.4822, 0.4465}, [3]float32{0.2470, 0.2435, 0.2616}},
	versions: []version{
		{"Python", "cifar-10-batches-py", "data_batch_1"},
		{"Matlab", "cifar-10-batches-mat", "data_batch_1.mat"},
	},
}
