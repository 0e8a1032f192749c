package talk

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/eddyrpc/eddy/cmd/eddy/internal/shorthand"
)

// An answer that waits for a request says so, and does not stay silent until it
// gives up.
func TestAnswerSaysWhatItWaitsFor(t *testing.T) {
	for line, want := range map[string]string{
		"answer read_ok 3": `-- n1 has sent no request that is unanswered; answer waits for one, for 10s at most
> answer read_ok 3
!! n1 has sent no request that is unanswered within 10s
`,
		"answer 4 read_ok 3": `-- n1 has sent no request #4; answer waits for one, for 10s at most
> answer 4 read_ok 3
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
			s.answer(command, func() { s.screen.typed(line) })
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
