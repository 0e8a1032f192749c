package wire

import "testing"

func TestOfficialDialect(t *testing.T) {
	d := Dialect{Official: true}
	for _, tt := range []struct {
		src, dest, body string
		inReplyTo, id   int64
		want            string
	}{
		{"n1", "n2", `{"type":"foo","bar":"baz"}`, NoID, 1, `{"src":"n1","dest":"n2","body":{"bar":"baz","msg_id":1,"type":"foo"}}`},
		{"", "", `{"type":"foo"}`, 0, NoID, `{"body":{"in_reply_to":0,"type":"foo"}}`},
		{`"body":{`, "c1", `{"type":"t","z":9007199254740993,"a":{"z":1,"b":2}}`, 3, NoID,
			`{"src":"\"body\":{","dest":"c1","body":{"a":{"z":1,"b":2},"in_reply_to":3,"type":"t","z":9007199254740993}}`},
	} {
		var b Body
		text, err := b.Read([]byte(tt.body))
		if err != nil {
			t.Fatal(err)
		}
		before := `{"body":{"b":1,"a":2}}` + "\n"
		line := d.AppendHead([]byte(before), tt.src, tt.dest)
		line = d.AppendTail(d.AppendFields(line, "", text, &b), tt.inReplyTo, tt.id)
		if got := string(line); got != before+tt.want+"\n" {
			t.Errorf("got  %swant %s%s", got, before, tt.want)
		}
		var m Message
		if err := d.Scan(&m, []byte(tt.want)); err != nil || string(m.Src) != tt.src || m.Body.InReplyTo != tt.inReplyTo {
			t.Errorf("%s is read as %+v, %v", tt.want, m, err)
		}
	}
	if err := d.Scan(new(Message), []byte(`{"src":"c1","dest":"n1"}`)); err == nil {
		t.Error("Scan accepts a message without a body")
	}
}
