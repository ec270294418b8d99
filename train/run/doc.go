// Package run keeps a run folder: the config that made it, the files that grow
// while it trains, the checkpoints from which it goes on, and the plateaus of its
// loss. How the files are written, and what they survive, is in FAULTS.md beside
// this file.
package run
