package wasm

import (
	"fmt"
	"io/fs"
	"os"
	"slices"
)

var descriptorFunctions = []function{
	{"fd_close", "i", (*Process).fdClose},
	{"fd_fdstat_get", "ii", (*Process).fdStatus},
	{"fd_fdstat_set_flags", "ii", (*Process).fdSetFlags},
	{"fd_fdstat_set_rights", "iII", (*Process).fdSetRights},
	{"fd_prestat_get", "ii", (*Process).fdPrestat},
	{"fd_prestat_dir_name", "iii", (*Process).fdPrestatName},
	{"fd_read", "iiii", (*Process).fdRead},
	{"fd_renumber", "ii", (*Process).fdRenumber},
	{"fd_write", "iiii", (*Process).fdWrite},
}

// maxDescriptors is how many files a program can have open.
const maxDescriptors = 1024

// The file types of WASI.
const (
	typeUnknown   = 0
	typeDirectory = 3
	typeRegular   = 4
	typeStream    = 6
	typeSymlink   = 7
)

// Flags of descriptors.
const (
	flagAppend   = 1
	flagNonblock = 4
)

// Rights of descriptors. All descriptors have all rights but these: reading and writing are
// what a file was opened for, and only a file can be sought.
const (
	rightRead  = 1 << 1
	rightSeek  = 1 << 2
	rightTell  = 1 << 5
	rightWrite = 1 << 6
	allRights  = 1<<29 - 1
)

// A kind says what a descriptor stands for.
type kind int

const (
	standardInput kind = iota
	standardOutput
	standardError
	directory
	file
)

// A descriptor is an open file, an open directory, or a standard stream.
type descriptor struct {
	kind     kind
	flags    uint16
	readable bool
	writable bool

	preopened bool
	name      string     // in the Disk, when it was opened
	file      *os.File   // if kind is file
	inode     *inode     // if kind is file
	entries   []dirEntry // of the directory, as they were when reading it began
}

// openStandard opens the standard streams and the directory of the program.
func (p *Process) openStandard() {
	p.descriptors = []*descriptor{
		{kind: standardInput, readable: true},
		{kind: standardOutput, writable: true},
		{kind: standardError, writable: true},
	}
	if p.config.Disk != nil {
		p.descriptors = append(p.descriptors, &descriptor{kind: directory, name: ".", preopened: true})
	}
}

// closeFiles closes what the program has open when it ends.
func (p *Process) closeFiles() {
	for _, d := range p.descriptors {
		if d != nil && d.file != nil {
			d.file.Close()
		}
	}
	p.descriptors = nil
}

// descriptor returns nil if the program has no such descriptor.
func (p *Process) descriptor(fd uint64) *descriptor {
	if n := uint64(uint32(fd)); n < uint64(len(p.descriptors)) {
		return p.descriptors[n]
	}
	return nil
}

// addDescriptor returns the lowest free number.
func (p *Process) addDescriptor(d *descriptor) (uint32, errno) {
	free := slices.Index(p.descriptors, nil)
	if free < 0 {
		if len(p.descriptors) == maxDescriptors {
			return 0, errManyFD
		}
		free = len(p.descriptors)
		p.descriptors = append(p.descriptors, nil)
	}
	p.descriptors[free] = d
	return uint32(free), success
}

func (p *Process) fdClose(_ memory, args []uint64) errno {
	d := p.descriptor(args[0])
	if d == nil {
		return errBadFD
	}
	p.descriptors[uint32(args[0])] = nil
	if d.file != nil {
		return toErrno(d.file.Close())
	}
	return success
}

func (p *Process) fdRenumber(m memory, args []uint64) errno {
	from, to := p.descriptor(args[0]), p.descriptor(args[1])
	if from == nil || to == nil {
		return errBadFD
	}
	if from == to {
		return success
	}
	if err := p.fdClose(m, args[1:]); err != success {
		return err
	}
	p.descriptors[uint32(args[1])], p.descriptors[uint32(args[0])] = from, nil
	return success
}

