#!/usr/bin/env ruby
# Ids that no node has given out before: random ones.
#
#     eddy test -w unique-ids --bin nodes/ruby/unique_ids.rb --nemesis partition,kill

require "securerandom"
require_relative "eddy"

node = Eddy::Node.new

node.handle("generate") { { id: SecureRandom.uuid } }

node.run
