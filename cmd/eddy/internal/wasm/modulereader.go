package wasm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var errModule = errors.New("this is no WebAssembly module")

// A moduleReader reads a part of a WebAssembly module. After an error it reads zeros.
type moduleReader struct {
	rest []byte
	err  error
}

func (r *moduleReader) fail(err error) {
	if r.err == nil && err != nil {
		r.err, r.rest = err, nil
	}
}

func (r *moduleReader) bytes(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.fail(errModule)
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *moduleReader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

// number reads an unsigned number, or skips a signed one.
func (r *moduleReader) number() uint64 {
	n := uint64(0)
	for i, b := range r.rest[:min(len(r.rest), binary.MaxVarintLen64)] {
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return n
		}
	}
	r.fail(errModule)
	return 0
}

// count reads how many things follow. Each of them has at least one byte.
func (r *moduleReader) count() uint64 {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail(errModule)
		return 0
	}
	return n
}

// numbers skips n numbers.
func (r *moduleReader) numbers(n int) {
	for range n {
		r.number()
	}
}

// The instructions that have a name here.
const (
	opUnreachable = 0x00
	opLoop        = 0x03
	opIf          = 0x04
	opEnd         = 0x0b
	opBrTable     = 0x0e
	opSelectTyped = 0x1c
	opGlobalGet   = 0x23
	opGlobalSet   = 0x24
	opI64Const    = 0x42
	opF32Const    = 0x43
	opF64Const    = 0x44
	opI64Eqz      = 0x50
	opI64Sub      = 0x7d
	opMore        = 0xfc
	opVector      = 0xfd

	blockVoid = 0x40
)

// instruction skips an instruction of WebAssembly 2.0 and returns its first byte.
func (r *moduleReader) instruction() byte {
	op := r.byte()
	switch {
	case op == opBrTable:
		n := r.count()
		r.numbers(int(n) + 1)
	case op == opSelectTyped:
		r.bytes(r.count())
	case op == opF32Const:
		r.bytes(4)
	case op == opF64Const:
		r.bytes(8)
	case op == opMore:
		r.moreInstruction()
	case op == opVector:
		r.vectorInstruction()
	default:
		n, known := operands(op)
		if !known {
			r.fail(fmt.Errorf("the program has the instruction %#x, which is not in WebAssembly 2.0", op))
		}
		r.numbers(n)
	}
	return op
}

// operands returns how many numbers follow an instruction.
func operands(op byte) (n int, known bool) {
	switch {
	case op <= 0x01, op == 0x05, op == opEnd, op == 0x0f: // unreachable, nop, else, end, return
		return 0, true
	case op <= opIf, op == 0x0c, op == 0x0d, op == 0x10: // block, loop, if; br, br_if; call
		return 1, op >= 0x02
	case op == 0x11: // call_indirect
		return 2, true
	case op == 0x1a, op == 0x1b: // drop, select
		return 0, true
	case op >= 0x20 && op <= 0x26: // variables, tables
		return 1, true
	case op >= 0x28 && op <= 0x3e: // load, store
		return 2, true
	case op >= 0x3f && op <= opI64Const: // memory.size, memory.grow, constants
		return 1, true
	case op >= 0x45 && op <= 0xc4: // arithmetic
		return 0, true
	case op == 0xd0, op == 0xd2: // ref.null, ref.func
		return 1, true
	case op == 0xd1: // ref.is_null
		return 0, true
	}
	return 0, false
}

// moreInstruction skips the rest of an instruction that begins with opMore.
func (r *moduleReader) moreInstruction() {
	switch op := r.number(); {
	case op <= 7: // conversions
	case op == 8, op == 10, op == 12, op == 14: // init and copy
		r.numbers(2)
	case op <= 17: // drop, fill, grow, size
		r.numbers(1)
	default:
		r.fail(fmt.Errorf("the program has the instruction 0xfc %#x, which is not in WebAssembly 2.0", op))
	}
}

// vectorInstruction skips the rest of an instruction that begins with opVector.
func (r *moduleReader) vectorInstruction() {
	switch op := r.number(); {
	case op <= 11, op == 92, op == 93: // load, store
		r.numbers(2)
	case op == 12, op == 13: // const, shuffle
		r.bytes(16)
	case op >= 21 && op <= 34: // a lane
		r.bytes(1)
	case op >= 84 && op <= 91: // load, store of a lane
		r.numbers(2)
		r.bytes(1)
	case op > 255:
		r.fail(fmt.Errorf("the program has the instruction 0xfd %#x, which is not in WebAssembly 2.0", op))
	}
}
