// Package problem has the two kinds of finite sums that are trained: the
// classification of images, and the fitting of targets of vectors, with what is
// measured of each.
package problem
