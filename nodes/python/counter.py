#!/usr/bin/env python3
"""A counter that grows, in the service seq-kv.

    eddy test -w g-counter --bin nodes/python/counter.py --rate 20 --loss 0.1 --nemesis partition,kill

If nobody can know whether an add was made, the client gets an error that says so. A
network that duplicates messages can make one add count twice; examples/g-counter shows
how to prevent this.
"""

from eddy import KV, Node

node = Node()
kv = KV(node, "seq-kv")


@node.handle("add")
def add(request):
    delta = request.body["delta"]
    kv.update("counter", lambda count: count + delta, initial=0)
    return {}


@node.handle("read")
def read(request):
    return {"value": kv.read("counter", fresh=True, missing=0)}


node.run()
