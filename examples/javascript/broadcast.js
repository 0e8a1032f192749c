#!/usr/bin/env node
// A broadcast node on Node.js without packages: it sends new values to its neighbours,
// and again until they have acknowledged them.
//
//     eddy test -w broadcast --bin examples/javascript/broadcast.js --loss 0.2

const { createInterface } = require("node:readline");

const known = new Set();
const pending = new Map(); // neighbour -> values that it has not acknowledged
const sent = new Map(); // msg_id -> the values in the message and its dest
let node, neighbours = [], nextID = 0;

function send(dest, body) {
  const id = nextID++;
  console.log(JSON.stringify({ src: node, dest, body: { ...body, msg_id: id } }));
  return id;
}

const reply = (request, body) => send(request.src, { ...body, in_reply_to: request.body.msg_id });

// learn stores new values and sends them on.
function learn(values, from) {
  const fresh = values.filter((v) => !known.has(v));
  for (const v of fresh) known.add(v);
  for (const n of neighbours) {
    if (n !== from) for (const v of fresh) pending.get(n).add(v);
  }
  if (fresh.length) gossip();
}

function gossip() {
  for (const [dest, values] of pending) {
    if (values.size) sent.set(send(dest, { type: "gossip", values: [...values] }), { dest, values: [...values] });
  }
}

const handlers = {
  init(m) {
    node = m.body.node_id;
    reply(m, { type: "init_ok" });
  },
  topology(m) {
    neighbours = m.body.topology[node];
    for (const n of neighbours) pending.set(n, new Set(known));
    reply(m, { type: "topology_ok" });
  },
  broadcast(m) {
    learn([m.body.message]);
    reply(m, { type: "broadcast_ok" });
  },
  read(m) {
    reply(m, { type: "read_ok", messages: [...known] });
  },
  gossip(m) {
    learn(m.body.values, m.src);
    reply(m, { type: "gossip_ok" });
  },
  gossip_ok(m) {
    const request = sent.get(m.body.in_reply_to);
    if (!request) return;
    sent.delete(m.body.in_reply_to);
    for (const v of request.values) pending.get(request.dest).delete(v);
  },
};

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const m = JSON.parse(line);
  handlers[m.body.type]?.(m);
});
const again = setInterval(gossip, 250);
lines.on("close", () => clearInterval(again));
