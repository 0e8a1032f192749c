#!/usr/bin/env python3
"""A key-value node that passes requests on to a service, lin-kv unless another is named.

    eddy test -w lin-kv --bin nodes/python/linkv.py --concurrency 2n --rate 100
    eddy test -w lin-kv --bin nodes/python/linkv.py -- seq-kv    # not linearizable
"""

import sys

from eddy import KV, Node

node = Node()
kv = KV(node, sys.argv[1] if len(sys.argv) > 1 else "lin-kv")


@node.handle("read")
def read(request):
    return {"value": kv.read(request.body["key"])}


@node.handle("write")
def write(request):
    kv.write(request.body["key"], request.body["value"])
    return {}


@node.handle("cas")
def cas(request):
    body = request.body
    create = body.get("create_if_not_exists", False)
    kv.cas(body["key"], body["from"], body["to"], create)
    return {}


node.run()
