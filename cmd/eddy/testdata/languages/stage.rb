# Serves the handlers of the transcripts: stage.rb TIMEOUT_IN_SECONDS.
require_relative "../../../../nodes/ruby/eddy"

node = Eddy::Node.new
default = ARGV[0].to_f

ask = lambda do |request|
  to, body, attempts, timeout_ms = request.body.values_at("to", "body", "attempts", "timeout_ms")
  timeout = timeout_ms ? timeout_ms / 1000.0 : default
  reply, attempts = node.rpc_with_retry(to, body, timeout: timeout, attempts: attempts || 3)
  { attempts: attempts, reply: reply }
end

node.handle("echo") { |request| request.body.merge("type" => "echo_ok") }
node.handle("add") { |request| { sum: request.body["a"] + request.body["b"] } }
node.handle("own") { |request| request.body["reply"] }
node.handle("nonsense") { "no object" }
node.handle("forget") { nil }
node.handle("ask", &ask)
node.handle("ask-later", &ask)
node.handle("explain") do |request|
  ask.(request)
rescue Eddy::CallError => e
  { attempts: e.attempts, reply: e.reply, error: e.message, definite: e.definite }
end
node.handle("increase") do |request|
  { value: Eddy::KV.new(node, request.body["service"]).update("x", 0) { |value| value + 1 } }
rescue Eddy::RPCError => e
  { code: e.code, definite: e.definite }
end
node.handle("tell") do |request|
  node.send_to(request.body["to"], request.body["body"])
  {}
end
node.handle("fail") do |request|
  raise request.body["text"] unless request.body["code"]
  raise Eddy::RPCError.new(request.body["code"], request.body["text"])
end
node.handle("slow") do |request|
  sleep(request.body["ms"] / 1000.0)
  {}
end
node.handle("panic") { raise "no such luck" }
node.run
