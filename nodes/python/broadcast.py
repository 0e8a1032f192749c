#!/usr/bin/env python3
"""A broadcast node: it sends new values to its neighbours, and again until they have them.

    eddy test -w broadcast --bin nodes/python/broadcast.py --loss 0.2 --nemesis partition

Values are in memory only. If a node is killed, those are lost that only it had.
"""

import threading

from eddy import CallError, Node

node = Node()
lock = threading.Lock()  # guards the variables below
known = set()
missing = {}  # neighbour -> the values that it may not have


@node.handle("topology")
def topology(request):
    with lock:
        for neighbour in request.body["topology"].get(node.id, []):
            if neighbour not in missing:
                missing[neighbour] = set(known)
                node.every(0.1, gossip, neighbour)
    return {}


@node.handle("broadcast")
def broadcast(request):
    learn([request.body["message"]])
    return {}


@node.handle("gossip")
def gossiped(request):
    learn(request.body["values"])
    return {}


@node.handle("read")
def read(request):
    with lock:
        return {"messages": list(known)}


def learn(values):
    with lock:
        new = set(values) - known
        known.update(new)
        for values in missing.values():
            values.update(new)


def gossip(neighbour):
    with lock:
        values = list(missing[neighbour])
    if values:
        try:
            node.rpc_with_retry(neighbour, {"type": "gossip", "values": values})
        except CallError:
            return  # the next round sends them again
        with lock:
            missing[neighbour].difference_update(values)


node.run()
