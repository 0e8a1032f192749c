//go:build unix

package wasm

import (
	"io/fs"
	"syscall"
)

// An identity tells the files of a host apart.
type identity struct{ device, number uint64 }

func identify(_ string, info fs.FileInfo) identity {
	st := info.Sys().(*syscall.Stat_t)
	return identity{uint64(st.Dev), uint64(st.Ino)}
}

// links returns how many names a file has.
func links(info fs.FileInfo) uint64 { return uint64(info.Sys().(*syscall.Stat_t).Nlink) }
