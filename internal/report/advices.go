package report

// lateIgnore is what the author of a relay can do if it was meant to ignore late replies.
const lateIgnore = "A reply that arrives after its attempt's timeout still settles the call. If your relay means to ignore late replies, test it with --call-late ignore; its timeout must be that of --call-timeout."

// ofRelay has the advice for the checks of workload relay.
var ofRelay = map[string]advice{
	"no-reply":            {"a request got no reply", "Reply to every request, also when the call has failed: then with an error, such as code 0 for a timeout."},
	"double-reply":        {"a client got more than one reply to a request", "Settle a call once: after its first reply, drop the replies to its other attempts."},
	"wrong-result":        {"a relay returned a result that the target had not sent", "Return the body of the target's reply as it is, and only a reply whose in_reply_to is the msg_id of one of the call's attempts."},
	"unmatched-reply":     {"a relay believed a reply to another message, or of another node than it had asked", "The test sends such replies to every relay. Look up the call by in_reply_to, and compare the reply's src with the node that you asked."},
	"wrong-echo":          {"a relay returned the reply to another call", "Do not use a msg_id again, also not after the process was started again; look up the call by in_reply_to."},
	"wrong-count":         {"a relay said a wrong number of attempts", "attempts is the number of messages sent to the target so far, also if the reply is to an earlier one."},
	"reused-id":           {"a msg_id was used twice", "Take every msg_id from one counter, for requests and replies, and protect it if the program has threads."},
	"too-many-attempts":   {"a relay made more attempts than it may", "Count the first message as an attempt. If your relay makes another number of attempts, say so with --call-attempts."},
	"gave-up-early":       {"a relay gave up before its last attempt", "Make all attempts before you reply with an error. If your relay makes another number of attempts, say so with --call-attempts."},
	"error-too-soon":      {"a relay gave up before the timeout of its last attempt", "Wait for the whole timeout after the last attempt, too. If your relay has another timeout, say so with --call-timeout."},
	"attempt-too-soon":    {"a relay sent an attempt before the timeout of the previous one", "Wait for the whole timeout between two attempts. If your relay has another timeout, say so with --call-timeout."},
	"attempt-too-late":    {"a relay sent attempts long after the timeout of the previous ones", "Do not wait for something else between two attempts. If your relay has another timeout or a pause, say so with --call-timeout or --call-backoff."},
	"reply-ignored":       {"a relay sent another attempt although it had a reply already", lateIgnore},
	"reply-delayed":       {"a relay passed replies on too late", "Reply to the client as soon as the target's reply is read. A sleep or a loop that polls is a frequent cause."},
	"attempt-after-reply": {"a relay sent an attempt after it had replied to its client", "Cancel the timer of a call when the call is settled."},
	"reply-lost":          {"a relay reported a failure although it had a reply", lateIgnore},
	"false-definite":      {"a relay said that a call surely had no effect, but it may have had one", "After a timeout reply with an indefinite code, such as 0: the target may have done what was asked."},
	"wrong-target":        {"a relay sent an attempt to another node than the target", "Send the payload to the node that target names."},
	"unrelated-request":   {"a relay sent a request that no client had asked for", "Send the payload as it is: keep all its fields, and set only msg_id."},
	"malformed-reply":     {"a relay_ok lacks a field", `A relay_ok has "attempts", an integer, and "result", the body of the target's reply.`},
}

// ofEcho and so on have the advice for the checks of the other workloads.
var ofEcho = map[string]advice{
	"wrong-echo": {"a node returned another text than it was sent", "Return the value of echo as it is, with all its characters and escapes, and keep the requests apart if the program has threads."},
}

var ofIDs = map[string]advice{
	"duplicate-id": {"two requests got the same id", "Put the name of the node into each id, or enough random bits: with 64 bits, ids stay different for ever. What a node counts in memory begins again when it is killed."},
}

