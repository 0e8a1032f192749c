"""A node for Maelstrom's protocol, in one file without dependencies. Copy it.

    from eddy import Node

    node = Node()

    @node.handle("echo")
    def echo(request):
        return {"echo": request.body["echo"]}

    node.run()

Each request runs on a thread of its own. So a handler may block, and handlers guard what
they share with a threading.Lock. Standard output carries the messages, so print() writes
to standard error.

The limits of Python's JSON: integers of any size stay exact, but 1e3 is passed on as
1000.0, and 1e400 cannot be passed on. Of a name that a message gives twice, the last value
counts. A message that is nested deeper than about 980 levels is a bad line.
"""

import copy
import json
import os
import queue
import random
import re
import sys
import threading
import time
import traceback
import uuid

# Error codes of the protocol. After an error with a code in DEFINITE the operation surely
# had no effect. After any other error it may have had one.
TIMEOUT, NOT_SUPPORTED, TEMPORARILY_UNAVAILABLE, MALFORMED_REQUEST, CRASH = 0, 10, 11, 12, 13
KEY_DOES_NOT_EXIST, KEY_ALREADY_EXISTS, PRECONDITION_FAILED = 20, 21, 22
DEFINITE = {1, 10, 11, 12, 14, 20, 21, 22, 30}

MAX_OPEN = 1000  # how many requests are served at the same time
DRAIN = 30  # how many seconds the node waits for its handlers after the end of its input


class RPCError(Exception):
    """An error with a code. If a handler raises it, the node replies with it."""

    def __init__(self, code, text):
        super().__init__(text)
        self.code, self.text, self.definite = code, text, code in DEFINITE


class CallError(RPCError):
    """A call to dest has failed after a number of attempts. reply is the body of the error
    reply, or None if no reply came. If definite is true, the call surely had no effect.
    This must be sure for every attempt:

        attempt 1: cas 3 -> 4    timed out
        attempt 2: cas 3 -> 4    error 22, the value is not 3

    Attempt 1 may have set the 4 that attempt 2 found. So this failure is not definite, and
    its code is 0, a timeout.
    """

    def __init__(self, dest, attempts, reply=None):
        code, text = TIMEOUT, f"RPC failed after {attempts} attempts"
        if reply is not None:
            code = reply["code"] if type(reply.get("code")) is int else CRASH
            count = f" after {attempts} attempts" if attempts > 1 else ""
            text = f"RPC to {dest} failed{count}: {reply.get('text')} (code {code})"
        if attempts > 1 and code in DEFINITE:  # the attempts before have timed out
            code = TIMEOUT
        super().__init__(code, text)
        self.dest, self.attempts, self.reply = dest, attempts, reply


class Request:
    """A message that a handler gets. A message without an id is one-way: it gets no reply."""

    def __init__(self, message):
        self.src, self.dest, self.body = message["src"], message["dest"], message["body"]
        self.type, self.id = self.body["type"], self.body.get("msg_id")


