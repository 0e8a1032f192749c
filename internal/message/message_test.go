package message

import "testing"

func TestNew(t *testing.T) {
	m, err := New("n1", "n2", []byte(`{"type":"echo","msg_id":3}`))
	if err != nil || m.Type != "echo" || m.ID != 3 || !m.IsRequest() || m.IsReply() {
		t.Errorf("got %+v, %v", m, err)
	}
	if m, err := New("n1", "n2", []byte(`{"type":"echo_ok","in_reply_to":3}`)); err != nil || m.IsRequest() || !m.IsReply() {
		t.Errorf("got %+v, %v", m, err)
	}
	if _, err := New("n1", "n2", []byte(`{"msg_id":3}`)); err == nil {
		t.Error("a body without a type is no message")
	}
}

func TestAppend(t *testing.T) {
	got := string(Append(nil, "n1", "c\"1", []byte(`{"type":"b"}`)))
	if want := `{"src":"n1","dest":"c\"1","body":{"type":"b"}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
