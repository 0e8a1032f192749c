package talk

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

// A reply that waits for a request says so after a while.
func TestReplySaysWhatItWaitsFor(t *testing.T) {
	for line, want := range map[string]string{
		"reply read_ok 3": `-- n1 has sent no request without a reply; waiting for it, at most 10s
> reply read_ok 3
!! n1 has sent no request without a reply within 10s
`,
		"reply 4 read_ok 3": `-- n1 has sent no request #4; waiting for it, at most 10s
> reply 4 read_ok 3
!! n1 has sent no request #4 within 10s
`,
	} {
		synctest.Test(t, func(t *testing.T) {
			command, err := shorthand.Parse(line)
			if err != nil {
				t.Fatal(err)
			}
			var shown strings.Builder
			s := &session{cfg: Config{Node: "n1"}, console: &pipeConsole{}, screen: &transcript{w: &shown}}
			s.reply(command, func() { s.screen.typed(line) })
			for s.waiting != nil {
				<-s.waiting.timer.C
				s.stopWaiting().expired()
			}
			if diff := cmp.Diff(want, shown.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
