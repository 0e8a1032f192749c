package retry

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestPresets(t *testing.T) {
	if want := []string{"default", "patient", "hedged", "budgeted"}; !slices.Equal(Presets(), want) {
		t.Errorf("%v", Presets())
	}
	for _, name := range Presets() {
		p, err := Preset(name)
		if err != nil || p.Validate() != nil || Purpose(name) == "" {
			t.Errorf("%s: %v, %v, %q", name, err, p.Validate(), Purpose(name))
		}
		text, err := json.Marshal(p)
		if again, e := Load(text); err != nil || e != nil || !reflect.DeepEqual(again, p) {
			t.Errorf("%s: %s, %v, %v", name, text, err, e)
		}
	}
	if p, err := Preset("impatient"); fmt.Sprint(err) != `no preset is named "impatient"; the presets are default, patient, hedged, budgeted` || Purpose("impatient") != "" {
		t.Errorf("%v, %v", p, err)
	}
}

// A caller may change the preset that it got.
func TestPresetReturnsACopy(t *testing.T) {
	p, _ := Preset("patient")
	p.RetryOn[0], p.Adaptive.Min = 0, time.Hour
	if again, _ := Preset("patient"); reflect.DeepEqual(p, again) {
		t.Error("a preset was changed")
	}
}

func TestFind(t *testing.T) {
	read := func(name string) ([]byte, error) {
		switch name {
		case "five.json":
			return []byte(`{"attempts":5}`), nil
		case "bad":
			return []byte(`{"attempts":-5}`), nil
		case "secret":
			return nil, fs.ErrPermission
		}
		return nil, fs.ErrNotExist
	}
	for _, tt := range []struct{ name, want string }{
		{"budgeted", `{"budget":{"ratio":0.2,"per_second":10}}`},
		{"five.json", `{"attempts":5}`},
		{"bad", "line 1, column 2: attempts: -5 must be an integer of at least 1"},
		{"secret", "permission denied"},
		{"nope", `no such file, and no such preset; the presets are default, patient, hedged, budgeted`},
		{"./nope", "file does not exist"},
	} {
		p, err := Find(tt.name, read)
		got := fmt.Sprint(err)
		if err == nil {
			text, _ := p.MarshalJSON()
			got = string(text)
		}
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
