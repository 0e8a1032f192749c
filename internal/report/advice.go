package report

import "strings"

// An advice says in the words of a node's author what a check has found, and what to do.
type advice struct {
	says string // a sentence without a full stop; "" if the text of the problem is one already
	do   string
}

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

// ofAll has the advice for the checks of the other workloads, and for what nodes do against
// the protocol.
var ofAll = map[string]advice{
	"lost":                 {"", "Send a value to another node again until it has acknowledged it, and write it to the disk before you acknowledge it if nodes are killed."},
	"vanished":             {"", "Only add to a set: never replace it by what another node has."},
	"duplicated":           {"", "Keep the values in a set: messages may arrive twice, and clients may send a value again."},
	"invented":             {"", "Return only what a client has sent. Check that numbers are stored with all their digits."},
	"failed-but-present":   {"", "Reply with a definite error only if nothing was stored."},
	"wrong-final-value":    {"", "Keep one number for each node and merge by the maximum; then a message that is lost or arrives twice does no harm."},
	"diverged":             {"", "Send the state to all nodes again and again, also when it has not changed."},
	"unexplained":          {"", "Count each add once. An add that is sent again after a timeout needs an id of its own."},
	"failed-but-counted":   {"", "Reply with a definite error only if the add was not done."},
	"went-back":            {"", "Merge by the maximum; never replace the state by an older one."},
	"not-linearizable":     {"", "Let one node decide the order of the operations on a key, and read there, too. An acknowledged write must be kept by a majority."},
	"lost-write":           {"", "Give each message its offset in one place, such as a compare-and-set of lin-kv, and store it before you acknowledge it."},
	"unseen":               {"", "Poll must return what other nodes have appended, too."},
	"duplicate":            {"", "A send that is tried again needs the same offset as before."},
	"inconsistent-offsets": {"", "Give out each offset once, for example by a compare-and-set of lin-kv."},
	"lost-commit":          {"", "Store a committed offset before you acknowledge it, and never replace it by a smaller one."},
	"committed-back":       {"", "Keep the greatest committed offset of each key."},

	"no-reply":          {"", "Reply to every request, also with an error. The output must be flushed after every line."},
	"exit":              {"", "The last lines on its standard error are in the directory of the test."},
	"no-init":           {"", "Reply to init with init_ok, and flush the output after every line."},
	"not-json":          {"", "Only messages belong on standard output. Write logs to standard error."},
	"not-message":       {"", `A message is one line: {"src":"n1","dest":"c1","body":{"type":"echo_ok","in_reply_to":1}}.`},
	"wrong-src":         {"", "src is the node_id that init has given to the node."},
	"unknown-dest":      {"", "Reply to the src of the request; the other nodes are in node_ids of init."},
	"unrequested-reply": {"", "in_reply_to is the msg_id of the request, and dest is its src."},
	"extra-reply":       {"", "Reply once. When a call is settled, drop what arrives for it afterwards."},
	"reused-id":         ofRelay["reused-id"],
	"unsolicited":       {"", "Clients get replies only: set in_reply_to."},
	"wrong-body":        {"", "The reply's type and fields are in the description of the workload in docs/workloads.md."},
	"no-final-reply":    {"", "A node must reply again when all faults are over. Look for calls that wait for ever."},
	"unread-input":      {"", "Read standard input all the time, also while a request is being served."},
	"long-line":         {"", "Send long contents in several messages."},
	"after-stop":        {"", "End when standard input ends, and stop timers at SIGTERM."},
}

// adviceFor returns the advice for a reason.
func (r *Results) adviceFor(reason *Reason) advice {
	if reason.Unknown {
		return advice{}
	}
	if a, ok := ofRelay[reason.Check]; ok && r.Workload == "relay" {
		if reason.Check == "reply-lost" && strings.Contains(r.commandText(), "--call-late=ignore") {
			a.do = "Its reply had arrived in time. Look for a lock or a queue between the reader of the input and the timer."
		}
		return a
	}
	return ofAll[reason.Check]
}

// commandText returns the arguments of the test, with = between flags and values.
func (r *Results) commandText() string {
	return strings.ReplaceAll(strings.Join(r.Command.Args, " "), "--call-late ", "--call-late=")
}

// Advice returns for each of Kinds what to do, or "".
func (r *Results) Advice() (all []string) {
	for _, k := range r.kinds() {
		all = append(all, r.adviceFor(k.reasons[0]).do)
	}
	return all
}
