# Everything that a change must pass is in .ci/run; these are its parts, and what is
# not part of it.

# The packages whose tests can write what they compare with (flag -rewrite).
GENERATED = $$(go list -test -f '{{if .ForTest}}{{range .Deps}}{{if eq . "github.com/cockroachdb/datadriven"}}{{$$.ForTest}}{{"\n"}}{{end}}{{end}}{{end}}' ./... | sort -u)

.PHONY: all build test race lint measure bench fuzz generate snapshot vuln ci

all: build test

build: ## the programs relay and eddy
	go build -o . ./cmd/relay ./cmd/eddy

test:
	go test ./...

race:
	go test -race ./...

lint: ## gofmt, go vet, staticcheck, go mod tidy, measures
	.ci/lint

measure: ## the measures of the code, and what is behind them
	go run -modfile=.ci/tools.mod ./.ci/measure -v

bench: ## all peers side by side: about half an hour on a quiet machine
	cd bench && go run .

FUZZTIME = 1m
fuzz: ## every fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

generate: ## rewrite generated files and transcripts; read the changes before you commit them
	go test -count=1 -p 1 $(GENERATED) -rewrite
	cd cmd/eddy/internal/page/front && go run .

snapshot: ## try the release: archives of all systems in dist/
	go run github.com/goreleaser/goreleaser/v2@v2.17.0 release --snapshot --clean

vuln: ## known vulnerabilities in the code and its dependencies; needs the network
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

ci: ## all that a change must pass
	.ci/run
