// Package data provides what is trained on: sets of small colour images that are
// fetched or imported, a made-up set that needs no files, and the order in which
// examples are drawn. A set that needs no import is an entry of [Sets] and a file
// that describes it.
//
// # The folder of a data set
//
// An imported data set on disk is a folder of
//
//	data_batch_1.bin …  training records
//	test_batch.bin      test records
//	batches.meta.txt    the class names, one per line, in the order of the labels
//	source.json         where the images came from
//
// A record is a label and the pixel bytes of the red, the green and the blue
// plane, row by row. The label is one byte, or two, the low one first, where
// there are more than 256 classes. Training files hold 10,000 records each, the
// last one the rest. source.json states the numbers of training and test records
// and of classes, and the side of the images in pixels; one that states neither
// classes nor side is of at most 256 classes and of 32×32 pixels.
//
// This is the layout of CIFAR-10, but for source.json. An official set has none,
// and its own files; what was fetched from another archive than the official one
// has one that names the set whose layout its files have.
//
// [Fetch] and [Import] make such a folder under a temporary name beside the
// target and rename it into place, so that a folder under the target's name is
// always complete. Neither replaces a sound data set.
//
// # Randomness
//
// Everything random is a pure function of a seed and a position (epoch, step
// or image), so that resuming needs no generator state and the same seed gives
// the same bytes on every platform.
package data
