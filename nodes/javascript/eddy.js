// A node for Maelstrom's protocol, in one file without dependencies. Copy it.
//
//     const { Node } = require("./eddy.js");
//
//     const node = new Node();
//     node.handle("echo", (request) => ({ echo: request.body.echo }));
//     node.run();
//
// A handler may be an async function. While one waits, others run. Standard output carries
// the messages, so console.log writes to standard error.
//
// The limits of JavaScript's JSON: an integer beyond 2^53 is a BigInt here and stays exact,
// but 1.0 is passed on as 1, also as a msg_id, and 1e400 cannot be passed on. Of a name that
// a message gives twice, the last value counts.
"use strict";

const { randomUUID } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");

// Error codes of the protocol. After an error with a code in DEFINITE the operation surely
// had no effect. After any other error it may have had one.
const TIMEOUT = 0, NOT_SUPPORTED = 10, TEMPORARILY_UNAVAILABLE = 11, MALFORMED_REQUEST = 12, CRASH = 13;
const KEY_DOES_NOT_EXIST = 20, KEY_ALREADY_EXISTS = 21, PRECONDITION_FAILED = 22;
const DEFINITE = new Set([1, 10, 11, 12, 14, 20, 21, 22, 30]);

const MAX_OPEN = 10_000; // how many requests are served at the same time
const DRAIN = 30_000; // how many ms the node waits for its handlers after the end of its input

// An RPCError is an error with a code. If a handler throws it, the node replies with it.
class RPCError extends Error {
  constructor(code, text) {
    super(text);
    this.code = code;
    this.definite = DEFINITE.has(code);
  }
}

// A CallError says that a call to dest has failed after a number of attempts. reply is the
// body of the error reply, or null if no reply came. If definite is true, the call surely
// had no effect. This must be sure for every attempt:
//
//     attempt 1: cas 3 -> 4    timed out
//     attempt 2: cas 3 -> 4    error 22, the value is not 3
//
// Attempt 1 may have set the 4 that attempt 2 found. So this failure is not definite, and
// its code is 0, a timeout.
class CallError extends RPCError {
  constructor(dest, attempts, reply = null) {
    let code = TIMEOUT, text = `RPC failed after ${attempts} attempts`;
    if (reply !== null) {
      code = Number.isInteger(reply.code) ? reply.code : CRASH;
      const count = attempts > 1 ? ` after ${attempts} attempts` : "";
      text = `RPC to ${dest} failed${count}: ${reply.text} (code ${code})`;
    }
    if (attempts > 1 && DEFINITE.has(code)) code = TIMEOUT; // the attempts before have timed out
    super(code, text);
    Object.assign(this, { dest, attempts, reply });
  }
}

// A Node has, after init, its name as id and the names of all nodes as ids.
class Node {
  id = null;
  ids = [];
  #handlers = new Map();
  #nextID = 0;
  #waiting = new Map(); // msg_id of an attempt -> the node that was called, what settles the call
  #open = 0; // how many requests are served now
  #ended = false;

  // handle registers the handler of a type of messages. A handler gets a request with src,
  // type and body. It returns the body of the reply, whose type is that of the request with
  // _ok, unless it has one. An RPCError becomes an error reply, any other error an error 13.
  handle(type, handler) {
    this.#handlers.set(type, handler);
  }

  // every runs a function again and again from init on, with pauses.
  async every(milliseconds, action) {
    for (;;) {
      await sleep(milliseconds);
      try {
        if (this.id !== null) await action();
      } catch (error) {
        console.error(error);
      }
    }
  }

  // send sends a one-way message.
  send(dest, body) {
    this.#send(dest, body, { numbered: false });
  }

  // rpcWithRetry calls dest. It returns the body of the reply, and how many attempts were
  // sent. If no reply comes within the timeout, body is sent again with a fresh msg_id. A
  // reply to any attempt ends the call, also a late one. If no reply comes, or an error
  // reply, rpcWithRetry throws a CallError.
  async rpcWithRetry(dest, body, { timeout = 500, attempts = 3 } = {}) {
    const ids = [];
    let settle;
    const settled = new Promise((resolve) => { settle = resolve; });
    try {
      for (let attempt = 1; attempt <= attempts; attempt++) {
        const id = this.#send(dest, body);
        ids.push(id);
        this.#waiting.set(id, { dest, settle });
        const reply = await Promise.race([settled, sleep(timeout)]);
        if (reply === undefined) continue;
        if (reply.type === "error") throw new CallError(dest, attempt, reply);
        return { reply, attempts: attempt };
      }
      throw new CallError(dest, attempts);
    } finally {
      for (const id of ids) this.#waiting.delete(id);
    }
  }

