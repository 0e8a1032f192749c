package cluster

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
)

// A disk is full for some time.
type disk struct {
	bytes.Buffer
	full bool
}

func (d *disk) Write(p []byte) (int, error) {
	if d.full {
		return 0, syscall.ENOSPC
	}
	return d.Buffer.Write(p)
}

func (*disk) Close() error { return nil }

// After a moment of full disk the log goes on, and it says what is missing.
func TestStderrLogOnFullDisk(t *testing.T) {
	var d disk
	l := newStderrLog(&d)
	line := strings.Repeat("x", 999)
	for range 10 {
		l.write([]byte(line))
	}
	if lost, err := l.missing(); lost != 0 || err != nil {
		t.Errorf("%d bytes are missing: %v", lost, err)
	}
	d.full = true
	for range 10 {
		l.write([]byte(strings.ToUpper(line)))
	}
	l.write(bytes.Repeat([]byte("Z"), 10_000)) // longer than the buffer
	lost, err := l.missing()
	if lost != 10*1000+10_001 || err != syscall.ENOSPC {
		t.Errorf("%d bytes are missing: %v", lost, err)
	}
	d.full = false
	for range 10 {
		l.write([]byte(line))
	}
	l.close()
	want := strings.Repeat(line+"\n", 10) + "(20001 bytes are missing: no space left on device)\n" + strings.Repeat(line+"\n", 10)
	if got := d.String(); got != want {
		t.Errorf("%d bytes, want %d: %.300q", len(got), len(want), strings.ReplaceAll(got, "x", ""))
	}
	if again, _ := l.missing(); again != lost {
		t.Errorf("%d bytes are missing at the end", again)
	}
}

// A long line is written whole, between others.
func TestStderrLogLongLine(t *testing.T) {
	var d disk
	l := newStderrLog(&d)
	long := strings.Repeat("y", 100_000)
	for _, line := range []string{"first", long, "last"} {
		l.write([]byte(line))
	}
	l.close()
	if got := d.String(); got != "first\n"+long+"\nlast\n" {
		t.Errorf("%d bytes", len(got))
	}
}