var ofSet = map[string]advice{
	"lost":               {"a value that was acknowledged is missing in the last read of a node", "Send a value to another node again until it has acknowledged it, and write it to the disk before you acknowledge it if nodes are killed."},
	"vanished":           {"a value that a node had returned is missing in a later read", "Only add to a set: never replace it by what another node has."},
	"duplicated":         {"a read returned a value more than once", "Keep the values in a set: messages may arrive twice, and clients may send a value again."},
	"invented":           {"a read returned a value that no client had sent", "Return only what a client has sent. Check that numbers are stored with all their digits."},
	"failed-but-present": {"a value is there, although its request had surely failed", "Reply with a definite error only if nothing was stored."},
	"malformed-read":     {"a read returned something else than an array of integers", "The fields of the reply are in the description of the workload in docs/workloads.md."},
}

var ofCounter = map[string]advice{
	"wrong-final-value":  {"the last read of a node is not the sum of the acknowledged adds", "Keep one number for each node and merge by the maximum; then a message that is lost or arrives twice does no harm."},
	"diverged":           {"the last reads of two nodes differ", "Send the state to all nodes again and again, also when it has not changed."},
	"unexplained":        {"a read is not the sum of any of the adds", "Count each add once. An add that is sent again after a timeout needs an id of its own."},
	"failed-but-counted": {"an add counts, although it had surely failed", "Reply with a definite error only if the add was not done."},
	"went-back":          {"a counter that only grows became smaller", "Merge by the maximum; never replace the state by an older one."},
	"malformed-read":     {"a read returned something else than an integer", "The fields of the reply are in the description of the workload in docs/workloads.md."},
}

var ofLinKV = map[string]advice{
	"not-linearizable": {"a client got a reply that no order of the operations explains", "Let one node decide the order of the operations on a key, and read there, too. An acknowledged write must be kept by a majority."},
}

var ofKafka = map[string]advice{
	"lost-write":            {"a message that was acknowledged or polled is missing in a log", "Give each message its offset in one place, such as a compare-and-set of lin-kv, and store it before you acknowledge it."},
	"unseen":                {"a node does not return the last messages of a log", "Poll must return what other nodes have appended, too."},
	"G1a":                   {"a poll returned a message whose send had surely failed", "Reply with a definite error only if the message was not stored."},
	"G1c":                   {"a poll returned a message before it was sent", "Return only messages that clients have sent."},
	"invented":              {"a poll returned a message that no client sent", "Return only messages that clients have sent, as they are."},
	"duplicate":             {"a message has two offsets", "A send that is tried again needs the same offset as before."},
	"inconsistent-offsets":  {"an offset has two messages", "Give out each offset once, for example by a compare-and-set of lin-kv."},
	"int-poll-skip":         {"a poll left out a message between two others", "Return all messages from the offset on that was asked for. If a node has a copy of the log, it must know where the copy has gaps."},
	"int-nonmonotonic-poll": {"a poll returned messages in the wrong order", "Return the messages of a key in the order of their offsets."},
	"poll-skip":             {"a poll left out the first messages that it was asked for", "Begin with the first message at or after the offset that was asked for."},
	"nonmonotonic-poll":     {"a poll returned a message before the offset that it was asked for", "Begin with the first message at or after the offset that was asked for."},
	"nonmonotonic-send":     {"a later message of a client got a smaller offset", "Give out the offsets of a key in one place, in ascending order."},
	"committed-back":        {"a committed offset became smaller", "Keep the greatest committed offset of each key."},
	"lost-commit":           {"an acknowledged committed offset is missing", "Store a committed offset before you acknowledge it, and never replace it by a smaller one."},
	"invented-commit":       {"a node listed a committed offset that no client had committed", "List only offsets that a client has committed; a poll commits nothing."},
	"commit-beyond-log":     {"a node listed a committed offset that lies beyond the log", "List only offsets that a client has committed, and as they are."},
	"malformed-result":      {"a reply cannot be read", "The fields of the reply are in the description of the workload in docs/workloads.md."},
}

// inOneStep is how a node keeps most promises about transactions.
const inOneStep = "Run each transaction on one state, and make all its writes visible in one step, only if nobody has changed the state meanwhile, for example by a compare-and-set of lin-kv."

