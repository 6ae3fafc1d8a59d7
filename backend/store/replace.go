package store

import "bytes"

// replaced reports whether the stored config is already the new one, written by an earlier attempt.
// Its error is ErrEdited if the stored config is neither the new nor the old one.
func replaced(now, old, config []byte) (bool, error) {
	switch {
	case bytes.Equal(now, config):
		return true, nil
	case !bytes.Equal(now, old):
		return false, Unable(ErrEdited)
	}
	return false, nil
}

// ReplaceIfOld replaces a config with a conditional write. read returns the stored config, and the
// condition that it has not changed since. write writes the new config on that condition, and reports
// whether the store refused because of it. Then somebody has written meanwhile, perhaps an earlier
// attempt of this call. A config that is missing has been edited.
func ReplaceIfOld[C any](
	old, config []byte, read func() (now []byte, condition C, err error), write func(condition C) (refused bool, err error),
) error {
	compare := func() (condition C, done bool, err error) {
		now, condition, err := read()
		if Missing(err) {
			err = Unable(ErrEdited)
		}
		if err == nil {
			done, err = replaced(now, old, config)
		}
		return condition, done, err
	}
	condition, done, err := compare()
	if err != nil || done {
		return err
	}
	refused, failure := write(condition)
	if refused {
		if _, done, err := compare(); err != nil || done {
			return err
		}
	}
	return failure
}
