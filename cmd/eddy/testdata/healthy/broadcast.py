#!/usr/bin/env python3
"""A broadcast node that keeps all values in one file, which it replaces for each change. A
thread sends them to the other nodes, as the keys of an object."""

import json
import os
import sys
import threading
import time

lock = threading.Lock()
node, others, known = None, [], set()
if os.path.exists("values.json"):
    known = set(json.load(open("values.json")))


def send(dest, body):
    sys.stdout.write(json.dumps({"src": node, "dest": dest, "body": body}) + "\n")
    sys.stdout.flush()


def learn(values):
    if not values <= known:
        known.update(values)
        with open("values.new", "w") as file:
            json.dump(sorted(known), file)
        os.replace("values.new", "values.json")


def gossip():
    while True:
        time.sleep(0.05)
        with lock:
            for other in others:
                send(other, {"type": "values", "values": {str(v): None for v in known}})


for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    reply = None
    with lock:
        if body["type"] == "init":
            node = body["node_id"]
            others = [n for n in body["node_ids"] if n != node]
            threading.Thread(target=gossip, daemon=True).start()
            reply = {"type": "init_ok"}
        elif body["type"] == "topology":
            reply = {"type": "topology_ok"}
        elif body["type"] == "broadcast":
            learn({body["message"]})
            reply = {"type": "broadcast_ok"}
        elif body["type"] == "values":
            learn({int(v) for v in body["values"]})
        elif body["type"] == "read":
            reply = {"type": "read_ok", "messages": list(known)}
        if reply:
            send(message["src"], reply | {"in_reply_to": body["msg_id"]})
