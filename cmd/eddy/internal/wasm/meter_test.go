package wasm

import (
	"context"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
)

// section returns a section of a module.
func section(id byte, content string) string {
	return string(appendSection(nil, id, []byte(content)))
}

// tiny is a module without globals; its function f has a loop of n iterations.
var tiny = string(moduleHeader) +
	section(1, "\x01\x60\x01\x7f\x00") + // the type of a function of one i32
	section(3, "\x01\x00") +
	section(sectionExport, "\x01\x01f\x00\x00") +
	section(sectionCode, "\x01"+"\x12"+"\x00"+ // one function of 18 bytes, no variables
		"\x03\x40"+"\x20\x00"+"\x41\x01"+"\x6b"+"\x22\x00"+ // loop: n = n - 1
		"\x0d\x00"+"\x0b"+"\x42\xff\x7f\x1a"+"\x0b") // again if n != 0; drop -129

// The counter goes down by one for the function and for each iteration, and the function traps
// when it is 0.
func TestMeterCounts(t *testing.T) {
	ctx := context.Background()
	module, err := addMeter([]byte(tiny))
	if err != nil {
		t.Fatal(err)
	}
	runtime := wazero.NewRuntime(ctx)
	defer runtime.Close(ctx)
	m, err := runtime.Instantiate(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	p := Process{meter: counter(m)}
	if got := p.meter.Get(); got != defaultMaxWork {
		t.Errorf("the counter begins with %d", got)
	}
	p.meter.Set(100)
	if _, err := m.ExportedFunction("f").Call(ctx, 10); err != nil || p.meter.Get() != 89 {
		t.Errorf("10 iterations: %v, and %d of 100 is left", err, p.meter.Get())
	}
	p.meter.Set(10)
	if _, err := m.ExportedFunction("f").Call(ctx, 10); err == nil || !strings.Contains(err.Error(), "unreachable") {
		t.Errorf("the function may do less than it does: %v", err)
	}
	p.meter.Set(callWork + 1)
	p.charge()
	if p.meter.Get() != 1 {
		t.Errorf("a call of the host leaves %d", p.meter.Get())
	}
	p.charge()
	if p.meter.Get() != 0 {
		t.Errorf("two calls of the host leave %d", p.meter.Get())
	}
}

// What is no module gives an error. A counter can be added to a module that has one.
func FuzzAddMeter(f *testing.F) {
	f.Add([]byte(tiny))
	f.Add([]byte(tiny[:len(tiny)-3]))
	f.Add([]byte(string(moduleHeader) + section(sectionCode, "\x01\x02\x00\x03")))
	f.Add([]byte(string(moduleHeader) + section(sectionImport, "\x02\x01a\x01b\x02\x01\x01\x02\x01a\x01c\x03\x7f\x00") +
		section(sectionGlobal, "\x01\x7f\x00\x41\x00\x0b")))
	f.Fuzz(func(t *testing.T, module []byte) {
		metered, err := addMeter(module)
		if err != nil {
			return
		}
		if len(metered) < len(module)/2 { // numbers may be written longer than they must be
			t.Errorf("%d bytes became %d", len(module), len(metered))
		}
		if _, err := addMeter(metered); err != nil {
			t.Errorf("not a second time: %v", err)
		}
	})
}

// The reader knows how long each instruction is.
func TestInstructions(t *testing.T) {
	instructions := []string{
		"\x00", "\x01", "\x02\x40", "\x03\x7f", "\x04\x81\x01", "\x05", "\x0b", // control
		"\x0c\x01", "\x0d\x01", "\x0e\x02\x01\x81\x01\x00", "\x0f", "\x10\x85\x01", "\x11\x05\x00",
		"\x1a", "\x1b", "\x1c\x01\x7f", "\x20\x01", "\x24\x81\x01", "\x25\x00", "\x26\x00",
		"\x28\x02\x80\x01", "\x3e\x02\x00", "\x3f\x00", "\x40\x00", // memory
		"\x41\x7f", "\x42\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", "\x43abcd", "\x44abcdefgh",
		"\x45", "\xa7", "\xc4", "\xd0\x70", "\xd1", "\xd2\x01",
		"\xfc\x00", "\xfc\x07", "\xfc\x08\x01\x00", "\xfc\x09\x01", "\xfc\x0a\x00\x00", "\xfc\x0b\x00",
		"\xfc\x0c\x01\x00", "\xfc\x0d\x01", "\xfc\x0e\x00\x01", "\xfc\x0f\x00", "\xfc\x11\x00",
		"\xfd\x00\x04\x00", "\xfd\x0b\x04\x00", "\xfd\x0c0123456789abcdef", "\xfd\x0d0123456789abcdef",
		"\xfd\x0e", "\xfd\x15\x01", "\xfd\x22\x01", "\xfd\x54\x00\x00\x01", "\xfd\x5b\x00\x00\x01",
		"\xfd\x5c\x00\x00", "\xfd\x5d\x00\x00", "\xfd\x6e", "\xfd\xff\x01",
	}
	for _, i := range instructions {
		for n := range len(i) + 1 {
			r := moduleReader{rest: []byte(i[:n])}
			if r.instruction(); (r.err == nil) != (n == len(i)) {
				t.Errorf("%d bytes of %x: %v", n, i, r.err)
			}
		}
		r := moduleReader{rest: []byte(i + "rest")}
		if r.instruction(); string(r.rest) != "rest" {
			t.Errorf("%x: the rest is %q", i, r.rest)
		}
	}
	for _, i := range []string{"\x06\x00", "\x12\x00", "\x27\x00", "\xc5", "\xd3", "\xfc\x12", "\xfd\x80\x02", "\xfe\x00"} {
		r := moduleReader{rest: []byte(i)}
		if r.instruction(); r.err == nil {
			t.Errorf("%x: no error", i)
		}
	}
}
