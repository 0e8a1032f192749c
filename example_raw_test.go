package eddy_test

import (
	"fmt"

	"github.com/eddyrpc/eddy"
)

// Raw is JSON that stays as it came; it is looked into where something is needed.
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

// JSON is how bodies are made of Go values; a call by callback takes its body so.
func ExampleJSON() {
	type read struct {
		Type string `json:"type"`
		Key  string `json:"key,omitempty"`
	}
	fmt.Println(eddy.JSON(read{Type: "read", Key: "<k>"}))
	fmt.Println(eddy.JSON(eddy.Raw(`{"type":"as it is"}`)))
	_, err := eddy.JSON(func() {})
	fmt.Println(err != nil)
	// Output:
	// {"type":"read","key":"<k>"} <nil>
	// {"type":"as it is"} <nil>
	// true
}
