package page

import "html/template"

// pageTemplate is the page: the text that is shown without a script, the parts, and the
// script that draws them. Its Content-Security-Policy has the hashes of style and
// script, so that nothing else runs and nothing is fetched.
var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{.CSP}}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{{range .Tests}}{{.Verdict}} {{end}}· {{.Title}}</title>
<style>{{.CSS}}</style>
</head>
<body>
<main id="page">
<div class="tests">
{{range $i, $t := .Tests}}<header class="verdict {{$t.Verdict}}" id="t{{$i}}-top">
<h1>{{if gt (len $.Tests) 1}}{{if eq $i 0}}A{{else}}B{{end}} {{end}}<span class="badge">{{$t.Verdict}}</span> <bdi>{{$t.Sentence}}</bdi></h1>
{{with $t.Smallest}}<p class="first smallest">{{.}}</p>
{{end}}{{with $t.Kinds}}<div class="kinds"><ul>{{range $k, $kind := .}}{{if lt $k $.KindsAtOnce}}<li><span class="kind">{{$kind}}</span>{{with $t.AdviceFor $k}}<br>{{.}}{{end}}</li>{{end}}{{end}}</ul>
{{if gt (len .) $.KindsAtOnce}}<details><summary>further kinds of problems</summary><ul>{{range $k, $kind := .}}{{if ge $k $.KindsAtOnce}}<li><span class="kind">{{$kind}}</span>{{with $t.AdviceFor $k}}<br>{{.}}{{end}}</li>{{end}}{{end}}</ul></details>
{{end}}</div>
{{end}}{{with $t.Example}}<p class="first example">First: <bdi>{{.}}</bdi></p>
{{end}}{{with $t.Reasons}}{{with index . 0}}{{with .Explained}}<p class="first explained" id="t{{$i}}-explained"><bdi>{{.}}</bdi></p>
{{end}}{{end}}{{end}}{{range $t.Warnings}}<p class="first"><bdi>Warning: {{.}}</bdi></p>
{{end}}<div class="command"><code id="t{{$i}}-command">{{$t.Command}}</code><button type="button" class="copy" data-copies="t{{$i}}-command" hidden>Copy</button></div>
</header>
{{end}}</div>
<noscript><p>The diagram and the charts need JavaScript.</p></noscript>
<div id="app"></div>
</main>
{{range .Parts}}<script type="text/plain" id="{{.Name}}">{{.Text}}</script>
{{end}}<script>{{.JS}}</script>
</body>
</html>
`))
