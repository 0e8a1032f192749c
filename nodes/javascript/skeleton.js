#!/usr/bin/env node
// A node without the library: it replies to init and echo.

const { createInterface } = require("node:readline");

let nodeID = null, nextID = 0;

function reply(request, body) {
  body = { ...body, in_reply_to: request.body.msg_id, msg_id: nextID++ };
  console.log(JSON.stringify({ src: nodeID, dest: request.src, body }));
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  const { type, node_id, echo } = request.body;
  if (type === "init") {
    nodeID = node_id;
    reply(request, { type: "init_ok" });
  } else if (type === "echo") {
    reply(request, { type: "echo_ok", echo });
  }
});
