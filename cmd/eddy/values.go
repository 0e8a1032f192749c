package main

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// valueOptions make kong parse the values of flags, and say what is wrong with one, in the
// words of this command line. A flag of type seconds holds a number of seconds.
func valueOptions() []kong.Option {
	usual := kong.NewRegistry().RegisterDefaults()
	list := usual.ForType(reflect.TypeFor[[]string]())
	return []kong.Option{
		kong.NamedMapper("seconds", parsedBy("a time: seconds, such as 10, or with a unit, such as 10s or 500ms", parseSeconds)),
		kong.TypeMapper(reflect.TypeFor[time.Duration](), parsedBy("a time: seconds, such as 10, or with a unit, such as 10s or 500ms", parseTime)),
		kong.KindMapper(reflect.Int, parsedBy("a whole number", strconv.Atoi)),
		kong.KindMapper(reflect.Uint64, parsedBy("a whole number from 0 on", func(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) })),
		kong.KindMapper(reflect.Float64, parsedBy("a number", func(text string) (float64, error) { return strconv.ParseFloat(text, 64) })),
		kong.KindMapper(reflect.String, parsedBy("a text", func(text string) (string, error) { return text, nil })),
		kong.KindMapper(reflect.Slice, kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
			if err := hasValue(ctx); err != nil {
				return err
			}
			return list.Decode(ctx, target)
		})),
		kong.PostBuild(func(k *kong.Kong) error {
			for _, command := range k.Model.Leaves(false) {
				for _, group := range command.AllFlags(false) {
					for _, f := range group {
						f.PlaceHolder = placeholder(f)
					}
				}
			}
			return nil
		}),
	}
}

// parsedBy returns a mapper of values. kind says in an error what a value must be.
func parsedBy[T any](kind string, parse func(string) (T, error)) kong.Mapper {
	return kong.MapperFunc(func(ctx *kong.DecodeContext, target reflect.Value) error {
		if err := hasValue(ctx); err != nil {
			return err
		}
		text := fmt.Sprint(ctx.Scan.Pop().Value)
		value, err := parse(text)
		if err != nil {
			return fmt.Errorf("%q is not %s", text, kind)
		}
		if target.Kind() == reflect.Pointer {
			target = target.Elem()
		}
		target.Set(reflect.ValueOf(value).Convert(target.Type()))
		return nil
	})
}

// hasValue returns an error if no value follows a flag.
func hasValue(ctx *kong.DecodeContext) error {
	next := ctx.Scan.Peek()
	if next.IsValue() {
		return nil
	}
	name := "a value"
	if f := ctx.Value.Flag; f != nil {
		name = placeholder(f)
	}
	if next.Type == kong.EOLToken {
		return fmt.Errorf("%s must follow", name)
	}
	return fmt.Errorf("%s must follow, not %v; a value that begins with - is written %s=%v", name, next.Value, ctx.Value.ShortSummary(), next.Value)
}

// parseTime parses a time. A plain number is in seconds.
func parseTime(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil {
		return d, nil
	}
	s, err := strconv.ParseFloat(text, 64)
	if err == nil && !(math.Abs(s) < math.MaxInt64/1e9) {
		err = strconv.ErrRange
	}
	return seconds(s), err
}

// parseSeconds parses a time as a number of seconds. It accepts numbers that are no time,
// such as NaN, for which a command has errors of its own.
func parseSeconds(text string) (float64, error) {
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		return s, nil
	}
	d, err := time.ParseDuration(text)
	return d.Seconds(), err
}

// placeholder returns what stands for the value of a flag in texts of help.
func placeholder(f *kong.Flag) string {
	typ := f.Target.Type()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	enum := strings.Split(f.Enum, ",")
	switch {
	case f.PlaceHolder != "":
		return f.PlaceHolder
	case f.Enum != "" && len(enum) <= 4:
		return strings.Join(enum, "|")
	case typ == reflect.TypeFor[time.Duration](), f.Tag.Type == "seconds":
		return "TIME"
	case typ.Kind() == reflect.Int, typ.Kind() == reflect.Uint64, typ.Kind() == reflect.Float64:
		return "N"
	case f.Enum != "":
		return "NAME"
	}
	return "" // TestPlaceholders finds it
}
