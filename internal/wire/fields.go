package wire

// Traceparent is the field of a request that carries the context of a trace (W3C, Trace
// Context, section 3.2).
const Traceparent = "traceparent"

// ErrorCode returns the code of an error reply that has these encoded fields. It returns
// false if they are not those of an error reply with a code.
func ErrorCode(fields []byte) (code int64, ok bool) {
	body := []byte("{" + string(fields) + "}")
	if string(Member(body, "type")) != `"error"` {
		return 0, false
	}
	return ParseInt(Member(body, "code"))
}

// FieldText returns the value of a field of a body, which must be valid JSON, if that is a
// string. Otherwise it returns "".
func FieldText(body []byte, name string) string {
	value := Member(body, name)
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	return string(Unquote(value))
}

// WithTraceparent returns encoded fields, of which there must be one at least, with the field
// Traceparent, unless they have it.
func (d Dialect) WithTraceparent(fields, traceparent string) string {
	if Member([]byte("{"+fields+"}"), Traceparent) != nil {
		return fields
	}
	added := append([]byte(fields), d.pick(`, "traceparent": `, `,"traceparent":`)...)
	return string(AppendQuote(added, traceparent))
}
