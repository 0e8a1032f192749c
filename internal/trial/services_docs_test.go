package trial

import (
	"slices"
	"strings"
	"testing"

	"github.com/eddyrpc/eddy/internal/doctest"
	"github.com/eddyrpc/eddy/internal/message"
	"github.com/eddyrpc/eddy/internal/service"
)

const servicesPage = "../../docs/services.md"

// An exchange is a request that docs/services.md shows, and the replies to it that are
// possible.
type exchange struct {
	request string
	replies []string
}

// exchanges returns the exchanges of the page, in their order. A block "json" has a reply
// after each request, a block "json either" a request and all possible replies.
func exchanges(t *testing.T) (all []exchange) {
	t.Helper()
	for _, b := range doctest.Read(t, servicesPage) {
		lines := strings.Split(strings.TrimSpace(b.Text), "\n")
		switch b.Kind {
		case "json":
			if len(lines)%2 != 0 {
				t.Fatalf("a request without a reply in\n%s", b.Text)
			}
			for pair := range slices.Chunk(lines, 2) {
				all = append(all, exchange{pair[0], pair[1:]})
			}
		case "json either":
			all = append(all, exchange{lines[0], lines[1:]})
		}
	}
	return all
}

// The services give the replies that the page shows, whatever the seed. Of several possible
// replies each is given with some seed.
func TestServicesPage(t *testing.T) {
	all := exchanges(t)
	given := map[string]bool{}
	services, types, codes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for seed := range uint64(100) {
		running := service.All(seed)
		for _, e := range all {
			m, err := message.Parse([]byte(e.request))
			if err != nil {
				t.Fatalf("%v: %s", err, e.request)
			}
			s := running[m.Dest]
			if s == nil {
				t.Fatalf("there is no service %s", m.Dest)
			}
			body := s.ServeID(m.Src, m.Type, m.Body, requestID(&m))
			reply := string(message.Append(nil, m.Dest, m.Src, body))
			if !slices.Contains(e.replies, reply) {
				t.Fatalf("seed %d: the reply to\n%s\nis\n%s\nthe page shows\n%s", seed, e.request, reply, strings.Join(e.replies, "\n"))
			}
			given[reply] = true
			services[m.Dest], types[m.Type] = true, true
			codes[string(message.Member(body, "code"))] = true
		}
	}
	for _, e := range all {
		for _, reply := range e.replies {
			if !given[reply] {
				t.Errorf("no seed gives the reply\n%s", reply)
			}
		}
	}
	for _, spec := range service.Specs {
		if !services[spec.Name] {
			t.Errorf("the page shows no request to %s", spec.Name)
		}
	}
	for _, typ := range []string{"read", "write", "cas", "ts"} {
		if !types[typ] {
			t.Errorf("the page shows no %s", typ)
		}
	}
	for _, code := range []string{"10", "12", "20", "22"} {
		if !codes[code] {
			t.Errorf("the page shows no error %s", code)
		}
	}
}