  // run serves standard input. At its end it waits until every request has its reply.
  async run() {
    console.log = console.error;
    process.on("unhandledRejection", (error) => console.error(error));
    process.stdout.on("error", (error) => { console.error(error); process.exit(1); });
    let number = 0;
    for await (const line of lines(process.stdin)) {
      number++;
      try {
        this.#receive(parse(line));
      } catch (error) {
        console.error(`bad line ${number}: ${error.message}: ${line.toString().slice(0, 200)}`);
        this.#refuse(line.toString(), error.message);
      }
    }
    this.#ended = true;
    setTimeout(() => process.exit(), DRAIN);
    this.#exitIfDone();
  }

  #exitIfDone() {
    if (this.#ended && this.#open === 0) process.stdout.write("", () => process.exit());
  }

  #receive({ src, dest, body }) {
    const request = { src, dest, body, type: body.type, id: body.msg_id ?? null };
    if ((body.in_reply_to ?? null) !== null) this.#settle(request);
    else if (body.type === "init") this.#init(request);
    else if (this.id === null) this.#fail(request, TEMPORARILY_UNAVAILABLE, "the node has not been initialised");
    else if (!this.#handlers.has(body.type)) this.#fail(request, NOT_SUPPORTED, `no handler for type ${body.type}`);
    else if (this.#open >= MAX_OPEN) this.#fail(request, TEMPORARILY_UNAVAILABLE, "too many requests are open");
    else this.#serve(request);
  }

  #settle({ src, body }) {
    const call = this.#waiting.get(body.in_reply_to);
    if (call?.dest === src) call.settle(body); // a reply counts only from the node that was called
  }

  #init(request) {
    const { node_id: id, node_ids: ids } = request.body;
    if (typeof id !== "string" || id === "" || !Array.isArray(ids)) {
      this.#fail(request, MALFORMED_REQUEST, "init must have a node_id and node_ids");
    } else if (this.id !== null && encode([this.id, this.ids]) !== encode([id, ids])) {
      this.#fail(request, MALFORMED_REQUEST, `this node is ${this.id} of ${this.ids} already`);
    } else {
      Object.assign(this, { id, ids });
      this.#reply(request, { type: "init_ok" });
    }
  }

  // serve runs the handler of a request and replies once.
  async #serve(request) {
    this.#open++;
    try {
      const body = await this.#handlers.get(request.type)(request);
      if (isObject(body)) {
        this.#reply(request, { type: request.type + "_ok", ...body });
      } else {
        this.#fail(request, CRASH, `the handler of ${request.type} returned no reply`);
      }
    } catch (error) {
      if (!(error instanceof RPCError)) console.error(error);
      this.#fail(request, error instanceof RPCError ? error.code : CRASH, String(error?.message ?? error));
    }
    this.#open--;
    this.#exitIfDone();
  }

  #fail(request, code, text) {
    this.#reply(request, { type: "error", code, text });
  }

  #reply(request, body) {
    if (request.id !== null) this.#send(request.src, body, { src: this.id ?? request.dest, replyTo: request.id });
  }

  // refuse replies to a bad line, if src and msg_id can be read in it and it is no reply.
  #refuse(line, reason) {
    const [src, dest, id] = [SRC, DEST, MSG_ID].map((field) => [...line.matchAll(field)].map((match) => match[1]));
    const from = this.id ?? dest[0];
    if (src.length !== 1 || id.length !== 1 || from === undefined || IN_REPLY_TO.test(line)) return;
    this.#send(src[0], { type: "error", code: MALFORMED_REQUEST, text: reason }, { src: from, replyTo: BigInt(id[0]) });
  }

  // send writes a message, whole and at once. It returns the msg_id.
  #send(dest, body, { src = this.id, replyTo, numbered = true } = {}) {
    if (src === null) throw new RPCError(TEMPORARILY_UNAVAILABLE, "the node has not been initialised");
    if (typeof dest !== "string" || !isObject(body) || typeof body.type !== "string") {
      throw new RPCError(MALFORMED_REQUEST, "a message needs a dest and a body with a type");
    }
    const { type, msg_id: _, in_reply_to: __, ...fields } = body;
    const id = numbered ? this.#nextID : undefined;
    const line = encode({ src, dest, body: { type, ...fields, in_reply_to: replyTo, msg_id: id } });
    if (numbered) this.#nextID++;
    process.stdout.write(line + "\n");
    return id;
  }
}

