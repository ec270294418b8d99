package data

import "errors"

// Unusable is the error of a place where there is no data set that can be read. What
// it is instead tells how to get one.
type Unusable struct {
	error
	Is   State
	Path string
	Set  string // name of the official set that was meant
}

func (u *Unusable) Unwrap() error { return u.error }

// State is what there is in the place of a data set.
type State int

// The states.
const (
	Absent       State = iota // nothing; the error is fs.ErrNotExist
	Empty                     // an empty folder
	OtherVersion              // of an official set, made for another program
	Pictures                  // in folders, to be imported
	Packed                    // an archive
	Truncated                 // files of an official set, some missing or too short
)

var (
	// ErrByOtherMeans ends the error of a download that failed for a reason that may
	// pass.
	ErrByOtherMeans = errors.New("get the archive by other means")
	// ErrNoArchive ends the error of a download where there is nothing to download.
	ErrNoArchive = errors.New("name another archive")
)
