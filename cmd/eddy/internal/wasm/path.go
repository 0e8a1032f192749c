package wasm

import (
	"io/fs"
	"os"
	"path"
	"strings"
)

var pathFunctions = []function{
	{"path_create_directory", "iii", (*Process).pathCreateDirectory},
	{"path_filestat_get", "iiiii", (*Process).pathFilestat},
	{"path_filestat_set_times", "iiiiIIi", (*Process).pathSetTimes},
	{"path_link", "iiiiiii", (*Process).pathLink},
	{"path_open", "iiiiiIIii", (*Process).pathOpen},
	{"path_readlink", "iiiiii", (*Process).pathReadlink},
	{"path_remove_directory", "iii", (*Process).pathRemoveDirectory},
	{"path_rename", "iiiiii", (*Process).pathRename},
	{"path_symlink", "iiiii", (*Process).pathSymlink},
	{"path_unlink_file", "iii", (*Process).pathUnlinkFile},
}

// Flags of path_open and the functions that look up a path.
const (
	followLinks = 1

	openCreate    = 1
	openDirectory = 2
	openExclusive = 4
	openTruncate  = 8
)

// lookup returns the name in the Disk of a path that begins at a directory.
func (p *Process) lookup(m memory, fd, at, n uint64) (string, errno) {
	d := p.descriptor(fd)
	switch {
	case d == nil:
		return "", errBadFD
	case d.kind != directory:
		return "", errNotDir
	}
	name, err := m.text(at, n)
	switch {
	case err != success:
		return "", err
	case name == "":
		return "", errNoEntry
	case strings.Contains(name, "\x00"):
		return "", errInvalid
	case path.IsAbs(name):
		return "", errNotAllow
	case d.name == ".":
		return name, success
	}
	return d.name + "/" + name, success
}

func (p *Process) pathOpen(m memory, args []uint64) errno {
	name, err := p.lookup(m, args[0], args[2], args[3])
	if err != success {
		return err
	}
	follow, how, rights := args[1]&followLinks != 0, args[4], args[5]
	d := &descriptor{
		kind: file, name: name, flags: uint16(args[7]),
		readable: rights&rightRead != 0, writable: rights&rightWrite != 0,
	}
	info, hostErr := p.config.Disk.stat(name, follow)
	exists := hostErr == nil
	switch {
	case exists && info.Mode().Type() == fs.ModeSymlink:
		return errLoop
	case exists && how&openExclusive != 0 && how&openCreate != 0:
		return errExist
	case exists && info.IsDir():
		return p.openDir(m, d, how, args[8])
	case exists && !info.Mode().IsRegular():
		return errNotSup
	case exists && how&openDirectory != 0:
		return errNotDir
	case !exists && (how&openCreate == 0 || toErrno(hostErr) != errNoEntry):
		return toErrno(hostErr)
	}
	if err := p.openHostFile(d, how, exists); err != success {
		return err
	}
	return p.putDescriptor(m, d, args[8])
}

// openDir opens a directory.
func (p *Process) openDir(m memory, d *descriptor, how, result uint64) errno {
	if how&openDirectory == 0 && (d.writable || how&(openCreate|openTruncate) != 0) {
		return errIsDir
	}
	d.kind, d.readable, d.writable = directory, false, false
	return p.putDescriptor(m, d, result)
}

