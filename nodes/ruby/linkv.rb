#!/usr/bin/env ruby
# A key-value node that passes requests on to a service, lin-kv unless another is named.
#
#     eddy test -w lin-kv --bin nodes/ruby/linkv.rb --concurrency 2n --rate 100
#     eddy test -w lin-kv --bin nodes/ruby/linkv.rb -- seq-kv    # not linearizable

require_relative "eddy"

node = Eddy::Node.new
kv = Eddy::KV.new(node, ARGV[0] || "lin-kv")

node.handle("read") { |request| { value: kv.read(request.body["key"]) } }

node.handle("write") do |request|
  kv.write(request.body["key"], request.body["value"])
  {}
end

node.handle("cas") do |request|
  key, from, to, create = request.body.values_at("key", "from", "to", "create_if_not_exists")
  kv.cas(key, from, to, create: create || false)
  {}
end

node.run
