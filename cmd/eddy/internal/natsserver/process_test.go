package natsserver

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// serveOnce runs a server with this configuration until it has a store, and then lets its
// input end.
func serveOnce(t *testing.T, file, header, store string) {
	t.Helper()
	text := header + fmt.Sprintf("host: 127.0.0.1\nport: -1\nlog_file: %q\njetstream { store_dir: %q }\n", filepath.Join(t.TempDir(), "log"), store)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	input, end := io.Pipe()
	go func() {
		for !exists(filepath.Join(store, "jetstream")) {
			time.Sleep(time.Millisecond)
		}
		end.Close()
	}()
	if err := Serve(file, input); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Serve removes only what eddy test has made: not the configuration of anybody else, its
// directory or its store, and no store that is not beside the configuration.
func TestServeRemovesOnlyWhatATestMade(t *testing.T) {
	for _, tt := range []struct {
		name, header, store         string
		fileStays, storeStays       bool
		otherFile, directoryRemains bool
	}{
		{name: "of a user", store: "nats.data", fileStays: true, storeStays: true, directoryRemains: true},
		{name: "of a test", header: TestHeader, store: "nats.data"},
		{name: "of a test, beside another file", header: TestHeader, store: "nats.data", otherFile: true, directoryRemains: true},
		{name: "of a test, with a store elsewhere", header: TestHeader, store: "../elsewhere", storeStays: true},
		{name: "of a user, who mentions it", header: "# no test\n" + TestHeader, store: "nats.data", fileStays: true, storeStays: true, directoryRemains: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "dir")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			file, store, other := filepath.Join(dir, "nats.conf"), filepath.Join(dir, tt.store), filepath.Join(dir, "other")
			if tt.otherFile {
				if err := os.WriteFile(other, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			serveOnce(t, file, tt.header, store)
			for path, want := range map[string]bool{file: tt.fileStays, store: tt.storeStays, other: tt.otherFile, dir: tt.directoryRemains} {
				if exists(path) != want {
					t.Errorf("%s exists is %v, want %v", path, !want, want)
				}
			}
		})
	}
}