class Node:
    """A node. After init, id is its name and ids are the names of all nodes."""

    def __init__(self):
        self.id, self.ids = None, []
        self._handlers = {}
        self._output, sys.stdout = sys.stdout.buffer, sys.stderr
        self._lock = threading.Condition()  # guards the output and the fields below
        self._next_id = 0
        self._waiting = {}  # msg_id of an attempt -> the node that was called, a queue for its reply
        self._open = 0  # how many requests are served now

    def handle(self, type):
        """Registers the handler of a type of messages, as a decorator. The handler returns
        the body of the reply; its type is that of the request with _ok, unless it has one.
        An RPCError becomes an error reply, and any other exception an error 13."""

        def register(handler):
            self._handlers[type] = handler
            return handler

        return register

    def every(self, seconds, function, *arguments):
        """Runs a function again and again from init on, with pauses."""

        def run():
            while True:
                time.sleep(seconds)
                try:
                    if self.id is not None:
                        function(*arguments)
                except Exception:
                    traceback.print_exc()

        threading.Thread(target=run, daemon=True).start()

    def send(self, dest, body):
        """Sends a one-way message."""
        self._send(dest, body, numbered=False)

    def rpc_with_retry(self, dest, body, timeout=0.5, attempts=3):
        """Calls dest. Returns the body of the reply, and how many attempts were sent.

        If no reply comes within the timeout, body is sent again with a fresh msg_id. A
        reply to any attempt ends the call, also a late one. If no reply comes, or an error
        reply, rpc_with_retry raises CallError.
        """
        replies, ids = queue.SimpleQueue(), []
        try:
            for attempt in range(1, attempts + 1):
                with self._lock:
                    ids.append(self._send(dest, body))
                    self._waiting[ids[-1]] = dest, replies
                try:
                    reply = replies.get(timeout=timeout)
                except queue.Empty:
                    continue
                if reply["type"] == "error":
                    raise CallError(dest, attempt, reply)
                return reply, attempt
            raise CallError(dest, attempts)
        finally:
            with self._lock:
                for id in ids:
                    del self._waiting[id]

    def run(self):
        """Serves standard input. At its end, waits until every request has its reply."""
        for number, line in enumerate(sys.stdin.buffer, 1):
            try:
                message = parse(line)
            except (ValueError, RecursionError) as error:
                print(f"bad line {number}: {error}: {line[:200]!r}", file=sys.stderr)
                self._refuse(line.decode(errors="replace"), str(error))
            else:
                self._receive(Request(message))
        with self._lock:
            self._lock.wait_for(lambda: self._open == 0, timeout=DRAIN)

    def _receive(self, request):
        if request.body.get("in_reply_to") is not None:
            with self._lock:
                dest, replies = self._waiting.get(request.body["in_reply_to"], (None, None))
            if request.src == dest:  # a reply counts only from the node that was called
                replies.put(request.body)
        elif request.type == "init":
            self._init(request)
        elif self.id is None:
            self._fail(request, TEMPORARILY_UNAVAILABLE, "the node has not been initialised")
        elif request.type not in self._handlers:
            self._fail(request, NOT_SUPPORTED, f"no handler for type {request.type}")
        elif self._open >= MAX_OPEN:
            self._fail(request, TEMPORARILY_UNAVAILABLE, "too many requests are open")
        else:
            with self._lock:
                self._open += 1
            threading.Thread(target=self._serve, args=[request], daemon=True).start()

    def _init(self, request):
        id, ids = request.body.get("node_id"), request.body.get("node_ids")
        if not isinstance(id, str) or id == "" or not isinstance(ids, list):
            self._fail(request, MALFORMED_REQUEST, "init must have a node_id and node_ids")
        elif self.id is not None and (self.id, self.ids) != (id, ids):
            self._fail(request, MALFORMED_REQUEST, f"this node is {self.id} of {self.ids} already")
        else:
            self.id, self.ids = id, ids
            self._reply(request, {"type": "init_ok"})

    def _serve(self, request):
        """Runs the handler of a request and replies once."""
        try:
            body = self._handlers[request.type](request)
            if isinstance(body, dict):
                self._reply(request, {"type": request.type + "_ok", **body})
            else:
                self._fail(request, CRASH, f"the handler of {request.type} returned no reply")
        except RPCError as error:
            self._fail(request, error.code, error.text)
        except Exception as error:
            traceback.print_exc()
            self._fail(request, CRASH, f"the handler of {request.type} failed: {error!r}")
        finally:
            with self._lock:
                self._open -= 1
                self._lock.notify_all()

    def _fail(self, request, code, text):
        self._reply(request, {"type": "error", "code": code, "text": text})

    def _reply(self, request, body):
        if request.id is not None:
            self._send(request.src, body, src=self.id or request.dest, in_reply_to=request.id)

    def _refuse(self, line, reason):
        """Replies to a bad line, if src and msg_id can be read in it and it is no reply."""
        src, dest, id = (re.findall(field, line) for field in (SRC, DEST, MSG_ID))
        if len(src) == len(id) == 1 and (self.id or dest) and not re.search(IN_REPLY_TO, line):
            body = {"type": "error", "code": MALFORMED_REQUEST, "text": reason}
            self._send(src[0], body, src=self.id or dest[0], in_reply_to=int(id[0]))

    def _send(self, dest, body, src=None, in_reply_to=None, numbered=True):
        """Writes a message, whole and at once. Returns its msg_id."""
        src = src or self.id
        if src is None:
            raise RPCError(TEMPORARILY_UNAVAILABLE, "the node has not been initialised")
        if not isinstance(dest, str) or not isinstance(body, dict) or not isinstance(body.get("type"), str):
            raise RPCError(MALFORMED_REQUEST, "a message needs a dest and a body with a type")
        fields = {name: body[name] for name in body if name not in ("type", "msg_id", "in_reply_to")}
        body = {"type": body["type"], **fields}
        if in_reply_to is not None:
            body["in_reply_to"] = in_reply_to
        with self._lock:
            id = self._next_id
            if numbered:
                body["msg_id"] = id
            message = {"src": src, "dest": dest, "body": body}
            line = json.dumps(message, separators=(",", ":"), allow_nan=False)
            self._next_id += numbered
            try:
                self._output.write(line.encode() + b"\n")
                self._output.flush()
            except OSError as error:
                print(f"cannot write: {error}", file=sys.stderr)
                os._exit(1)
        return id


