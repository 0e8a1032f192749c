# .ci/run is everything that a change must pass. Most targets here are parts of it.

.DEFAULT_GOAL := help
.PHONY: help build test long race lint measure bench fuzz generate snapshot vuln ci

help: ## print this list
	@awk -F ': ## ' '/^[a-z]+: ## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

build: ## build relay and eddy here
	go build -o . ./cmd/relay ./cmd/eddy

test: ## run the tests
	go test ./...

long: ## run the tests, with the long searches too
	EDDY_LONG=1 go test ./...

race: ## run the tests with the race detector
	go test -race ./...

lint: ## run gofmt, go vet, staticcheck, go mod tidy and the measures
	.ci/lint

measure: ## print the measures of the code that have bounds, with details
	go run -modfile=.ci/tools.mod ./.ci/measure -v

bench: ## run nodes side by side, half an hour on a quiet machine
	cd bench && go run .

FUZZTIME = 1m
fuzz: ## run each fuzz target for FUZZTIME
	.ci/fuzz $(FUZZTIME)

# The packages whose tests have the flag -rewrite, which datadriven defines.
GENERATED = $$(go list -test -f '{{if .ForTest}}{{range .Deps}}{{if eq . "github.com/cockroachdb/datadriven"}}{{$$.ForTest}}{{"\n"}}{{end}}{{end}}{{end}}' ./... | sort -u)
generate: ## rewrite transcripts, generated documents, the bundled pages and, if there is a Chromium, pictures
	go test -count=1 -p 1 $(GENERATED) -rewrite
	go test -count=1 -modfile=.ci/tools.mod ./.ci/measure -rewrite
	cd internal/page/front && go run . && go test -count=1 . -run Pictures -rewrite

snapshot: ## build the archives of a release in dist/, without releasing them
	go run github.com/goreleaser/goreleaser/v2@v2.14.3 release --snapshot --clean

vuln: ## look for known vulnerabilities; needs the network
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

ci: ## run everything that a change must pass
	.ci/run
