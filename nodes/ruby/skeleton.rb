#!/usr/bin/env ruby
# A node without the library: it replies to init and echo.

require "json"

$stdout.sync = true
node_id, next_id = nil, 0

reply = lambda do |request, body|
  body = body.merge("in_reply_to" => request["body"]["msg_id"], "msg_id" => next_id)
  next_id += 1
  puts JSON.generate("src" => node_id, "dest" => request["src"], "body" => body)
end

$stdin.each_line do |line|
  request = JSON.parse(line)
  body = request["body"]
  case body["type"]
  when "init"
    node_id = body["node_id"]
    reply.(request, "type" => "init_ok")
  when "echo"
    reply.(request, "type" => "echo_ok", "echo" => body["echo"])
  end
end
