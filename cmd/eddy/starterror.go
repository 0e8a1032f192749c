package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// startError explains an error of starting a node program. It returns any other error
// as it is.
func startError(program string, err error) error {
	info, missing := os.Stat(program)
	switch {
	case errors.Is(err, exec.ErrNotFound) && missing != nil:
		return usageError("%s is not in PATH, and not in this directory", program)
	case missing == nil && info.IsDir() && (errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EISDIR)):
		return usageError("cannot start the node: %s is a directory, not a program", program)
	case errors.Is(err, fs.ErrPermission) && missing == nil:
		return usageError("cannot start the node: %s is not executable: chmod +x %s makes it so", program, program)
	case errors.Is(err, syscall.ENOEXEC):
		return usageError("%s is not a program; a script must name its interpreter in its first line, as in #!/usr/bin/env python3", program)
	case errors.Is(err, fs.ErrNotExist) && missing == nil && info.Mode().IsRegular():
		return usageError("cannot start the node: %w", noInterpreter(program))
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return usageError("cannot start the node: %w", err)
	}
	return err
}

// noInterpreter says why a program that exists cannot be found: what runs it does not exist.
func noInterpreter(program string) error {
	line := ""
	if f, err := os.Open(program); err == nil {
		defer f.Close()
		first, _ := bufio.NewReaderSize(f, 256).ReadSlice('\n') // a line that is too long is cut
		line = strings.TrimSuffix(string(first), "\n")
	}
	interpreter, ok := strings.CutPrefix(line, "#!")
	switch {
	case !ok:
		return fmt.Errorf("what %s needs to run does not exist on this machine: it may be built for another operating system or C library", program)
	case strings.HasSuffix(line, "\r"):
		return fmt.Errorf("the lines of %s end with a carriage return, as on Windows, so its interpreter cannot be found: sed -i 's/\\r$//' %s removes them", program, program)
	}
	return fmt.Errorf("the interpreter that %s names in its first line does not exist: %s", program, strings.TrimSpace(interpreter))
}