// ofTxn has the advice for anomalies, without the suffixes -process and -realtime. The text of
// a cycle names the transactions and is a sentence already.
var ofTxn = map[string]advice{
	"G0": {"", inOneStep}, "G1c": {"", inOneStep}, "G-single-item": {"", inOneStep}, "G-nonadjacent-item": {"", inOneStep}, "G2-item": {"", inOneStep},
	"G1a":                {"a transaction read what a failed one had written", "Reply with a definite error only if no write of the transaction was stored."},
	"G1b":                {"a transaction read what another one had overwritten itself", "Make only the last value visible that a transaction writes to a key."},
	"lost-update":        {"two transactions changed the same version of a key", inOneStep},
	"internal":           {"a read differs from what its own transaction had read or written before", "A transaction must see its own writes, and read a key twice as the same value."},
	"future-read":        {"a read shows what its transaction wrote later", "Run the operations of a transaction in their order."},
	"dirty-update":       {"a transaction wrote on top of a failed one", "Remove all writes of a transaction that fails."},
	"incompatible-order": {"two reads of a list show its elements in different orders", "Keep one list for each key, and only append to it."},
	"duplicate-elements": {"a read of a list shows an element twice", "An append that is tried again must not be done twice."},
	"cyclic-versions":    {"a register went back to a value that was overwritten", inOneStep},
	"unwritten-read":     {"a transaction read a value that nobody wrote", "Return only what a transaction has written, as it is."},
	"lost-write":         {"a write that was acknowledged is missing in all later reads", "Store what a transaction writes before you acknowledge it, and never replace it by an older state."},
}

// ofWorkload has the advice by workload.
var ofWorkload = map[string]map[string]advice{
	"echo": ofEcho, "unique-ids": ofIDs, "broadcast": ofSet, "g-set": ofSet, "g-counter": ofCounter, "pn-counter": ofCounter,
	"lin-kv": ofLinKV, "kafka": ofKafka, "txn-list-append": ofTxn, "txn-rw-register": ofTxn, "relay": ofRelay,
}

// whyNoReply are checks and warnings that explain why requests got no reply, and the advice
// about these requests then.
var whyNoReply = []struct {
	check string
	advice
}{
	{"unsolicited", advice{"clients got messages without in_reply_to, which are no replies", "Set in_reply_to to the msg_id of the request."}},
	{"unrequested-reply", advice{"clients got replies to other messages than their requests", "Set in_reply_to to the msg_id of the request, and dest to its src."}},
	{"unrequested-node-reply", advice{"nodes sent replies to nodes that had requested nothing, and clients got none", "The dest of a reply is the src of the request."}},
}

// ofAll has the advice for what nodes do against the protocol. The texts of these problems are
// sentences already.
var ofAll = map[string]advice{
	"no-reply":          {"", "Reply to every request, also with an error. The output must be flushed after every line."},
	"exit":              {"", "The last lines on its standard error are in the directory of the test."},
	"no-init":           {"", "Reply to init with init_ok, and flush the output after every line."},
	"not-json":          {"", "Only messages belong on standard output. Write logs to standard error."},
	"not-message":       {"", `A message is one line: {"src":"n1","dest":"c1","body":{"type":"echo_ok","in_reply_to":1}}.`},
	"wrong-src":         {"", "src is the node_id that init has given to the node."},
	"unknown-dest":      {"", "Reply to the src of the request; the other nodes are in node_ids of init."},
	"unrequested-reply": {"", "in_reply_to is the msg_id of the request, and dest is its src."},
	"extra-reply":       {"", "Reply once. When a call is settled, drop what arrives for it afterwards."},
	"reused-id":         {"", ofRelay["reused-id"].do},
	"unsolicited":       {"", "Clients get replies only: set in_reply_to."},
	"wrong-body":        {"", "The reply's type and fields are in the description of the workload in docs/workloads.md."},
	"no-final-reply":    {"", "A node must reply again when all faults are over. Look for calls that wait for ever."},
	"unread-input":      {"", "Read standard input all the time, also while a request is being served."},
	"long-line":         {"", "Send long contents in several messages."},
	"after-stop":        {"", "End when standard input ends, and stop timers at SIGTERM."},
}
