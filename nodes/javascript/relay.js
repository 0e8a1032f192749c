#!/usr/bin/env node
// A relay: it calls another node for its client, with retries.
//
//     eddy test -w relay --bin nodes/javascript/relay.js --node-count 3 --loss 0.2

const { CallError, Node } = require("./eddy.js");

const node = new Node();

node.handle("echo", (request) => ({ echo: request.body.echo }));

node.handle("relay", async (request) => {
  try {
    const { reply, attempts } = await node.rpcWithRetry(request.body.target, request.body.payload);
    return { attempts, result: reply };
  } catch (error) {
    if (!(error instanceof CallError) || error.reply === null) throw error; // the client gets an error too
    return { attempts: error.attempts, result: error.reply }; // an error reply is a result
  }
});

node.run();
