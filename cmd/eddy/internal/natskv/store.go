package natskv

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/eddyrpc/eddy"
	"github.com/eddyrpc/eddy/internal/bounded"
	"github.com/eddyrpc/eddy/internal/canonical"
	"github.com/eddyrpc/eddy/natsnet"
)

// maxKeyLen is the limit on the length of a key in a bucket. The key is a part of a
// subject, and a server closes the connection for good when a subject is too long.
const maxKeyLen = 1000

// bucketKey returns the key in a bucket for a key in JSON. Equal keys in JSON have equal
// keys in a bucket. A key that would be too long is replaced by its hash.
func bucketKey(key []byte) string {
	text := canonical.JSON(key)
	if len(text) <= maxKeyLen {
		if token := natsnet.Token(text); len(token) <= maxKeyLen {
			return token
		}
	}
	sum := sha256.Sum256([]byte(text))
	return "=sha256=" + hex.EncodeToString(sum[:]) // no token begins with "=s"
}

// A store is a key-value service.
//
// A read from a replica can be out of date, and so can one from a leader that does not
// know yet that another was elected. lin-kv therefore confirms a read by writing the same
// value again, on the condition that the revision is still the one that was read: the
// write goes through the quorum, and the value that it replaces was current at that
// moment. A read thus costs as much as a write. seq-kv and lww-kv do not confirm reads,
// but never reply with a value older than one that they have replied with.
type store struct {
	kv     jetstream.KeyValue
	linear bool

	mu   sync.Mutex
	seen bounded.Map[string, entry] // the newest entry that this process knows, by key
}

// What is removed from seen is read again when it is needed.
const (
	maxSeen      = 100_000
	maxSeenBytes = 64 << 20
)

func newStore(kv jetstream.KeyValue, linear bool) *store {
	return &store{kv: kv, linear: linear, seen: bounded.Map[string, entry]{
		MaxEntries: maxSeen, MaxBytes: maxSeenBytes,
		Bytes: func(key string, e entry) int { return len(key) + len(e.value) },
	}}
}

// An entry is the value of a key. The revision 0 means that the value is unknown. An
// empty value means that the key does not exist: a bucket has such entries for keys that
// were only read.
type entry struct {
	value    []byte
	revision uint64
}

func (e entry) exists() bool { return len(e.value) > 0 }

// get returns the newer one of what a replica has and what is known.
func (s *store) get(ctx context.Context, key string) (entry, error) {
	var e entry
	switch got, err := s.kv.Get(ctx, key); {
	case err == nil:
		e = entry{got.Value(), got.Revision()}
	case !errors.Is(err, jetstream.ErrKeyNotFound):
		return e, errorReply(ctx, err)
	}
	return s.newest(key, e), nil
}

// newest records an entry if it is newer than what is known, and returns the newer one.
func (s *store) newest(key string, e entry) entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.seen.Lookup(key); ok && known.revision >= e.revision {
		return known
	}
	s.seen.Put(key, e)
	return e
}

// replace writes a value if the revision of the key is still that of e, and reports
// whether it was.
func (s *store) replace(ctx context.Context, key string, e entry, value []byte) (bool, error) {
	revision, err := s.kv.Update(ctx, key, value, e.revision)
	switch {
	case err == nil:
		s.newest(key, entry{value, revision})
		return true, nil
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		s.mu.Lock()
		s.seen.Delete(key)
		s.mu.Unlock()
		return false, nil
	}
	return false, errorReply(ctx, err)
}

// current returns an entry that was current at a moment since current was called; for
// seq-kv and lww-kv it may be older.
func (s *store) current(ctx context.Context, key string) (entry, error) {
	for {
		e, err := s.get(ctx, key)
		if err != nil || !s.linear {
			return e, err
		}
		if same, err := s.replace(ctx, key, e, e.value); same || err != nil {
			return e, err
		}
		if ctx.Err() != nil {
			return e, errorReply(ctx, ctx.Err())
		}
	}
}

func (s *store) read(ctx context.Context, req *eddy.Request, key string) (any, error) {
	e, err := s.current(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case !e.exists():
		return nil, eddy.Errorf(eddy.KeyDoesNotExist, "key %.200s does not exist", req.Body.Get("key"))
	}
	return map[string]any{"value": eddy.Raw(e.value)}, nil
}

func (s *store) write(ctx context.Context, req *eddy.Request, key string) (any, error) {
	value := req.Body.Get("value")
	if value == nil {
		return nil, eddy.Errorf(eddy.MalformedRequest, "write needs value")
	}
	revision, err := s.kv.Put(ctx, key, value)
	if err != nil {
		return nil, errorReply(ctx, err)
	}
	s.newest(key, entry{bytes.Clone(value), revision})
	return map[string]any{}, nil
}

func (s *store) cas(ctx context.Context, req *eddy.Request, key string) (any, error) {
	from, to := req.Body.Get("from"), req.Body.Get("to")
	if from == nil || to == nil {
		return nil, eddy.Errorf(eddy.MalformedRequest, "cas needs from and to")
	}
	create := string(req.Body.Get("create_if_not_exists")) == "true"
	for ctx.Err() == nil {
		e, err := s.get(ctx, key)
		if err != nil {
			return nil, err
		}
		if e.exists() && canonical.JSON(e.value) == canonical.JSON(from) || !e.exists() && create {
			if done, err := s.replace(ctx, key, e, bytes.Clone(to)); done || err != nil {
				return map[string]any{}, err
			}
			continue
		}
		// lin-kv refuses a cas only for a value that it has confirmed.
		if s.linear {
			if same, err := s.replace(ctx, key, e, e.value); err != nil {
				return nil, err
			} else if !same {
				continue
			}
		}
		if !e.exists() {
			return nil, eddy.Errorf(eddy.KeyDoesNotExist, "key %.200s does not exist", req.Body.Get("key"))
		}
		return nil, eddy.Errorf(eddy.PreconditionFailed, "key %.200s is %.200s, not %.200s", req.Body.Get("key"), e.value, from)
	}
	return nil, errorReply(ctx, ctx.Err())
}