# These find the fields of a line that is no valid message.
SRC, DEST = r'"src"\s*:\s*"([^"\\\ufffd]+)"', r'"dest"\s*:\s*"([^"\\\ufffd]+)"'
MSG_ID, IN_REPLY_TO = r'"msg_id"\s*:\s*(\d{1,18})\s*[,} ]', r'"in_reply_to"(?!\s*:\s*null)'


def parse(line):
    """Returns the message in a line. Raises ValueError if there is none."""

    def must(condition, reason):
        if not condition:
            raise ValueError(reason)

    message = json.loads(line.decode(), parse_constant=lambda name: must(False, f"not JSON: {name}"))
    must(isinstance(message, dict), "not a JSON object")
    for name in ("src", "dest"):
        must(isinstance(message.get(name), str) and message[name], f"{name} must be a name")
    body = message.get("body")
    must(isinstance(body, dict), "body must be an object")
    must(isinstance(body.get("type"), str), "body.type must be a string")
    for name in ("msg_id", "in_reply_to"):
        id = body.get(name)
        must(id is None or type(id) is int and 0 <= id < 2**63, f"body.{name} must be an integer")
    return message


NONE = object()
LOST_RACE = {11, 14, 20, 21, 22, 30}  # after these codes another try makes sense


class KV:
    """A client of the service lin-kv, seq-kv or lww-kv. Its methods raise CallError.

    A read is sent again after a timeout. A change is sent once, since a service serves
    every message that reaches it, and a second one may come late. If the CallError of a
    change is not definite, nobody can know whether the change was made.
    """

    def __init__(self, node, service):
        self.node, self.service = node, service

    def read(self, key, fresh=False, missing=NONE):
        """Returns the value of a key, or missing, if that is given and there is no such key.
        On seq-kv the value may be old, again and again. A fresh read first writes something
        new, after which seq-kv shows nothing older."""
        try:
            if fresh and self.service == "seq-kv":
                self._ask({"type": "write", "key": "eddy-fresh", "value": str(uuid.uuid4())})
            return self._ask({"type": "read", "key": key})["value"]
        except CallError as failure:
            if failure.code == KEY_DOES_NOT_EXIST and missing is not NONE:
                return missing
            raise

    def write(self, key, value):
        """Sets the value of a key."""
        self._change({"type": "write", "key": key, "value": value})

    def cas(self, key, old, new, create_if_not_exists=False):
        """Sets the value of a key to new if it is old. If it is another value, the code of
        the CallError is 22. If there is no such key, it is 20, unless the key is created."""
        body = {"type": "cas", "key": key, "from": old, "to": new}
        self._change(body | {"create_if_not_exists": create_if_not_exists})

    def update(self, key, change, initial=None):
        """Sets the value of a key to change(value), or to change(initial) if there is no
        such key, in one step. Returns the new value. If other clients are faster, it
        calls change again, at most 50 times.

        If update returns, the change was made once. If it raises an error that is not
        definite, the change was made once or not at all, and nobody can know which. After
        any other error it was not made. This holds if the network duplicates no messages.
        """
        if self.service == "lww-kv":
            raise RPCError(NOT_SUPPORTED, "lww-kv forgets updates")
        for race in range(50):
            none = str(uuid.uuid4())  # no value of the key, so a key that others create is kept
            value = self.read(key, fresh=True, missing=none)
            exists = value is not none
            new = change(copy.deepcopy(value if exists else initial))
            if exists and json.dumps(new) == json.dumps(value):
                return value
            try:
                self.cas(key, value, new, not exists)
                return new
            except CallError as failure:
                if failure.code not in LOST_RACE:
                    raise
            time.sleep(random.uniform(0, min(2, 0.01 * 2**race)))
        raise RPCError(PRECONDITION_FAILED, "update lost 50 races")

    def _ask(self, body):
        """Sends a request that may be served twice."""
        try:
            return self.node.rpc_with_retry(self.service, body)[0]
        except CallError as failure:
            failure.code = CallError(self.service, 1, failure.reply).code
            failure.definite = True
            raise

    def _change(self, body):
        self.node.rpc_with_retry(self.service, body, timeout=1.5, attempts=1)
