#!/usr/bin/env node
// A counter that grows, in the service seq-kv.
//
//     eddy test -w g-counter --bin nodes/javascript/counter.js --rate 20 --loss 0.1 --nemesis partition,kill
//
// If nobody can know whether an add was made, the client gets an error that says so. A
// network that duplicates messages can make one add count twice; examples/g-counter shows
// how to prevent this.

const { KV, Node } = require("./eddy.js");

const node = new Node();
const kv = new KV(node, "seq-kv");

node.handle("add", async (request) => {
  await kv.update("counter", (count) => count + request.body.delta, 0);
  return {};
});

node.handle("read", async () => ({ value: await kv.read("counter", { fresh: true, missing: 0 }) }));

node.run();
