#!/usr/bin/env python3
"""A relay on Python's standard library: it answers init and echo, and calls other
nodes on request, with retries.

    eddy test -w relay --bin examples/python/relay.py --node-count 3 --loss 0.2
"""

import heapq
import json
import queue
import sys
import threading
import time

TIMEOUT = 0.5  # of each attempt, in seconds
ATTEMPTS = 3  # in all


class Call:
    def __init__(self, request, target, payload):
        self.request, self.target, self.payload = request, target, payload
        self.ids = []


class Relay:
    def __init__(self):
        self.node = None
        self.next_id = 0
        self.calls = {}  # the msg_id of every attempt of an open call
        self.timers = []  # (when, id of the latest attempt)

    def send(self, dest, body):
        body = body | {"msg_id": self.next_id}
        self.next_id += 1
        line = json.dumps({"src": self.node, "dest": dest, "body": body})
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
        return body["msg_id"]

    def reply(self, request, body):
        self.send(request["src"], body | {"in_reply_to": request["body"]["msg_id"]})

    def handle(self, message):
        body = message["body"]
        if "in_reply_to" in body:
            self.settle(message)
        elif body["type"] == "init":
            self.node = body["node_id"]
            self.reply(message, {"type": "init_ok"})
        elif body["type"] == "echo":
            self.reply(message, {"type": "echo_ok", "echo": body["echo"]})
        elif body["type"] == "relay":
            self.attempt(Call(message, body["target"], body["payload"]))
        elif "msg_id" in body:
            self.reply(message, {"type": "error", "code": 10, "text": "unknown type"})

    def attempt(self, call):
        id = self.send(call.target, call.payload)
        call.ids.append(id)
        self.calls[id] = call
        heapq.heappush(self.timers, (time.monotonic() + TIMEOUT, id))

    def settle(self, message):
        call = self.calls.get(message["body"]["in_reply_to"])
        if call and message["src"] == call.target:
            self.end(call, {"type": "relay_ok", "attempts": len(call.ids), "result": message["body"]})

    def end(self, call, body):
        for id in call.ids:
            del self.calls[id]
        self.reply(call.request, body)

    def expire(self):
        """Ends the attempts that have timed out. Returns the seconds until the next timeout."""
        while self.timers:
            when, id = self.timers[0]
            if when > time.monotonic():
                return max(0, when - time.monotonic())
            heapq.heappop(self.timers)
            call = self.calls.get(id)
            if call is None:
                continue  # the call is over
            if len(call.ids) < ATTEMPTS:
                self.attempt(call)
            else:
                text = f"RPC failed after {ATTEMPTS} attempts"
                self.end(call, {"type": "error", "code": 0, "text": text})
        return None


def read(lines):
    for line in sys.stdin:
        lines.put(line)
    lines.put(None)


def main():
    relay, lines, ended = Relay(), queue.Queue(), False
    threading.Thread(target=read, args=(lines,), daemon=True).start()
    while not (ended and not relay.calls):
        wait = relay.expire()
        try:
            line = lines.get(timeout=wait)
        except queue.Empty:
            continue
        if line is None:
            ended = True
        elif line.strip():
            relay.handle(json.loads(line))


main()
