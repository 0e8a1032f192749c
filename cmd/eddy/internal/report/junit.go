package report

import (
	"encoding/xml"
	"fmt"
)

// JUnit is the verdict as build servers read it: one test case, which fails
// unless the verdict is pass.
func (r *Results) JUnit() []byte {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type testCase struct {
		Name    string   `xml:"name,attr"`
		Class   string   `xml:"classname,attr"`
		Time    string   `xml:"time,attr"`
		Failure *failure `xml:"failure"`
	}
	type suite struct {
		XMLName  xml.Name `xml:"testsuite"`
		Name     string   `xml:"name,attr"`
		Tests    int      `xml:"tests,attr"`
		Failures int      `xml:"failures,attr"`
		Time     string   `xml:"time,attr"`
		Case     testCase `xml:"testcase"`
	}
	took := fmt.Sprintf("%.3f", r.Seconds)
	s := suite{Name: "eddy test", Tests: 1, Time: took,
		Case: testCase{Name: fmt.Sprintf("%s seed %d", r.Workload, r.Seed), Class: "eddy." + r.Workload, Time: took}}
	if r.Verdict != "pass" {
		s.Failures = 1
		f := &failure{Message: r.Verdict}
		for _, reason := range r.Reasons {
			f.Text += fmt.Sprintf("%s: %s\n", reason.Check, reason.Text)
		}
		s.Case.Failure = f
	}
	text, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // plain data
	}
	return append([]byte(xml.Header), append(text, '\n')...)
}
