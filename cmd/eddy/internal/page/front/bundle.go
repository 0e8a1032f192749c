// Front bundles the page's TypeScript and style into the two files that package
// page embeds. It is a module of its own, so that neither the bundler nor the
// browser's driver is a dependency of Eddy:
//
//	cd cmd/eddy/internal/page/front && go run .
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
		if err := os.WriteFile(filepath.Join("..", name), text, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s: %d bytes\n", name, len(text))
	}
}

// bundle builds page.js and page.css from src.
func bundle() (map[string][]byte, error) {
	js := api.Build(api.BuildOptions{
		EntryPoints: []string{"src/main.ts"}, Outfile: "page.js",
		Bundle: true, Format: api.FormatIIFE, Target: api.ES2022, LegalComments: api.LegalCommentsEndOfFile,
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, Charset: api.CharsetASCII,
	})
	css := api.Build(api.BuildOptions{
		EntryPoints: []string{"src/all.css"}, Outfile: "page.css",
		Bundle: true, MinifyWhitespace: true, Charset: api.CharsetASCII,
	})
	files := map[string][]byte{}
	for _, result := range []api.BuildResult{js, css} {
		if len(result.Errors) > 0 {
			return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage}), ""))
		}
		for _, f := range result.OutputFiles {
			files[filepath.Base(f.Path)] = f.Contents
		}
	}
	return files, nil
}
