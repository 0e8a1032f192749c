"""Serves the handlers of the transcripts: stage.py TIMEOUT_IN_SECONDS."""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[4] / "nodes/python"))
from eddy import KV, CallError, Node, RPCError

node = Node()
timeout = float(sys.argv[1])


def call(body):
    wait = body["timeout_ms"] / 1000 if "timeout_ms" in body else timeout
    return node.rpc_with_retry(body["to"], body["body"], wait, body.get("attempts", 3))


def ask(request):
    reply, attempts = call(request.body)
    return {"attempts": attempts, "reply": reply}


def explain(request):
    try:
        return ask(request)
    except CallError as e:
        return {"attempts": e.attempts, "reply": e.reply, "error": e.text, "definite": e.definite}


def tell(request):
    node.send(request.body["to"], request.body["body"])
    return {}


def fail(request):
    if "code" in request.body:
        raise RPCError(request.body["code"], request.body["text"])
    raise RuntimeError(request.body["text"])


def slow(request):
    time.sleep(request.body["ms"] / 1000)
    return {}


def panic(request):
    raise RuntimeError("no such luck")


def increase(request):
    try:
        return {"value": KV(node, request.body["service"]).update("x", lambda value: value + 1, 0)}
    except RPCError as e:
        return {"code": e.code, "definite": e.definite}


handlers = {
    "increase": increase,
    "echo": lambda request: {**request.body, "type": "echo_ok"},
    "add": lambda request: {"sum": request.body["a"] + request.body["b"]},
    "own": lambda request: request.body["reply"],
    "nonsense": lambda request: "no object",
    "forget": lambda request: None,
    "ask": ask, "ask-later": ask, "explain": explain, "tell": tell, "fail": fail, "slow": slow, "panic": panic,
}
for type, handler in handlers.items():
    node.handle(type)(handler)
node.run()
