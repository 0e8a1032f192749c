package main

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// args returns the arguments after eddy test that give the command its values: a flag for
// each value that is not the default.
func (c *testCommand) args() []string {
	line := &cli{Test: *c}
	var all []string
	for _, node := range newParser(line).Model.Children {
		if node.Name != "test" {
			continue
		}
		for _, f := range node.Flags {
			all = append(all, flagArgs(f)...)
		}
	}
	if len(c.Args) > 0 {
		all = append(append(all, "--"), c.Args...)
	}
	return all
}

// flagArgs returns the arguments that give a flag its value.
func flagArgs(f *kong.Flag) (args []string) {
	if f.Name == "help" {
		return nil
	}
	v := f.Target
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	} else if v.IsZero() && f.Default == "" {
		return nil
	}
	switch {
	case v.Kind() == reflect.Slice && f.Tag.Sep == -1: // sep:"none"
		for i := range v.Len() {
			args = append(args, "--"+f.Name+"="+flagText(v.Index(i)))
		}
	case v.Kind() == reflect.Slice:
		var texts []string
		for i := range v.Len() {
			texts = append(texts, flagText(v.Index(i)))
		}
		args = append(args, "--"+f.Name+"="+strings.Join(texts, string(f.Tag.Sep)))
	case v.Kind() == reflect.Bool:
		args = append(args, "--"+f.Name)
	case flagText(v) != f.Default:
		args = append(args, "--"+f.Name+"="+flagText(v))
	}
	return args
}

// flagText returns a value as a command line has it.
func flagText(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return d.String()
	}
	if v.Kind() == reflect.Float64 {
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	return fmt.Sprint(v.Interface())
}
