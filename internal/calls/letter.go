package calls

import "encoding/binary"

// A Letter is to whom a call goes and what each of its attempts carries: the
// destination's name and a body without ids. It is one string, since an open call
// with two costs a class of sizes more.
type Letter string // the name's length as a varint, the name, the body's fields

// AppendDest begins a letter; the fields follow.
func AppendDest(dst []byte, dest string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(dest))), dest...)
}

// split is where the name begins and ends.
func (l Letter) split() (begin, end int) {
	length, shift := 0, 0
	for {
		b := l[begin]
		begin++
		length |= int(b&0x7f) << shift
		if b < 0x80 {
			return begin, begin + length
		}
		shift += 7
	}
}

// Dest is the node that is called; only its replies count.
func (l Letter) Dest() string {
	begin, end := l.split()
	return string(l[begin:end])
}

// Fields is the body without its ids.
func (l Letter) Fields() string {
	_, end := l.split()
	return string(l[end:])
}
