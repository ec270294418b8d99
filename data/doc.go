// Package data provides what is trained on: CIFAR-10 and other sets of 32×32
// colour images in its binary layout, a made-up set that needs no files, and
// the order in which examples are drawn.
//
// # The folder of a data set
//
// A data set on disk is a folder of
//
//	data_batch_1.bin …  training records
//	test_batch.bin      test records
//	batches.meta.txt    the class names, one per line, in the order of the labels
//	source.json         where the images came from; absent in the official set
//
// A record is 1 label byte and 3072 pixel bytes: the red, the green and the
// blue plane, 32 rows of 32 each. The official set has five files of 10,000
// training records and 10,000 test records. A set with a source.json states
// its own counts there; its training files hold 10,000 records each, the last
// one the rest.
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
