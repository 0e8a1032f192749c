#!/usr/bin/env ruby
# A relay: it calls another node for its client, with retries.
#
#     eddy test -w relay --bin nodes/ruby/relay.rb --node-count 3 --loss 0.2

require_relative "eddy"

node = Eddy::Node.new

node.handle("echo") { |request| { echo: request.body["echo"] } }

node.handle("relay") do |request|
  result, attempts = node.rpc_with_retry(request.body["target"], request.body["payload"])
  { attempts: attempts, result: result }
rescue Eddy::CallError => failure
  raise if failure.reply.nil? # the client gets an error too
  { attempts: failure.attempts, result: failure.reply } # an error reply is a result
end

node.run
