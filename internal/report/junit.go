package report

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// JUnit returns the verdicts of tests in the format of build servers. Each test is a
// test case, which fails unless the verdict is pass.
func JUnit(runs []*Results) []byte {
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
		XMLName  xml.Name   `xml:"testsuite"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Time     string     `xml:"time,attr"`
		Cases    []testCase `xml:"testcase"`
	}
	s := suite{Name: "eddy test", Tests: len(runs)}
	took := 0.0
	for _, r := range runs {
		took += r.Seconds
		c := testCase{Name: fmt.Sprintf("%s seed %d", r.Workload, r.Seed), Class: "eddy." + r.Workload, Time: fmt.Sprintf("%.3f", r.Seconds)}
		if r.Verdict != "pass" {
			s.Failures++
			c.Failure = &failure{Message: strings.TrimSuffix(r.Verdict+": "+r.Headline(), ": ")}
			for _, reason := range r.Reasons {
				c.Failure.Text += fmt.Sprintf("%s: %s\n", reason.Check, reason.Text)
			}
		}
		s.Cases = append(s.Cases, c)
	}
	s.Time = fmt.Sprintf("%.3f", took)
	text, err := xml.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // plain data
	}
	return append([]byte(xml.Header), append(text, '\n')...)
}
