package wasm

import (
	"context"
	"encoding/binary"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// A function is a function of WASI preview 1 as the host provides it.
type function struct {
	name string
	// params has one letter for each parameter: i for 32 bits, I for 64 bits.
	params string
	do     func(p *Process, m memory, args []uint64) errno
}

// functions lists what this package provides itself. wazero provides the rest: arguments and
// environment, proc_exit, and sockets, of which a program has none.
var functions = [][]function{clockFunctions, pollFunctions, descriptorFunctions, fileFunctions, pathFunctions}

// exportFunctions replaces functions of wazero by those of this package.
func exportFunctions(builder wazero.HostModuleBuilder) {
	for _, group := range functions {
		for _, f := range group {
			params := make([]api.ValueType, len(f.params))
			for i, letter := range f.params {
				params[i] = api.ValueTypeI32
				if letter == 'I' {
					params[i] = api.ValueTypeI64
				}
			}
			do := func(ctx context.Context, module api.Module, stack []uint64) {
				p := ctx.Value(processKey{}).(*Process)
				for i, t := range params {
					if t == api.ValueTypeI32 { // the upper half can hold anything
						stack[i] = uint64(uint32(stack[i]))
					}
				}
				p.charge()
				stack[0] = uint64(f.do(p, memory{module.Memory()}, stack))
			}
			builder.NewFunctionBuilder().
				WithGoModuleFunction(api.GoModuleFunc(do), params, []api.ValueType{api.ValueTypeI32}).
				Export(f.name)
		}
	}
}

// processKey is the key of the process in the context of its calls.
type processKey struct{}

// An errno is an error number of WASI preview 1.
type errno uint32

// The error numbers that this package returns.
const (
	success     errno = 0
	errAccess   errno = 2
	errAgain    errno = 6
	errBadFD    errno = 8
	errExist    errno = 20
	errFault    errno = 21
	errInvalid  errno = 28
	errIO       errno = 29
	errIsDir    errno = 31
	errLoop     errno = 32
	errManyFD   errno = 33
	errLongName errno = 37
	errNoEntry  errno = 44
	errNoSpace  errno = 51
	errNoSystem errno = 52
	errNotDir   errno = 54
	errNotEmpty errno = 55
	errNotSup   errno = 58
	errNotAllow errno = 63
	errRange    errno = 68
	errSeekPipe errno = 70
	errCrossDev errno = 75
)

// memory is the memory of a program.
type memory struct{ api.Memory }

var little = binary.LittleEndian

// bytes returns a part of the memory, not a copy of it.
func (m memory) bytes(at, n uint64) ([]byte, errno) {
	if b, ok := m.Read(uint32(at), uint32(n)); ok {
		return b, success
	}
	return nil, errFault
}

// text returns a copy of a part of the memory.
func (m memory) text(at, n uint64) (string, errno) {
	b, err := m.bytes(at, n)
	return string(b), err
}

func (m memory) put32(at uint64, v uint32) errno {
	if m.WriteUint32Le(uint32(at), v) {
		return success
	}
	return errFault
}

func (m memory) put64(at, v uint64) errno {
	if m.WriteUint64Le(uint32(at), v) {
		return success
	}
	return errFault
}

// each hands the n buffers that are listed at at to do, until one is not used up or do fails.
// It writes into the word at result how many bytes do has used.
func (m memory) each(at, n, result uint64, do func([]byte) (int, errno)) errno {
	total := uint32(0)
	for i := range uint64(uint32(n)) {
		entry, err := m.bytes(at+8*i, 8)
		if err != success {
			return err
		}
		buffer, err := m.bytes(uint64(little.Uint32(entry)), uint64(little.Uint32(entry[4:])))
		if err != success {
			return err
		}
		if len(buffer) == 0 {
			continue
		}
		used, err := do(buffer)
		total += uint32(used)
		if err != success && total == 0 {
			return err
		}
		if err != success || used < len(buffer) {
			break
		}
	}
	return m.put32(result, total)
}
