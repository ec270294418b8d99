package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
)

//go:embed assets
var assets embed.FS

// script is all that runs in the browser, and style how it looks. Each file of ours has one
// subject; together they are one function.
var (
	script = join("assets/uplot/uPlot.iife.min.js") + "(() => {\n\"use strict\";\n" +
		join("assets/source.js", "assets/series.js", "assets/axes.js", "assets/focus.js", "assets/chart.js", "assets/list.js", "assets/panes.js", "assets/page.js") + "})();\n"
	style = join("assets/uplot/uPlot.min.css", "assets/page.css")

	document = template.Must(template.ParseFS(assets, "assets/page.html"))
)

func join(files ...string) string {
	var b bytes.Buffer
	for _, name := range files {
		content, err := assets.ReadFile(name)
		if err != nil {
			panic(err) // the program was built without it
		}
		b.Write(content)
		b.WriteByte('\n')
	}
	return b.String()
}

// contents are a page's: of one that is served, neither style nor data.
type contents struct {
	Title, Policy string
	Style         template.CSS
	Script        template.JS
	Data          template.JS
}

// report is all documents of a snapshot, by net and by name.
type report struct {
	Index   Index                        `json:"index"`
	Columns map[string]map[string]Column `json:"columns"`
	Tables  map[string]map[string]Table  `json:"tables"`
	Details map[string]Detail            `json:"details"`
}

// WriteReport writes a page that holds its data and needs nothing else.
func (s *Snapshot) WriteReport(w io.Writer) error {
	data := report{s.Index(), map[string]map[string]Column{}, map[string]map[string]Table{}, map[string]Detail{}}
	data.Index.Live = false
	for _, n := range s.all() {
		columns, tables := map[string]Column{}, map[string]Table{}
		for _, name := range []string{"epoch", "step", "seconds"} {
			columns[name], _ = s.Column(n.name, name, 0)
		}
		for _, q := range n.quantities {
			columns[q.Column], _ = s.Column(n.name, q.Column, 0)
		}
		for _, g := range n.groupings {
			tables[g.name], _ = s.Table(n.name, g.name)
		}
		data.Columns[n.name], data.Tables[n.name] = columns, tables
	}
	for _, e := range s.Entries {
		data.Details[e.ID], _ = s.Detail(e.ID)
	}
	b, err := json.Marshal(data) // which writes < as \u003c: no text of a run ends the element that holds it
	if err != nil {
		return err
	}
	return document.Execute(w, contents{
		Title: s.Title, Style: template.CSS(style), Script: template.JS(script), Data: template.JS(b),
		Policy: "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; script-src " + hash(script) + "; style-src " + hash(style),
	})
}

// hash names a script or a style in a content security policy: no other one runs.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
