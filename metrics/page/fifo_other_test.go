//go:build !linux

package page

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
