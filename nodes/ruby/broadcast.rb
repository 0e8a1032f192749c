#!/usr/bin/env ruby
# A broadcast node: it sends new values to its neighbours, and again until they have them.
#
#     eddy test -w broadcast --bin nodes/ruby/broadcast.rb --loss 0.2 --nemesis partition
#
# Values are in memory only. If a node is killed, those are lost that only it had.

require "set"
require_relative "eddy"

node = Eddy::Node.new
lock = Mutex.new # guards the variables below
known = Set.new
missing = {} # neighbour -> the values that it may not have

learn = lambda do |values|
  lock.synchronize do
    new = values.to_set - known
    known.merge(new)
    missing.each_value { |others| others.merge(new) }
  end
end

gossip = lambda do |neighbour|
  values = lock.synchronize { missing[neighbour].to_a }
  next if values.empty?
  node.rpc_with_retry(neighbour, { type: "gossip", values: values })
  lock.synchronize { missing[neighbour].subtract(values) }
rescue Eddy::CallError
  # The next round sends them again.
end

node.handle("topology") do |request|
  neighbours = request.body["topology"][node.id] || []
  lock.synchronize do
    (neighbours - missing.keys).each do |neighbour|
      missing[neighbour] = known.dup
      node.every(0.1) { gossip.(neighbour) }
    end
  end
  {}
end

node.handle("broadcast") do |request|
  learn.([request.body["message"]])
  {}
end

node.handle("gossip") do |request|
  learn.(request.body["values"])
  {}
end

node.handle("read") { lock.synchronize { { messages: known.to_a } } }

node.run
