#!/usr/bin/env node
// A broadcast node: it sends new values to its neighbours, and again until they have them.
//
//     eddy test -w broadcast --bin nodes/javascript/broadcast.js --loss 0.2 --nemesis partition
//
// Values are in memory only. If a node is killed, those are lost that only it had.

const { CallError, Node } = require("./eddy.js");

const node = new Node();
const known = new Set();
const missing = new Map(); // neighbour -> the values that it may not have

node.handle("topology", (request) => {
  for (const neighbour of request.body.topology[node.id] ?? []) {
    if (missing.has(neighbour)) continue;
    missing.set(neighbour, new Set(known));
    node.every(100, () => gossip(neighbour));
  }
  return {};
});

node.handle("broadcast", (request) => {
  learn([request.body.message]);
  return {};
});

node.handle("gossip", (request) => {
  learn(request.body.values);
  return {};
});

node.handle("read", () => ({ messages: [...known] }));

function learn(values) {
  for (const value of values) {
    if (known.has(value)) continue;
    known.add(value);
    for (const others of missing.values()) others.add(value);
  }
}

async function gossip(neighbour) {
  const values = [...missing.get(neighbour)];
  if (values.length === 0) return;
  try {
    await node.rpcWithRetry(neighbour, { type: "gossip", values });
  } catch (error) {
    if (error instanceof CallError) return; // the next round sends them again
    throw error;
  }
  for (const value of values) missing.get(neighbour).delete(value);
}

node.run();
