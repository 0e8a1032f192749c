#!/usr/bin/env python3
"""A relay: it calls another node for its client, with retries.

    eddy test -w relay --bin nodes/python/relay.py --node-count 3 --loss 0.2
"""

from eddy import CallError, Node

node = Node()


@node.handle("echo")
def echo(request):
    return {"echo": request.body["echo"]}


@node.handle("relay")
def relay(request):
    try:
        result, attempts = node.rpc_with_retry(request.body["target"], request.body["payload"])
    except CallError as failure:
        if failure.reply is None:
            raise  # the client gets an error too
        result, attempts = failure.reply, failure.attempts  # an error reply is a result
    return {"attempts": attempts, "result": result}


node.run()
