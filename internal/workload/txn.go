package workload

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/eddyrpc/eddy/internal/checker"
	"github.com/eddyrpc/eddy/internal/history"
	"github.com/eddyrpc/eddy/internal/txn"
)

// txnListAppend is the workload in which clients ask for transactions that read lists and
// append elements to them. A list without elements reads null or []. Every element is
// appended once.
//
//	{"type":"txn","txn":[["r",1,null],["append",1,6],["append",2,9]]}
//	{"type":"txn_ok","txn":[["r",1,[8]],["append",1,6],["append",2,9]]}
//
// The transactions must fit the models of --consistency-models: strict-serializable unless
// set. The verdict also names the strongest models that fit, and the weakest that do not. In
// the final phase all keys are read, and every append that was acknowledged must show.
//
// A definite error, such as 30 (conflict), means that the transaction had no effect.
type txnListAppend struct{ transactions }

// txnRWRegister is the workload in which clients ask for transactions that read and write
// registers. A register that was not written reads null. Every value is written once to a
// register.
//
//	{"type":"txn","txn":[["r",1,null],["w",1,6],["w",2,9]]}
//	{"type":"txn_ok","txn":[["r",1,3],["w",1,6],["w",2,9]]}
//
// It is judged as txn-list-append is. A register shows less of the order of its values than a
// list: that one value followed another is known only if a transaction reads the one and
// writes the other, and, for models that promise it, from sessions and real time.
type txnRWRegister struct{ transactions }

func newTxnListAppend(env Env) Workload {
	return &txnListAppend{transactions{env: env, write: "append", list: true, analyse: txn.Lists, unseen: map[int64]map[int64]bool{}}}
}

func newTxnRWRegister(env Env) Workload {
	return &txnRWRegister{transactions{env: env, write: "w", analyse: txn.Registers, unseen: map[int64]map[int64]bool{}}}
}

// transactions is what both workloads have in common.
type transactions struct {
	env     Env
	write   string // the name of the operation that is not a read
	list    bool
	analyse func([]txn.Txn, []txn.Model) txn.Result

	active  []int64 // keys that are in use
	next    int64   // the next fresh key
	written map[int64]int
	final   int // how many operations final transactions had

	// unseen are acknowledged writes that no later read has shown, by key. A read of a
	// register shows all writes to it, since it shows only the last.
	unseen map[int64]map[int64]bool
}

func (*transactions) Setup() []Request { return nil }

// Next returns a transaction of random operations. Of the active keys, each is used twice as
// often as the one before. A key that has had its writes is replaced.
func (w *transactions) Next(string) Request {
	if w.active == nil {
		w.written = map[int64]int{}
		for range w.env.Txn.KeyCount {
			w.active = append(w.active, w.next)
			w.next++
		}
	}
	r := w.env.Rand
	ops := make([]string, 1+r.IntN(w.env.Txn.MaxLength))
	for i := range ops {
		slot := len(w.active) - 1
		for slot > 0 && r.IntN(2) == 0 {
			slot--
		}
		key := w.active[slot]
		if r.IntN(2) == 0 {
			ops[i] = fmt.Sprintf(`["r",%d,null]`, key)
			continue
		}
		w.written[key]++
		ops[i] = fmt.Sprintf(`[%q,%d,%d]`, w.write, key, w.written[key])
		if w.written[key] >= w.env.Txn.MaxWritesPerKey {
			w.active[slot] = w.next
			w.next++
		}
	}
	return w.request(ops)
}

func (*transactions) request(ops []string) Request {
	value := "[" + strings.Join(ops, ",") + "]"
	return Request{F: "txn", Value: jsontext.Value(value), Type: "txn", Want: "txn_ok", Body: []byte(`{"type":"txn","txn":` + value + `}`)}
}

// finalKeys is how many keys a transaction of the final phase reads.
const finalKeys = 16

// Final returns a transaction that reads keys that were written, by turns.
func (w *transactions) Final(string) Request {
	keys := w.keys()
	ops := make([]string, min(finalKeys, len(keys)))
	for i := range ops {
		ops[i] = fmt.Sprintf(`["r",%d,null]`, keys[w.final%len(keys)])
		w.final++
	}
	if len(ops) == 0 {
		ops = []string{`["r",0,null]`}
	}
	return w.request(ops)
}

// keys returns the keys that were written.
func (w *transactions) keys() (keys []int64) {
	for key := range w.next {
		if w.written[key] > 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// Settled reports whether all acknowledged writes have been read.
func (w *transactions) Settled([]history.Op) bool { return len(w.unseen) == 0 }

// see notes what the reply to a transaction shows.
func (w *transactions) see(ops []txn.Op) {
	for _, op := range ops {
		seen := w.unseen[op.Key]
		switch {
		case op.Kind != txn.Read:
			if seen == nil {
				seen = map[int64]bool{}
				w.unseen[op.Key] = seen
			}
			seen[op.Value] = true
			continue
		case !w.list && len(op.Read) > 0:
			clear(seen)
		}
		for _, value := range op.Read {
			delete(seen, value)
		}
		if len(seen) == 0 {
			delete(w.unseen, op.Key)
		}
	}
}

func (w *transactions) Read(req *Request, body []byte) (jsontext.Value, error) {
	result, err := only(req, body, "txn")
	if err != nil {
		return nil, err
	}
	got, err := txn.Parse(result)
	if err != nil {
		return nil, err
	}
	asked, err := txn.Parse(req.Value)
	if err != nil {
		return nil, err
	}
	if differs := txn.Differs(asked, got, w.list); differs != "" {
		return nil, fmt.Errorf("%s", differs)
	}
	w.see(got)
	return result, nil
}

// ExpectsError reports whether the transaction was refused because of others.
func (*transactions) ExpectsError(op *history.Op) bool { return op.Code == 30 || op.Code == 11 }

func (w *transactions) Check(r Record) ([]checker.Problem, []checker.Number) {
	return checker.Transactions(r.History, w.env.Txn.Models, w.analyse)
}
