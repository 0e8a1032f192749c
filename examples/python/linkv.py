#!/usr/bin/env python3
"""A key-value node that passes requests on to a service, lin-kv unless another is named.

    eddy test -w lin-kv --bin examples/python/linkv.py --concurrency 2n --rate 100
    eddy test -w lin-kv --bin examples/python/linkv.py -- seq-kv    # not linearizable
"""

import json
import sys

service = sys.argv[1] if len(sys.argv) > 1 else "lin-kv"
node, next_id = None, 0
asked = {}  # msg_id of a request to the service -> the request of the client


def send(dest, body):
    global next_id
    body["msg_id"], next_id = next_id, next_id + 1
    print(json.dumps({"src": node, "dest": dest, "body": body}), flush=True)
    return body["msg_id"]


for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    if body["type"] == "init":
        node = body["node_id"]
        send(message["src"], {"type": "init_ok", "in_reply_to": body["msg_id"]})
    elif "in_reply_to" in body:
        request = asked.pop(body["in_reply_to"], None)
        if request:
            send(request["src"], body | {"in_reply_to": request["body"]["msg_id"]})
    else:
        asked[send(service, dict(body))] = message
