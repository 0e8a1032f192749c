"""An echo and relay node in Python, standard library only: a thread for every
request, a threading.Event for every call."""

import argparse
import json
import sys
import threading


class Call:
    def __init__(self):
        self.done = threading.Event()
        self.body = None


class Node:
    def __init__(self, timeout, tries):
        self.timeout = timeout
        self.tries = tries
        self.id = None
        self.next_id = 0
        self.calls = {}
        self.lock = threading.Lock()

    def send(self, dest, body):
        line = json.dumps({"src": self.id, "dest": dest, "body": body})
        with self.lock:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def reply(self, msg, body):
        with self.lock:
            self.next_id += 1
            msg_id = self.next_id
        self.send(
            msg["src"],
            {**body, "in_reply_to": msg["body"]["msg_id"], "msg_id": msg_id},
        )

    def rpc(self, dest, body, timeout):
        """Returns the body of the reply, or None if none came in time."""
        call = Call()
        with self.lock:
            self.next_id += 1
            msg_id = self.next_id
            self.calls[msg_id] = call
        try:
            self.send(dest, {**body, "msg_id": msg_id})
            call.done.wait(timeout)
            return call.body
        finally:
            with self.lock:
                del self.calls[msg_id]

    def echo(self, msg):
        self.reply(msg, {"type": "echo_ok", "echo": msg["body"]["echo"]})

    def relay(self, msg):
        body = msg["body"]
        timeout = body.get("timeout_ms", self.timeout) / 1000
        tries = body.get("max_retries", self.tries)
        for attempt in range(1, tries + 1):
            result = self.rpc(body["target"], body["payload"], timeout)
            if result is not None:
                self.reply(
                    msg,
                    {"type": "relay_ok", "attempts": attempt, "result": result},
                )
                return
        text = f"RPC failed after {tries} attempts"
        self.reply(msg, {"type": "error", "code": 0, "text": text})

    def run(self):
        handlers = {"echo": self.echo, "relay": self.relay}
        for line in sys.stdin:
            msg = json.loads(line)
            body = msg["body"]
            if body["type"] == "init":
                self.id = body["node_id"]
                self.reply(msg, {"type": "init_ok"})
            elif "in_reply_to" in body:
                with self.lock:
                    call = self.calls.get(body["in_reply_to"])
                if call:
                    call.body = body
                    call.done.set()
            else:
                threading.Thread(target=handlers[body["type"]], args=(msg,)).start()


parser = argparse.ArgumentParser()
parser.add_argument("--timeout", default="500ms", help="500ms or 1h")
parser.add_argument("--max-retries", type=int, default=3)
args = parser.parse_args()
number = int(args.timeout.rstrip("msh"))
Node(number * 3_600_000 if args.timeout.endswith("h") else number, args.max_retries).run()
