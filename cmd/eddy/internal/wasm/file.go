package wasm

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

var fileFunctions = []function{
	{"fd_advise", "iIIi", (*Process).fdAdvise},
	{"fd_allocate", "iII", (*Process).fdAllocate},
	{"fd_datasync", "i", (*Process).fdSync},
	{"fd_filestat_get", "ii", (*Process).fdFilestat},
	{"fd_filestat_set_size", "iI", (*Process).fdSetSize},
	{"fd_filestat_set_times", "iIIi", (*Process).fdSetTimes},
	{"fd_pread", "iiiIi", (*Process).fdPread},
	{"fd_pwrite", "iiiIi", (*Process).fdPwrite},
	{"fd_readdir", "iiiIi", (*Process).fdReaddir},
	{"fd_seek", "iIii", (*Process).fdSeek},
	{"fd_sync", "i", (*Process).fdSync},
	{"fd_tell", "ii", (*Process).fdTell},
}

// openFile returns the descriptor of an open file, or why it is none.
func (p *Process) openFile(fd uint64) (*descriptor, errno) {
	d := p.descriptor(fd)
	switch {
	case d == nil:
		return nil, errBadFD
	case d.kind == directory:
		return nil, errIsDir
	case d.kind != file:
		return nil, errSeekPipe
	}
	return d, success
}

// read and write use the position of the file.
func (d *descriptor) read(b []byte) (int, errno) {
	n, err := d.file.Read(b)
	if err == io.EOF {
		err = nil
	}
	return n, toErrno(err)
}

func (d *descriptor) write(b []byte, now time.Duration) (int, errno) {
	if d.flags&flagAppend != 0 {
		if _, err := d.file.Seek(0, io.SeekEnd); err != nil {
			return 0, toErrno(err)
		}
	}
	n, err := d.file.Write(b)
	d.inode.touch(now)
	return n, toErrno(err)
}

func (p *Process) fdPread(m memory, args []uint64) errno {
	d, err := p.openFile(args[0])
	if err != success {
		return err
	}
	if !d.readable {
		return errBadFD
	}
	at := int64(args[3])
	return m.each(args[1], args[2], args[4], func(b []byte) (int, errno) {
		n, err := d.file.ReadAt(b, at)
		if err == io.EOF {
			err = nil
		}
		at += int64(n)
		return n, toErrno(err)
	})
}

func (p *Process) fdPwrite(m memory, args []uint64) errno {
	d, err := p.openFile(args[0])
	if err != success {
		return err
	}
	if !d.writable {
		return errBadFD
	}
	at := int64(args[3])
	return m.each(args[1], args[2], args[4], func(b []byte) (int, errno) {
		n, err := d.file.WriteAt(b, at)
		d.inode.touch(p.now)
		at += int64(n)
		return n, toErrno(err)
	})
}

func (p *Process) fdSeek(m memory, args []uint64) errno {
	d, err := p.openFile(args[0])
	if err != success {
		return err
	}
	if args[2] > io.SeekEnd {
		return errInvalid
	}
	at, hostErr := d.file.Seek(int64(args[1]), int(args[2]))
	if hostErr != nil {
		return toErrno(hostErr)
	}
	return m.put64(args[3], uint64(at))
}

func (p *Process) fdTell(m memory, args []uint64) errno {
	return p.fdSeek(m, []uint64{args[0], 0, io.SeekCurrent, args[1]})
}

// fdSync does nothing: a killed process loses nothing that it has written.
func (p *Process) fdSync(_ memory, args []uint64) errno {
	if p.descriptor(args[0]) == nil {
		return errBadFD
	}
	return success
}

func (p *Process) fdAdvise(_ memory, args []uint64) errno {
	_, err := p.openFile(args[0])
	return err
}

// fdAllocate makes a file as large as the program asks for, if it is smaller.
func (p *Process) fdAllocate(_ memory, args []uint64) errno {
	d, err := p.openFile(args[0])
	if err != success {
		return err
	}
	info, hostErr := d.file.Stat()
	if hostErr != nil {
		return toErrno(hostErr)
	}
	return d.truncate(max(info.Size(), int64(args[1]+args[2])), p.now)
}

func (p *Process) fdSetSize(_ memory, args []uint64) errno {
	d, err := p.openFile(args[0])
	if err != success {
		return err
	}
	return d.truncate(int64(args[1]), p.now)
}

func (d *descriptor) truncate(size int64, now time.Duration) errno {
	if !d.writable || size < 0 {
		return errInvalid
	}
	err := d.file.Truncate(size)
	d.inode.touch(now)
	return toErrno(err)
}

