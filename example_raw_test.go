package eddy_test

import (
	"encoding/json"
	"fmt"

	"github.com/eddyrpc/eddy"
)

// Raw is JSON as it came. Its methods read single values.
func ExampleRaw() {
	body := eddy.Raw(`{"type":"send","key":"k","amount":9007199254740993,"price":1.50,"tags":["a"]}`)
	key, ok := body.Get("key").Text()
	fmt.Println(key, ok)
	amount, ok := body.Get("amount").Int()
	fmt.Println(amount, ok)
	fmt.Println(body.Get("price"), body.Get("absent") == nil)
	var tags []string
	fmt.Println(body.Get("tags").Decode(&tags), tags)
	fmt.Println(body.Get("key").Decode(&tags))
	// Output:
	// k true
	// 9007199254740993 true
	// 1.50 true
	// <nil> [a]
	// a string is not what was expected here
}

func ExampleRaw_Members() {
	for name, value := range eddy.Raw(`{"b":1,"a":{"c":2}}`).Members() {
		fmt.Printf("%s = %s\n", name, value)
	}
	// Output:
	// b = 1
	// a = {"c":2}
}

// Marshal makes a body of a Go value, as Reply, Send and the calls do.
func ExampleMarshal() {
	type read struct {
		Type string `json:"type"`
		Key  string `json:"key,omitempty"`
	}
	fmt.Println(eddy.Marshal(read{Type: "read", Key: "<k>"}))
	fmt.Println(eddy.Marshal(json.RawMessage(`{"type": "as it is"}`)))
	_, err := eddy.Marshal(func() {})
	fmt.Println(err != nil)
	// Output:
	// {"type":"read","key":"<k>"} <nil>
	// {"type": "as it is"} <nil>
	// true
}
