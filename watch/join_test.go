package watch_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/eddyrpc/eddy/watch"
)

type key struct{}

// counting returns hooks that count in Data what they are told, and note it.
func counting(name string, notes *[]string, veto error) *watch.Hooks {
	told := func(data *any, what string) {
		count, _ := (*data).(int)
		*data = count + 1
		*notes = append(*notes, fmt.Sprint(name, " ", what, " ", count+1))
	}
	return &watch.Hooks{
		CallBegins: func(_ context.Context, c *watch.Call) { c.Traceparent = name; told(&c.Data, "begins") },
		Sent:       func(c *watch.Call, _ watch.Sent) { told(&c.Data, "sent") },
		Failed:     func(c *watch.Call, _ watch.Failed) { told(&c.Data, "failed") },
		Late:       func(c *watch.Call, _ watch.Late) { told(&c.Data, "late") },
		Refused:    func(c *watch.Call, _ watch.Refused) { told(&c.Data, "refused") },
		Veto:       func(c *watch.Call, _ int) error { told(&c.Data, "veto"); return veto },
		CallEnds:   func(c *watch.Call, _ watch.CallEnd) { told(&c.Data, "ends") },
		RequestBegins: func(ctx context.Context, r *watch.Request) context.Context {
			told(&r.Data, "request begins")
			value, _ := ctx.Value(key{}).(string)
			return context.WithValue(ctx, key{}, value+name)
		},
		RequestEnds: func(r *watch.Request, _ watch.RequestEnd) { told(&r.Data, "request ends") },
	}
}

func TestJoin(t *testing.T) {
	errVeto := errors.New("no")
	var notes []string
	h := watch.Join(counting("a", &notes, nil), nil, &watch.Hooks{}, counting("b", &notes, errVeto), counting("c", &notes, errors.New("not asked")))
	c, r := &watch.Call{}, &watch.Request{}
	h.CallBegins(t.Context(), c)
	h.Sent(c, watch.Sent{})
	h.Failed(c, watch.Failed{})
	h.Late(c, watch.Late{})
	h.Refused(c, watch.Refused{})
	if err := h.Veto(c, 2); err != errVeto {
		t.Errorf("veto %v", err)
	}
	h.CallEnds(c, watch.CallEnd{})
	if c.Traceparent != "c" {
		t.Errorf("traceparent %s", c.Traceparent)
	}
	if got := h.RequestBegins(t.Context(), r).Value(key{}); got != "abc" {
		t.Errorf("the context has %v", got)
	}
	h.RequestEnds(r, watch.RequestEnd{})
	var want []string
	for i, what := range []string{"begins", "sent", "failed", "late", "refused", "veto", "ends"} {
		for _, name := range []string{"a", "b", "c"} {
			switch {
			case name == "c" && what == "veto":
			case name == "c" && what == "ends":
				want = append(want, fmt.Sprint(name, " ", what, " ", i))
			default:
				want = append(want, fmt.Sprint(name, " ", what, " ", i+1))
			}
		}
	}
	for i, what := range []string{"request begins", "request ends"} {
		for _, name := range []string{"a", "b", "c"} {
			want = append(want, fmt.Sprint(name, " ", what, " ", i+1))
		}
	}
	if !slices.Equal(notes, want) {
		t.Errorf("got  %q\nwant %q", notes, want)
	}
	// A call for a request sees what the same Hooks keep with the request.
	var seen []any
	look := func(c *watch.Call, _ watch.Sent) { seen = append(seen, c.For.Data) }
	keep := func(name string) *watch.Hooks {
		return &watch.Hooks{Sent: look, RequestBegins: func(ctx context.Context, r *watch.Request) context.Context {
			r.Data = name
			return ctx
		}}
	}
	h = watch.Join(keep("a"), keep("b"), &watch.Hooks{Sent: look})
	h.RequestBegins(t.Context(), r)
	h.Sent(&watch.Call{For: r}, watch.Sent{})
	if !slices.Equal(seen, []any{"a", "b", nil}) {
		t.Errorf("seen %v", seen)
	}
	empty := watch.Join()
	empty.CallBegins(t.Context(), c)
	if err := empty.Veto(c, 2); err != nil {
		t.Error(err)
	}
}