// fdStatus tells what a descriptor is. The standard streams are streams, as the pipes are that
// other nodes have, so that C programs buffer what they write there as they do with pipes.
func (p *Process) fdStatus(m memory, args []uint64) errno {
	d := p.descriptor(args[0])
	if d == nil {
		return errBadFD
	}
	b, err := m.bytes(args[1], 24)
	if err != success {
		return err
	}
	rights := uint64(allRights &^ (rightRead | rightSeek | rightTell | rightWrite))
	if d.readable {
		rights |= rightRead
	}
	if d.writable {
		rights |= rightWrite
	}
	clear(b)
	switch d.kind {
	case directory:
		b[0] = typeDirectory
	case file:
		b[0] = typeRegular
		rights |= rightSeek | rightTell
	default:
		b[0] = typeStream
	}
	little.PutUint16(b[2:], d.flags)
	little.PutUint64(b[8:], rights)
	little.PutUint64(b[16:], allRights)
	return success
}

func (p *Process) fdSetFlags(_ memory, args []uint64) errno {
	d := p.descriptor(args[0])
	if d == nil {
		return errBadFD
	}
	d.flags = uint16(args[1])
	return success
}

func (p *Process) fdSetRights(_ memory, args []uint64) errno {
	if p.descriptor(args[0]) == nil {
		return errBadFD
	}
	return success
}

// preopened returns the directory of the program if fd is the descriptor that it began with.
func (p *Process) preopened(fd uint64) bool {
	d := p.descriptor(fd)
	return d != nil && d.preopened
}

// rootName is the name of the program's directory.
const rootName = "/"

func (p *Process) fdPrestat(m memory, args []uint64) errno {
	if !p.preopened(args[0]) {
		return errBadFD
	}
	return m.put64(args[1], uint64(len(rootName))<<32) // the lower half says: a directory
}

func (p *Process) fdPrestatName(m memory, args []uint64) errno {
	if !p.preopened(args[0]) {
		return errBadFD
	}
	b, err := m.bytes(args[1], args[2])
	if err == success && copy(b, rootName) < len(rootName) {
		return errLongName
	}
	return err
}

func (p *Process) fdRead(m memory, args []uint64) errno {
	d := p.descriptor(args[0])
	switch {
	case d != nil && d.kind == directory:
		return errIsDir
	case d == nil || !d.readable:
		return errBadFD
	case d.kind == file:
		return m.each(args[1], args[2], args[3], d.read)
	case !p.in.ready() && d.flags&flagNonblock != 0:
		return errAgain
	}
	p.block(wait{input: true}) // a program in C or Rust blocks here
	return m.each(args[1], args[2], args[3], func(b []byte) (int, errno) { return p.in.read(b), success })
}

func (p *Process) fdWrite(m memory, args []uint64) errno {
	d := p.descriptor(args[0])
	if d == nil || !d.writable {
		return errBadFD
	}
	write := func(b []byte) (int, errno) { return d.write(b, p.now) }
	switch d.kind {
	case standardOutput:
		write = p.writeTo(&p.out)
	case standardError:
		write = p.writeTo(&p.errs)
	}
	return m.each(args[1], args[2], args[3], write)
}

// writeTo returns a function that adds to an output.
func (p *Process) writeTo(o *output) func([]byte) (int, errno) {
	return func(b []byte) (int, errno) {
		if p.written += len(b); p.written > maxStepOutput {
			p.fail(fmt.Errorf("the program wrote more than %d MiB without blocking", maxStepOutput>>20))
		}
		o.write(b)
		return len(b), success
	}
}

// fileType returns the WASI type of a file.
func fileType(mode fs.FileMode) byte {
	switch mode.Type() {
	case 0:
		return typeRegular
	case fs.ModeDir:
		return typeDirectory
	case fs.ModeSymlink:
		return typeSymlink
	}
	return typeUnknown
}
