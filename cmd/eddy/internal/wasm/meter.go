package wasm

import (
	"bytes"
	"encoding/binary"
)

// meterName is the name under which the counter of a program is exported.
const meterName = "eddy.work"

// The sections of a module that addMeter reads or changes.
const (
	sectionImport = 2
	sectionGlobal = 6
	sectionExport = 7
	sectionCode   = 10
)

// What the sections say.
const (
	importFunction = 0
	importTable    = 1
	importMemory   = 2
	importGlobal   = 3
	typeI64        = 0x7e
	exportGlobal   = 3
)

var moduleHeader = []byte("\x00asm\x01\x00\x00\x00")

// addMeter returns the module with a counter: a global variable that says how much the program
// may still do. Instructions at the begin of each function and of each iteration of a loop
// count it down, and trap when it is 0.
//
// So a program that computes without end is stopped, and at the same point on every machine.
// wazero itself can only stop a program when a time is over, and a program that it can stop
// runs seven times slower.
func addMeter(module []byte) ([]byte, error) {
	r := &moduleReader{rest: module}
	if !bytes.Equal(r.bytes(uint64(len(moduleHeader))), moduleHeader) {
		return nil, errModule
	}
	out := make([]byte, 0, len(module)+len(module)/4)
	out = append(out, moduleHeader...)
	imported, globals, seen := uint64(0), uint64(0), false
	for len(r.rest) > 0 && r.err == nil {
		id := r.byte()
		content := r.bytes(r.number())
		s := &moduleReader{rest: content}
		switch id {
		case sectionImport:
			imported = s.importedGlobals()
		case sectionGlobal:
			globals, seen = s.number(), true
			content = addMeterGlobal(globals, s.rest)
		case sectionExport:
			if !seen {
				out = appendSection(out, sectionGlobal, addMeterGlobal(0, nil))
			}
			content = addMeterExport(s.number(), s.rest, imported+globals)
		case sectionCode:
			content = s.meteredCode(countDown(imported + globals))
		}
		if s.err != nil {
			return nil, s.err
		}
		out = appendSection(out, id, content)
	}
	return out, r.err
}

func appendSection(out []byte, id byte, content []byte) []byte {
	out = binary.AppendUvarint(append(out, id), uint64(len(content)))
	return append(out, content...)
}

// addMeterGlobal adds the counter to n globals. Its first value counts for what runs before the
// host can set it.
func addMeterGlobal(n uint64, globals []byte) []byte {
	out := append(binary.AppendUvarint(nil, n+1), globals...)
	out = append(out, typeI64, 1, opI64Const)       // 1: it can be changed
	out = binary.AppendUvarint(out, defaultMaxWork) // signed, but the sign bit is not in use
	return append(out, opEnd)
}

// addMeterExport adds the counter to n exports.
func addMeterExport(n uint64, exports []byte, index uint64) []byte {
	out := append(binary.AppendUvarint(nil, n+1), exports...)
	out = append(binary.AppendUvarint(out, uint64(len(meterName))), meterName...)
	return binary.AppendUvarint(append(out, exportGlobal), index)
}

// countDown returns the instructions that count down the global with an index.
func countDown(index uint64) []byte {
	global := binary.AppendUvarint(nil, index)
	out := append([]byte{opGlobalGet}, global...)
	out = append(out, opI64Eqz, opIf, blockVoid, opUnreachable, opEnd, opGlobalGet)
	out = append(out, global...)
	out = append(out, opI64Const, 1, opI64Sub, opGlobalSet)
	return append(out, global...)
}

// importedGlobals reads the section of imports.
func (r *moduleReader) importedGlobals() (n uint64) {
	for range r.count() {
		r.bytes(r.number()) // the module
		r.bytes(r.number()) // the name
		switch r.byte() {
		case importFunction:
			r.number()
		case importTable:
			r.byte()
			r.limits()
		case importMemory:
			r.limits()
		case importGlobal:
			r.bytes(2)
			n++
		default:
			r.fail(errModule)
		}
	}
	return n
}

func (r *moduleReader) limits() {
	hasMax := r.byte()&1 != 0
	if r.number(); hasMax {
		r.number()
	}
}

// meteredCode reads the section of functions and returns it with the instructions count.
func (r *moduleReader) meteredCode(count []byte) []byte {
	out := make([]byte, 0, len(r.rest)+len(r.rest)/4)
	n := r.count()
	out = binary.AppendUvarint(out, n)
	var body []byte
	for range n {
		f := &moduleReader{rest: r.bytes(r.number())}
		body = f.meteredFunction(body[:0], count)
		if r.fail(f.err); r.err != nil {
			return nil
		}
		out = append(binary.AppendUvarint(out, uint64(len(body))), body...)
	}
	if len(r.rest) > 0 {
		r.fail(errModule)
	}
	return out
}

// meteredFunction appends one function to out.
func (r *moduleReader) meteredFunction(out, count []byte) []byte {
	start := r.rest
	for range r.count() { // local variables
		r.number()
		r.byte()
	}
	for r.err == nil {
		// Here begins the function, or a loop.
		out = append(append(out, start[:len(start)-len(r.rest)]...), count...)
		start = r.rest
		for r.err == nil && r.instruction() != opLoop {
			if len(r.rest) == 0 {
				return append(out, start...)
			}
		}
	}
	return out
}