func (p *Process) fdFilestat(m memory, args []uint64) errno {
	d := p.descriptor(args[0])
	if d == nil {
		return errBadFD
	}
	switch d.kind {
	case file:
		info, err := d.file.Stat()
		if err != nil {
			return toErrno(err)
		}
		return m.putFilestat(args[1], info, d.inode)
	case directory:
		return p.filestat(m, args[1], d.name, true)
	}
	b, err := m.bytes(args[1], 64)
	if err == success {
		clear(b)
		b[16] = typeStream
	}
	return err
}

// filestat writes what a program is told about a name.
func (p *Process) filestat(m memory, at uint64, name string, follow bool) errno {
	info, err := p.config.Disk.stat(name, follow)
	if err != nil {
		return toErrno(err)
	}
	return m.putFilestat(at, info, p.config.Disk.inode(name, info))
}

// putFilestat tells of the host's information only what is the same on every host.
func (m memory) putFilestat(at uint64, info fs.FileInfo, i *inode) errno {
	b, err := m.bytes(at, 64)
	if err != success {
		return err
	}
	size, names := uint64(info.Size()), links(info)
	if info.IsDir() {
		size, names = 0, 1
	}
	little.PutUint64(b[0:], 1) // the device
	little.PutUint64(b[8:], i.number)
	little.PutUint64(b[16:], uint64(fileType(info.Mode())))
	little.PutUint64(b[24:], names)
	little.PutUint64(b[32:], size)
	little.PutUint64(b[40:], uint64(i.accessed.UnixNano()))
	little.PutUint64(b[48:], uint64(i.modified.UnixNano()))
	little.PutUint64(b[56:], uint64(i.modified.UnixNano()))
	return success
}

// Flags that say which times a program sets.
const (
	setAccessed    = 1
	setAccessedNow = 2
	setModified    = 4
	setModifiedNow = 8
)

// setTimes sets times as a program asks for.
func (i *inode) setTimes(accessed, modified, flags uint64, now time.Duration) {
	switch {
	case flags&setAccessed != 0:
		i.accessed = time.Unix(0, int64(accessed))
	case flags&setAccessedNow != 0:
		i.accessed = Epoch.Add(now)
	}
	switch {
	case flags&setModified != 0:
		i.modified = time.Unix(0, int64(modified))
	case flags&setModifiedNow != 0:
		i.modified = Epoch.Add(now)
	}
}

func (p *Process) fdSetTimes(_ memory, args []uint64) errno {
	d, err := p.openFile(args[0])
	if err == success {
		d.inode.setTimes(args[1], args[2], args[3], p.now)
	}
	return err
}

// A dirEntry is a name in a directory.
type dirEntry struct {
	name  string
	inode uint64
	type_ byte
}

// fdReaddir lists a directory in the order of the names. A list that has been begun does not
// change.
func (p *Process) fdReaddir(m memory, args []uint64) errno {
	d := p.descriptor(args[0])
	if d == nil || d.kind != directory {
		return errBadFD
	}
	b, err := m.bytes(args[1], args[2])
	if err != success {
		return err
	}
	cookie := args[3]
	if cookie == 0 || d.entries == nil {
		var hostErr error
		if d.entries, hostErr = p.config.Disk.list(d.name); hostErr != nil {
			return toErrno(hostErr)
		}
	}
	used := 0
	for ; cookie < uint64(len(d.entries)) && used < len(b); cookie++ {
		e := d.entries[cookie]
		var head [24]byte
		little.PutUint64(head[0:], cookie+1)
		little.PutUint64(head[8:], e.inode)
		little.PutUint32(head[16:], uint32(len(e.name)))
		head[20] = e.type_
		used += copy(b[used:], head[:])
		used += copy(b[used:], e.name) // what does not fit is asked for again
	}
	return m.put32(args[4], uint32(used))
}

// list returns the entries of a directory, sorted by name.
func (d *Disk) list(name string) ([]dirEntry, error) {
	dir, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names = append(names, ".", "..")
	slices.SortFunc(names, strings.Compare)
	entries := make([]dirEntry, 0, len(names))
	for _, n := range names {
		full := path.Join(name, n)
		if n == ".." && path.Clean(name) == "." {
			full = "." // the root is its own parent
		}
		info, err := d.root.Lstat(full)
		if err != nil {
			return nil, err
		}
		entries = append(entries, dirEntry{n, d.inode(full, info).number, fileType(info.Mode())})
	}
	return entries, nil
}
