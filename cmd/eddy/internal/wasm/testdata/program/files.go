package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// files writes what the file system does.
func files() {
	show := func(what string, err error) {
		var number syscall.Errno
		errors.As(err, &number)
		fmt.Println(what, err, int(number))
	}
	for _, name := range []string{"zebra", "ant", "mole"} {
		show("write", os.WriteFile(name, []byte(name), 0o600))
		time.Sleep(time.Second)
	}
	show("mkdir", os.MkdirAll("dir/sub", 0o700))
	show("mkdir", os.Mkdir("dir", 0o700))
	show("symlink", os.Symlink("../ant", "dir/link"))
	show("absolute symlink", os.Symlink("/ant", "dir/absolute"))
	show("link", os.Link("mole", "mole2"))
	show("rename", os.Rename("zebra", "dir/zebra"))
	list(".")
	time.Sleep(time.Second)
	show("replace", os.Rename("dir/zebra", "ant"))
	fmt.Printf("%s %s\n", must(os.ReadFile("ant")), must(os.ReadFile("dir/link")))
	fmt.Println(must(os.Readlink("dir/link")))
	show("not there", errorOf(os.ReadFile("nothing")))
	show("not there", errorOf(os.ReadFile("ant/below")))
	show("a directory", errorOf(os.ReadFile("dir")))
	show("outside", errorOf(os.ReadFile("../../etc/passwd")))
	show("escape", os.Symlink("../../etc/passwd", "escape"))
	show("escape", errorOf(os.ReadFile("escape")))
	show("remove", os.Remove("dir"))
	show("remove", os.Remove("nothing"))
	show("chtimes", os.Chtimes("mole", time.Unix(5, 0), time.Unix(7, 8)))
	show("truncate", os.Truncate("mole2", 2))
	edit()
	list(".")
	list("dir")
	show("remove all", os.RemoveAll("dir"))
	list(".")
	fmt.Println(must(os.Getwd()))
}

// edit reads and writes at positions of one file.
func edit() {
	f := must(os.OpenFile("edited", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600))
	must(f.WriteString("0123456789"))
	must(f.WriteAt([]byte("ab"), 4))
	must(f.Seek(-3, io.SeekEnd))
	must(f.WriteString("Z"))
	b := make([]byte, 4)
	must(f.ReadAt(b, 3))
	must(f.Seek(0, io.SeekStart))
	fmt.Printf("%s %s %v\n", b, must(io.ReadAll(f)), f.Sync())
	before := must(f.Stat())
	if err := os.Remove("edited"); err != nil {
		panic(err)
	}
	if err := os.WriteFile("edited", nil, 0o600); err != nil {
		panic(err)
	}
	fmt.Println("same file:", os.SameFile(before, must(os.Stat("edited"))), os.SameFile(before, must(f.Stat())))
	_, exists := os.OpenFile("edited", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	fmt.Println("exists:", errors.Is(exists, fs.ErrExist), f.Close())
	_, closed := f.Write(b)
	fmt.Println("closed:", closed)
}

func list(dir string) {
	fmt.Println(dir, must(must(os.Open(dir)).Readdirnames(-1))) // as the host orders them
	for _, e := range must(os.ReadDir(dir)) {
		info := must(e.Info())
		st := info.Sys().(*syscall.Stat_t)
		fmt.Println(dir, e.Name(), info.Mode().Type(), info.Size(), info.ModTime().UTC(), st.Dev, st.Ino, st.Nlink, st.Atime, st.Ctime)
	}
}

func errorOf[T any](_ T, err error) error { return err }
