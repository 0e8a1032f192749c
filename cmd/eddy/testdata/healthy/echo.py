#!/usr/bin/env python3
"""An echo node with threads: it sorts the keys of its replies, escapes all but ASCII, writes
blanks between tokens, and gives its messages ids in no order."""

import json
import random
import sys
import threading
import time

lock = threading.Lock()
node = None


def send(dest, body):
    body["msg_id"] = random.getrandbits(62)
    line = json.dumps({"src": node, "dest": dest, "body": body, "at": time.time()}, sort_keys=True, separators=(" , ", " : "))
    with lock:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def handle(message):
    time.sleep(random.random() / 20)
    body = message["body"]
    if body["type"] == "echo":
        send(message["src"], {"type": "echo_ok", "echo": body["echo"], "in_reply_to": body["msg_id"]})


threads = []
for line in sys.stdin:
    message = json.loads(line)
    if message["body"]["type"] == "init":
        node = message["body"]["node_id"]
        print("I am", node, "\u00e9", file=sys.stderr)
        send(message["src"], {"type": "init_ok", "in_reply_to": message["body"]["msg_id"]})
    else:
        threads.append(threading.Thread(target=handle, args=(message,)))
        threads[-1].start()
for thread in threads:
    thread.join()
