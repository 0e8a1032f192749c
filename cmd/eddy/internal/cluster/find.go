package cluster

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// find returns the absolute path of a program. It searches PATH if the name has no
// slash, and then the working directory, as Maelstrom does.
func find(program string) (string, error) {
	path, err := exec.LookPath(program)
	switch {
	case errors.Is(err, exec.ErrDot): // path is in the working directory
	case errors.Is(err, exec.ErrNotFound) && filepath.Base(program) == program:
		info, here := os.Stat(program)
		if here != nil || !info.Mode().IsRegular() {
			return "", err
		}
		if path, err = exec.LookPath("." + string(filepath.Separator) + program); err != nil {
			return "", err
		}
	case err != nil:
		return "", err
	}
	return filepath.Abs(path)
}
