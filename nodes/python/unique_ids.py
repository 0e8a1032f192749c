#!/usr/bin/env python3
"""Ids that no node has given out before: random ones.

    eddy test -w unique-ids --bin nodes/python/unique_ids.py --nemesis partition,kill
"""

import uuid

from eddy import Node

node = Node()


@node.handle("generate")
def generate(request):
    return {"id": str(uuid.uuid4())}


node.run()