// openHostFile opens the file of the host.
func (p *Process) openHostFile(d *descriptor, how uint64, exists bool) errno {
	flags := os.O_RDONLY
	if truncate := how&openTruncate != 0; truncate || d.writable {
		flags = os.O_RDWR // so that the program can also set the size; reading is checked apart
		if truncate {
			flags |= os.O_TRUNC
		}
	}
	if how&openCreate != 0 {
		flags |= os.O_CREATE
	}
	disk := p.config.Disk
	f, err := disk.root.OpenFile(d.name, flags, 0o666)
	if err != nil {
		return toErrno(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return toErrno(err)
	}
	d.file, d.inode = f, disk.inode(d.name, info)
	if !exists {
		disk.touchParent(d.name, p.now)
	}
	if !exists || how&openTruncate != 0 {
		d.inode.touch(p.now)
	}
	return success
}

// putDescriptor tells the program the number of a new descriptor.
func (p *Process) putDescriptor(m memory, d *descriptor, result uint64) errno {
	fd, err := p.addDescriptor(d)
	if err != success {
		if d.file != nil {
			d.file.Close()
		}
		return err
	}
	return m.put32(result, fd)
}

func (p *Process) pathFilestat(m memory, args []uint64) errno {
	name, err := p.lookup(m, args[0], args[2], args[3])
	if err != success {
		return err
	}
	return p.filestat(m, args[4], name, args[1]&followLinks != 0)
}

func (p *Process) pathSetTimes(m memory, args []uint64) errno {
	name, err := p.lookup(m, args[0], args[2], args[3])
	if err != success {
		return err
	}
	info, hostErr := p.config.Disk.stat(name, args[1]&followLinks != 0)
	if hostErr == nil {
		p.config.Disk.inode(name, info).setTimes(args[4], args[5], args[6], p.now)
	}
	return toErrno(hostErr)
}

func (p *Process) pathCreateDirectory(m memory, args []uint64) errno {
	return p.create(m, args, true, func(name string) error { return p.config.Disk.root.Mkdir(name, 0o777) })
}

// pathSymlink refuses an absolute target: the host would look for it outside the Disk.
func (p *Process) pathSymlink(m memory, args []uint64) errno {
	target, err := m.text(args[0], args[1])
	if err != success {
		return err
	}
	if path.IsAbs(target) {
		return errNotAllow
	}
	return p.create(m, args[2:], true, func(name string) error { return p.config.Disk.root.Symlink(target, name) })
}

func (p *Process) pathLink(m memory, args []uint64) errno {
	old, err := p.lookup(m, args[0], args[2], args[3])
	if err != success {
		return err
	}
	return p.create(m, args[4:], false, func(name string) error { return p.config.Disk.root.Link(old, name) })
}

// create adds a name, of a new file or of one that exists, by calling add. args begin with the
// path.
func (p *Process) create(m memory, args []uint64, isNew bool, add func(name string) error) errno {
	name, err := p.lookup(m, args[0], args[1], args[2])
	if err != success {
		return err
	}
	name = strings.TrimRight(name, "/")
	disk := p.config.Disk
	if err := add(name); err != nil {
		return toErrno(err)
	}
	disk.touchParent(name, p.now)
	if info, err := disk.root.Lstat(name); err == nil && isNew {
		disk.inode(name, info).touch(p.now)
	}
	return success
}

func (p *Process) pathUnlinkFile(m memory, args []uint64) errno {
	return p.remove(m, args, false)
}

func (p *Process) pathRemoveDirectory(m memory, args []uint64) errno {
	return p.remove(m, args, true)
}

// remove removes a name: of a directory, or of anything else.
func (p *Process) remove(m memory, args []uint64, dir bool) errno {
	name, err := p.lookup(m, args[0], args[1], args[2])
	if err != success {
		return err
	}
	disk := p.config.Disk
	info, hostErr := disk.root.Lstat(name)
	switch {
	case hostErr != nil:
		return toErrno(hostErr)
	case dir && !info.IsDir():
		return errNotDir
	case !dir && info.IsDir():
		return errIsDir
	}
	if err := disk.root.Remove(name); err != nil {
		return toErrno(err)
	}
	disk.forget(name, info)
	disk.touchParent(name, p.now)
	return success
}

func (p *Process) pathRename(m memory, args []uint64) errno {
	from, err := p.lookup(m, args[0], args[1], args[2])
	if err != success {
		return err
	}
	to, err := p.lookup(m, args[3], args[4], args[5])
	if err != success {
		return err
	}
	disk := p.config.Disk
	moved, hostErr := disk.root.Lstat(from)
	if hostErr != nil {
		return toErrno(hostErr)
	}
	replaced, hostErr := disk.root.Lstat(to)
	same := hostErr == nil && os.SameFile(moved, replaced)
	if err := disk.root.Rename(from, to); err != nil {
		return toErrno(err)
	}
	if hostErr == nil && !same {
		disk.forget(to, replaced)
	}
	disk.touchParent(from, p.now)
	disk.touchParent(to, p.now)
	return success
}

func (p *Process) pathReadlink(m memory, args []uint64) errno {
	name, err := p.lookup(m, args[0], args[1], args[2])
	if err != success {
		return err
	}
	target, hostErr := p.config.Disk.root.Readlink(name)
	if hostErr != nil {
		return toErrno(hostErr)
	}
	b, err := m.bytes(args[3], args[4])
	if err != success {
		return err
	}
	return m.put32(args[5], uint32(copy(b, target)))
}
