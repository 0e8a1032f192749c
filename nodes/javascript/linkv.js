#!/usr/bin/env node
// A key-value node that passes requests on to a service, lin-kv unless another is named.
//
//     eddy test -w lin-kv --bin nodes/javascript/linkv.js --concurrency 2n --rate 100
//     eddy test -w lin-kv --bin nodes/javascript/linkv.js -- seq-kv    # not linearizable

const { KV, Node } = require("./eddy.js");

const node = new Node();
const kv = new KV(node, process.argv[2] ?? "lin-kv");

node.handle("read", async ({ body }) => ({ value: await kv.read(body.key) }));

node.handle("write", async ({ body }) => {
  await kv.write(body.key, body.value);
  return {};
});

node.handle("cas", async ({ body }) => {
  await kv.cas(body.key, body.from, body.to, { create: body.create_if_not_exists });
  return {};
});

node.run();
