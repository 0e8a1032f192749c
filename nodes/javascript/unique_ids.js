#!/usr/bin/env node
// Ids that no node has given out before: random ones.
//
//     eddy test -w unique-ids --bin nodes/javascript/unique_ids.js --nemesis partition,kill

const { randomUUID } = require("node:crypto");
const { Node } = require("./eddy.js");

const node = new Node();

node.handle("generate", () => ({ id: randomUUID() }));

node.run();
