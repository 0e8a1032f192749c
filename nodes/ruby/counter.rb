#!/usr/bin/env ruby
# A counter that grows, in the service seq-kv.
#
#     eddy test -w g-counter --bin nodes/ruby/counter.rb --rate 20 --loss 0.1 --nemesis partition,kill
#
# If nobody can know whether an add was made, the client gets an error that says so. A
# network that duplicates messages can make one add count twice; examples/g-counter shows
# how to prevent this.

require_relative "eddy"

node = Eddy::Node.new
kv = Eddy::KV.new(node, "seq-kv")

node.handle("add") do |request|
  kv.update("counter", 0) { |count| count + request.body["delta"] }
  {}
end

node.handle("read") { { value: kv.read("counter", fresh: true) { 0 } } }

node.run
