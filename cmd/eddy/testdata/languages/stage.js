// Serves the handlers of the transcripts: stage.js TIMEOUT_IN_SECONDS.
const { CallError, KV, Node, RPCError } = require("../../../../nodes/javascript/eddy.js");

const node = new Node();
const timeout = Number(process.argv[2]) * 1000;

const ask = async ({ body }) => {
  const options = { timeout: body.timeout_ms ?? timeout, attempts: body.attempts };
  return node.rpcWithRetry(body.to, body.body, options);
};

const handlers = {
  echo: ({ body }) => ({ ...body, type: "echo_ok" }),
  add: ({ body }) => ({ sum: body.a + body.b }),
  own: ({ body }) => body.reply,
  nonsense: () => "no object",
  forget: () => undefined,
  ask,
  "ask-later": ask,
  explain: async (request) => {
    try {
      return await ask(request);
    } catch (e) {
      if (!(e instanceof CallError)) throw e;
      return { attempts: e.attempts, reply: e.reply, error: e.message, definite: e.definite };
    }
  },
  increase: async ({ body }) => {
    try {
      return { value: await new KV(node, body.service).update("x", (value) => value + 1, 0) };
    } catch ({ code, definite }) {
      return { code, definite };
    }
  },
  tell: ({ body }) => {
    node.send(body.to, body.body);
    return {};
  },
  fail: ({ body }) => {
    throw body.code === undefined ? new Error(body.text) : new RPCError(body.code, body.text);
  },
  slow: async ({ body }) => {
    await new Promise((resolve) => setTimeout(resolve, body.ms));
    return {};
  },
  panic: () => {
    throw new Error("no such luck");
  },
};
for (const [type, handler] of Object.entries(handlers)) node.handle(type, handler);
node.run();
