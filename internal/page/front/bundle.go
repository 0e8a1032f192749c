// Front bundles the pages' TypeScript and style into the files that packages
// page, serve and plan embed. It is a module of its own, so that the bundler and the
// driver of the browser are not dependencies of Eddy:
//
//	cd internal/page/front && go run .
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	files, err := bundle()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for name, text := range files {
		if err := os.WriteFile(name, text, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s: %d bytes\n", name, len(text))
	}
}

// bundle returns the files that packages page, serve and plan embed, by their paths relative to this directory.
func bundle() (map[string][]byte, error) {
	files := map[string][]byte{}
	licence, err := os.ReadFile("third_party/uplot/LICENSE") // each copy must contain it
	if err != nil {
		return nil, err
	}
	notice := map[string]string{"js": "/*! Contains uPlot (https://github.com/leeoniya/uPlot):\n" + string(licence) + "*/"}
	for from, to := range map[string]string{
		"src/main.ts": "../page.js", "src/all.css": "../page.css",
		"src/serve.ts": "../../../cmd/eddy/internal/serve/serve.js", "src/serve.css": "../../../cmd/eddy/internal/serve/serve.css",
		"src/plan.ts": "../../../cmd/eddy/internal/plan/page.js", "src/plan.css": "../../../cmd/eddy/internal/plan/page.css",
	} {
		result := api.Build(api.BuildOptions{
			EntryPoints: []string{from}, Outfile: to,
			Bundle: true, Banner: notice, Format: api.FormatIIFE, Target: api.ES2022, LegalComments: api.LegalCommentsEndOfFile,
			MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Charset: api.CharsetASCII,
		})
		if len(result.Errors) > 0 {
			return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage}), ""))
		}
		files[to] = result.OutputFiles[0].Contents
	}
	return files, nil
}
