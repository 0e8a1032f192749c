package wasm

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// A Disk holds the files of a node in a directory of the host. It outlives the incarnations of
// the node. Programs cannot leave the directory.
//
// What a program can learn of its files depends only on what programs have done with the Disk,
// not on the host: the Disk keeps the times of files, in virtual time, and numbers files in the
// order in which programs first see them. A file that was there before has the time Epoch.
type Disk struct {
	root   *os.Root
	inodes map[identity]*inode
	last   uint64 // the number that was given last
}

// An inode is what a Disk knows about a file that the host would tell otherwise.
type inode struct {
	number             uint64
	accessed, modified time.Time
}

// OpenDisk returns the Disk whose files are in a directory of the host.
func OpenDisk(dir string) (*Disk, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Disk{root: root, inodes: map[identity]*inode{}}, nil
}

// Wipe removes all files. No process may use the Disk.
func (d *Disk) Wipe() error {
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	for _, name := range names {
		err = errors.Join(err, d.root.RemoveAll(name))
	}
	d.inodes, d.last = map[identity]*inode{}, 0
	return err
}

// Close closes the directory; the files stay.
func (d *Disk) Close() error { return d.root.Close() }

// inode returns what the Disk knows about a file.
func (d *Disk) inode(name string, info fs.FileInfo) *inode {
	id := identify(name, info)
	known := d.inodes[id]
	if known == nil {
		d.last++
		known = &inode{number: d.last, accessed: Epoch, modified: Epoch}
		d.inodes[id] = known
	}
	return known
}

// forget is called when a name of a file has been removed. The host may give the identity of a
// file without a name to another file.
func (d *Disk) forget(name string, info fs.FileInfo) {
	if info.IsDir() || links(info) <= 1 {
		delete(d.inodes, identify(name, info))
	}
}

// touch sets the times of a file or a directory that has been changed.
func (i *inode) touch(now time.Duration) {
	i.modified = Epoch.Add(now)
	i.accessed = i.modified
}

// touchParent sets the times of the directory that holds a name, when the name has been added
// or removed.
func (d *Disk) touchParent(name string, now time.Duration) {
	parent := path.Dir(name)
	if info, err := d.root.Stat(parent); err == nil {
		d.inode(parent, info).touch(now)
	}
}

// stat returns a file's information. It follows a symbolic link if follow is set.
func (d *Disk) stat(name string, follow bool) (fs.FileInfo, error) {
	if follow {
		return d.root.Stat(name)
	}
	return d.root.Lstat(name)
}

// hostErrors lists the errors of the host that programs are told.
var hostErrors = []struct {
	host error
	says errno
}{
	{fs.ErrNotExist, errNoEntry},
	{fs.ErrExist, errExist},
	{fs.ErrPermission, errAccess},
	{fs.ErrClosed, errBadFD},
	{syscall.ENOTEMPTY, errNotEmpty},
	{syscall.ENOTDIR, errNotDir},
	{syscall.EISDIR, errIsDir},
	{syscall.ELOOP, errLoop},
	{syscall.EINVAL, errInvalid},
	{syscall.ENAMETOOLONG, errLongName},
	{syscall.ENOSPC, errNoSpace},
	{syscall.EXDEV, errCrossDev},
	{syscall.EMFILE, errManyFD},
}

// toErrno translates an error of the host.
func toErrno(err error) errno {
	if err == nil {
		return success
	}
	// The order matters: to Go, ENOTEMPTY is an fs.ErrExist.
	var number syscall.Errno
	isNumber := errors.As(err, &number)
	for _, e := range hostErrors {
		if isNumber && number == e.host {
			return e.says
		}
	}
	for _, e := range hostErrors {
		if errors.Is(err, e.host) {
			return e.says
		}
	}
	if !isNumber {
		return errNotAllow // os.Root refuses a path that leaves the directory
	}
	return errIO
}