// These find the fields of a line that is no valid message.
const SRC = /"src"\s*:\s*"([^"\\\ufffd]+)"/g, DEST = /"dest"\s*:\s*"([^"\\\ufffd]+)"/g;
const MSG_ID = /"msg_id"\s*:\s*(\d{1,18})\s*[,} ]/g, IN_REPLY_TO = /"in_reply_to"(?!\s*:\s*null)/;

// lines yields the lines of a stream as bytes.
async function* lines(input) {
  let begun = []; // the pieces of the line that has not ended yet
  for await (let chunk of input) {
    for (let end; (end = chunk.indexOf("\n")) >= 0; chunk = chunk.subarray(end + 1)) {
      yield Buffer.concat([...begun, chunk.subarray(0, end)]);
      begun = [];
    }
    if (chunk.length > 0) begun.push(chunk);
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}

// parse returns the message in a line. It throws an error if there is none.
function parse(line) {
  const must = (condition, reason) => { if (!condition) throw new Error(reason); };
  const isID = (id) => (Number.isSafeInteger(id) && id >= 0) || (typeof id === "bigint" && id >= 0n && id < 2n ** 63n);
  const message = decode(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(line));
  must(isObject(message), "not a JSON object");
  const { src, dest, body } = message;
  must(typeof src === "string" && src !== "", "src must be a name");
  must(typeof dest === "string" && dest !== "", "dest must be a name");
  must(isObject(body), "body must be an object");
  must(typeof body.type === "string", "body.type must be a string");
  for (const name of ["msg_id", "in_reply_to"]) {
    must(body[name] === undefined || body[name] === null || isID(body[name]), `body.${name} must be an integer`);
  }
  return message;
}

// decode is JSON.parse that makes an integer beyond 2^53 a BigInt. For this it puts such an
// integer into a string that begins with a random text.
function decode(text) {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?[1-9]\d{15,}$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${MARK}${token}"` : token);
  return JSON.parse(marked, (_, value) =>
    typeof value === "string" && value.startsWith(MARK) ? BigInt(value.slice(MARK.length)) : value);
}

const MARK = randomUUID();

// encode is JSON.stringify that writes a BigInt as a number, and refuses to write Infinity as null.
function encode(value) {
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} is no JSON`);
  if (Array.isArray(value)) return `[${value.map((item) => encode(item ?? null)).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${encode(member)}`).join()}}`;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const LOST_RACE = new Set([11, 14, 20, 21, 22, 30]); // after these codes another try makes sense

// A KV is a client of the service lin-kv, seq-kv or lww-kv. Its methods throw a CallError.
//
// A read is sent again after a timeout. A change is sent once, since a service serves every
// message that reaches it, and a second one may come late. If the CallError of a change is
// not definite, nobody can know whether the change was made.
class KV {
  constructor(node, service) {
    Object.assign(this, { node, service });
  }

  // read returns the value of a key, or missing, if that is given and there is no such key.
  // On seq-kv the value may be old, again and again. A fresh read first writes something new,
  // after which seq-kv shows nothing older.
  async read(key, { fresh = false, missing } = {}) {
    try {
      if (fresh && this.service === "seq-kv") await this.#ask({ type: "write", key: "eddy-fresh", value: randomUUID() });
      return (await this.#ask({ type: "read", key })).value;
    } catch (error) {
      if (error.code === KEY_DOES_NOT_EXIST && missing !== undefined) return missing;
      throw error;
    }
  }

  // write sets the value of a key.
  async write(key, value) {
    await this.#change({ type: "write", key, value });
  }

  // cas sets the value of a key to next if it is old. If it is another value, the code of
  // the CallError is 22. If there is no such key, it is 20, unless the key is created.
  async cas(key, old, next, { create = false } = {}) {
    await this.#change({ type: "cas", key, from: old, to: next, create_if_not_exists: create });
  }

  // update sets the value of a key to change(value), or to change(initial) if there is no
  // such key, in one step. It returns the new value. If other clients are faster, it calls
  // change again, at most 50 times.
  //
  // If update returns, the change was made once. If it throws an error that is not definite,
  // the change was made once or not at all, and nobody can know which. After any other error
  // it was not made. This holds if the network duplicates no messages.
  async update(key, change, initial) {
    if (this.service === "lww-kv") throw new RPCError(NOT_SUPPORTED, "lww-kv forgets updates");
    for (let race = 0; race < 50; race++) {
      const none = randomUUID(); // no value of the key, so a key that others create is kept
      const value = await this.read(key, { fresh: true, missing: none });
      const exists = value !== none;
      const next = await change(structuredClone(exists ? value : initial));
      if (exists && encode(next) === encode(value)) return value;
      try {
        await this.cas(key, value, next, { create: !exists });
        return next;
      } catch (error) {
        if (!LOST_RACE.has(error.code)) throw error;
      }
      await sleep(Math.random() * Math.min(2000, 10 * 2 ** race));
    }
    throw new RPCError(PRECONDITION_FAILED, "update lost 50 races");
  }

  // ask sends a request that may be served twice.
  async #ask(body) {
    try {
      return (await this.node.rpcWithRetry(this.service, body)).reply;
    } catch (error) {
      if (error instanceof CallError) error.code = new CallError(this.service, 1, error.reply).code;
      error.definite = true;
      throw error;
    }
  }

  async #change(body) {
    await this.node.rpcWithRetry(this.service, body, { timeout: 1500, attempts: 1 });
  }
}

module.exports = {
  Node, KV, RPCError, CallError, TIMEOUT, NOT_SUPPORTED, TEMPORARILY_UNAVAILABLE, MALFORMED_REQUEST,
  CRASH, KEY_DOES_NOT_EXIST, KEY_ALREADY_EXISTS, PRECONDITION_FAILED, DEFINITE,
};
