package retry

import (
	"encoding/json"
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
	if p, err := Preset("impatient"); err == nil || Purpose("impatient") != "" {
		t.Errorf("%v", p)
	}
}

// Whoever changes the policy that he got changes no other.
func TestPresetIsTheCallersOwn(t *testing.T) {
	p, _ := Preset("patient")
	p.Codes[0], p.Adaptive.Min = 0, time.Hour
	if again, _ := Preset("patient"); reflect.DeepEqual(p, again) {
		t.Error("a preset was changed")
	}
}
