#!/usr/bin/env python3
"""A node without the library: it replies to init and echo."""

import json
import sys

node_id, next_id = None, 0


def reply(request, body):
    global next_id
    body = {**body, "in_reply_to": request["body"]["msg_id"], "msg_id": next_id}
    next_id += 1
    print(json.dumps({"src": node_id, "dest": request["src"], "body": body}), flush=True)


for line in sys.stdin:
    request = json.loads(line)
    body = request["body"]
    if body["type"] == "init":
        node_id = body["node_id"]
        reply(request, {"type": "init_ok"})
    elif body["type"] == "echo":
        reply(request, {"type": "echo_ok", "echo": body["echo"]})
