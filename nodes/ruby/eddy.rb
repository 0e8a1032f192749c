# A node for Maelstrom's protocol, in one file without dependencies. Copy it.
#
#     require_relative "eddy"
#
#     node = Eddy::Node.new
#     node.handle("echo") { |request| { echo: request.body["echo"] } }
#     node.run
#
# Each request runs on a thread of its own. So a handler may block, and handlers guard what
# they share with a Mutex. Standard output carries the messages, so puts writes to standard
# error.
#
# The limits of Ruby's JSON: integers of any size stay exact, but 1e3 is passed on as 1000.0,
# and 1e400 cannot be passed on. Of a name that a message gives twice, the last value counts.
# Comments and some wrong escapes are let pass, and a lone surrogate makes a bad line.

require "json"
require "monitor"
require "securerandom"

module Eddy
  # Error codes of the protocol. After an error with a code in DEFINITE the operation surely
  # had no effect. After any other error it may have had one.
  TIMEOUT, NOT_SUPPORTED, TEMPORARILY_UNAVAILABLE, MALFORMED_REQUEST, CRASH = 0, 10, 11, 12, 13
  KEY_DOES_NOT_EXIST, KEY_ALREADY_EXISTS, PRECONDITION_FAILED = 20, 21, 22
  DEFINITE = [1, 10, 11, 12, 14, 20, 21, 22, 30]

  MAX_OPEN = 1000 # how many requests are served at the same time
  DRAIN = 30 # how many seconds the node waits for its handlers after the end of its input
  DEPTH = 1000 # how deep a message may be nested

  # An error with a code. If a handler raises it, the node replies with it.
  class RPCError < StandardError
    attr_accessor :code, :definite

    def initialize(code, text)
      super(text)
      @code, @definite = code, DEFINITE.include?(code)
    end
  end

  # A call to dest has failed after a number of attempts. reply is the body of the error
  # reply, or nil if no reply came. If definite is true, the call surely had no effect.
  # This must be sure for every attempt:
  #
  #     attempt 1: cas 3 -> 4    timed out
  #     attempt 2: cas 3 -> 4    error 22, the value is not 3
  #
  # Attempt 1 may have set the 4 that attempt 2 found. So this failure is not definite, and
  # its code is 0, a timeout.
  class CallError < RPCError
    attr_reader :dest, :attempts, :reply

    def initialize(dest, attempts, reply = nil)
      @dest, @attempts, @reply = dest, attempts, reply
      code, text = TIMEOUT, "RPC failed after #{attempts} attempts"
      if reply
        code = reply["code"].is_a?(Integer) ? reply["code"] : CRASH
        count = attempts > 1 ? " after #{attempts} attempts" : ""
        text = "RPC to #{dest} failed#{count}: #{reply["text"]} (code #{code})"
      end
      code = TIMEOUT if attempts > 1 && DEFINITE.include?(code) # the attempts before have timed out
      super(code, text)
    end
  end

  # A message that a handler gets. A message without an id is one-way: it gets no reply.
  class Request
    attr_reader :src, :dest, :body, :type, :id

    def initialize(message)
      @src, @dest, @body = message.values_at("src", "dest", "body")
      @type, @id = @body.values_at("type", "msg_id")
    end
  end

  # A call that waits: the node that was called, what wakes the caller, and the reply.
  Call = Struct.new(:dest, :settled, :reply)

  # A node. After init, id is its name and ids are the names of all nodes.
  class Node
    attr_reader :id, :ids

    def initialize
      @handlers = {}
      @output, $stdout = $stdout, $stderr
      @output.sync = true
      @lock = Monitor.new # guards the output and the variables below
      @finished = @lock.new_cond # a request has its reply
      @next_id = 0
      @waiting = {} # msg_id of an attempt -> its call
      @open = 0 # how many requests are served now
    end

    # Registers the handler of a type of messages, a block. It returns the body of the reply,
    # whose type is that of the request with _ok, unless it has one. An RPCError becomes an
    # error reply, and any other exception an error 13.
    def handle(type, &handler)
      @handlers[type] = handler
    end

    # Runs a block again and again from init on, with pauses.
    def every(seconds)
      Thread.new do
        loop do
          sleep(seconds)
          yield if @id
        rescue => error
          warn(error.full_message)
        end
      end
    end

    # Sends a one-way message.
    def send_to(dest, body)
      write(dest, body, numbered: false)
    end

    # Calls dest. Returns the body of the reply, and how many attempts were sent.
    #
    # If no reply comes within the timeout, body is sent again with a fresh msg_id. A reply to
    # any attempt ends the call, also a late one. If no reply comes, or an error reply,
    # rpc_with_retry raises CallError.
    def rpc_with_retry(dest, body, timeout: 0.5, attempts: 3)
      @lock.synchronize do
        call, ids = Call.new(dest, @lock.new_cond), []
        (1..attempts).each do |attempt|
          ids << write(dest, body)
          @waiting[ids.last] = call
          wait(call.settled, timeout) { call.reply }
          next unless call.reply
          raise CallError.new(dest, attempt, call.reply) if call.reply["type"] == "error"
          return call.reply, attempt
        end
        raise CallError.new(dest, attempts)
      ensure
        ids.each { |id| @waiting.delete(id) }
      end
    end

    # Serves standard input. At its end, waits until every request has its reply.
    def run
      $stdin.binmode.each_line.with_index(1) do |line, number|
        line.force_encoding("UTF-8")
        begin
          message = Eddy.parse(line)
        rescue JSON::ParserError => error
          warn("bad line #{number}: #{error.message[0, 100]}: #{line[0, 200].inspect}")
          refuse(line.scrub, error.message[0, 100].scrub)
        else
          receive(Request.new(message))
        end
      end
      @lock.synchronize { wait(@finished, DRAIN) { @open == 0 } }
    end

    private

    # Waits for a condition, but not longer than some seconds.
    def wait(signal, seconds)
      finish = now + seconds
      signal.wait(finish - now) until yield || now >= finish
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def receive(request)
      if request.body["in_reply_to"] then settle(request)
      elsif request.type == "init" then init(request)
      elsif @id.nil? then fail_with(request, TEMPORARILY_UNAVAILABLE, "the node has not been initialised")
      elsif !@handlers[request.type] then fail_with(request, NOT_SUPPORTED, "no handler for type #{request.type}")
      elsif @open >= MAX_OPEN then fail_with(request, TEMPORARILY_UNAVAILABLE, "too many requests are open")
      else
        @lock.synchronize { @open += 1 }
        Thread.new { serve(request) }
      end
    end

    def settle(request)
      @lock.synchronize do
        call = @waiting[request.body["in_reply_to"]]
        next if call.nil? || call.dest != request.src # a reply counts only from the node that was called
        call.reply ||= request.body
        call.settled.signal
      end
    end

    def init(request)
      id, ids = request.body.values_at("node_id", "node_ids")
      if !id.is_a?(String) || id.empty? || !ids.is_a?(Array)
        fail_with(request, MALFORMED_REQUEST, "init must have a node_id and node_ids")
      elsif @id && [@id, @ids] != [id, ids]
        fail_with(request, MALFORMED_REQUEST, "this node is #{@id} of #{@ids} already")
      else
        @id, @ids = id, ids
        reply(request, type: "init_ok")
      end
    end

    # Runs the handler of a request and replies once.
    def serve(request)
      body = @handlers[request.type].call(request)
      if body.is_a?(Hash)
        reply(request, { "type" => request.type + "_ok" }.merge(body.transform_keys(&:to_s)))
      else
        fail_with(request, CRASH, "the handler of #{request.type} returned no reply")
      end
    rescue RPCError => error
      fail_with(request, error.code, error.message)
    rescue StandardError, ScriptError, SystemStackError => error
      warn(error.full_message)
      fail_with(request, CRASH, "the handler of #{request.type} failed: #{error.message}".scrub)
    ensure
      @lock.synchronize do
        @open -= 1
        @finished.signal
      end
    end

    def fail_with(request, code, text)
      reply(request, type: "error", code: code, text: text)
    end

    def reply(request, body)
      write(request.src, body, src: @id || request.dest, in_reply_to: request.id) if request.id
    end

    # Replies to a bad line, if src and msg_id can be read in it and it is no reply.
    def refuse(line, reason)
      src, dest, id = [SRC, DEST, MSG_ID].map { |field| line.scan(field).flatten }
      from = @id || dest.first
      return if src.size != 1 || id.size != 1 || from.nil? || line.match?(IN_REPLY_TO)
      body = { type: "error", code: MALFORMED_REQUEST, text: reason }
      write(src.first, body, src: from, in_reply_to: id.first.to_i)
    end

    # Writes a message, whole and at once. Returns its msg_id.
    def write(dest, body, src: @id, in_reply_to: nil, numbered: true)
      raise RPCError.new(TEMPORARILY_UNAVAILABLE, "the node has not been initialised") unless src
      body = body.is_a?(Hash) ? body.transform_keys(&:to_s) : {}
      unless dest.is_a?(String) && body["type"].is_a?(String)
        raise RPCError.new(MALFORMED_REQUEST, "a message needs a dest and a body with a type")
      end
      fields = body.reject { |name, _| ["type", "msg_id", "in_reply_to"].include?(name) }
      body = { "type" => body["type"], **fields }
      body["in_reply_to"] = in_reply_to if in_reply_to
      @lock.synchronize do
        id = @next_id
        body["msg_id"] = id if numbered
        line = JSON.generate({ src: src, dest: dest, body: body }, max_nesting: DEPTH) + "\n"
        @next_id += 1 if numbered
        begin
          @output.write(line)
        rescue SystemCallError => error
          warn("cannot write: #{error.message}")
          exit!(1)
        end
        id
      end
    end
  end

  # These find the fields of a line that is no valid message.
  SRC, DEST = /"src"\s*:\s*"([^"\\\ufffd]+)"/, /"dest"\s*:\s*"([^"\\\ufffd]+)"/
  MSG_ID, IN_REPLY_TO = /"msg_id"\s*:\s*(\d{1,18})\s*[,} ]/, /"in_reply_to"(?!\s*:\s*null)/

  # Returns the message in a line. Raises JSON::ParserError if there is none.
  def self.parse(line)
    must = ->(condition, reason) { condition or raise JSON::ParserError, reason }
    must.(line.valid_encoding?, "not UTF-8")
    message = JSON.parse(line, max_nesting: DEPTH)
    must.(message.is_a?(Hash), "not a JSON object")
    ["src", "dest"].each do |name|
      must.(message[name].is_a?(String) && !message[name].empty?, "#{name} must be a name")
    end
    body = message["body"]
    must.(body.is_a?(Hash), "body must be an object")
    must.(body["type"].is_a?(String), "body.type must be a string")
    ["msg_id", "in_reply_to"].each do |name|
      id = body[name]
      must.(id.nil? || id.is_a?(Integer) && id.between?(0, 2**63 - 1), "body.#{name} must be an integer")
    end
    message
  end

  # A client of the service lin-kv, seq-kv or lww-kv. Its methods raise CallError.
  #
  # A read is sent again after a timeout. A change is sent once, since a service serves every
  # message that reaches it, and a second one may come late. If the CallError of a change is
  # not definite, nobody can know whether the change was made.
  class KV
    LOST_RACE = [11, 14, 20, 21, 22, 30] # after these codes another try makes sense

    def initialize(node, service)
      @node, @service = node, service
    end

    # Returns the value of a key, or what the block returns, if there is a block and no such
    # key. On seq-kv the value may be old, again and again. A fresh read first writes
    # something new, after which seq-kv shows nothing older.
    def read(key, fresh: false)
      if fresh && @service == "seq-kv"
        ask({ type: "write", key: "eddy-fresh", value: SecureRandom.uuid })
      end
      ask({ type: "read", key: key })["value"]
    rescue CallError => failure
      raise unless failure.code == KEY_DOES_NOT_EXIST && block_given?
      yield
    end

    # Sets the value of a key.
    def write(key, value)
      change({ type: "write", key: key, value: value })
    end

    # Sets the value of a key to new if it is old. If it is another value, the code of the
    # CallError is 22. If there is no such key, it is 20, unless the key is created.
    def cas(key, old, new, create: false)
      change({ type: "cas", key: key, from: old, to: new, create_if_not_exists: create })
    end

    # Sets the value of a key to what the block makes of it, or of initial if there is no such
    # key, in one step. Returns the new value. If other clients are faster, it runs the block
    # again, at most 50 times.
    #
    # If update returns, the change was made once. If it raises an error that is not definite,
    # the change was made once or not at all, and nobody can know which. After any other error
    # it was not made. This holds if the network duplicates no messages.
    def update(key, initial = nil)
      raise RPCError.new(NOT_SUPPORTED, "lww-kv forgets updates") if @service == "lww-kv"
      50.times do |race|
        none = SecureRandom.uuid # no value of the key, so a key that others create is kept
        value = read(key, fresh: true) { none }
        exists = value != none
        new = yield(Marshal.load(Marshal.dump(exists ? value : initial)))
        return value if exists && JSON.generate(new) == JSON.generate(value)
        begin
          cas(key, value, new, create: !exists)
          return new
        rescue CallError => failure
          raise unless LOST_RACE.include?(failure.code)
        end
        sleep(rand * [2, 0.01 * 2**race].min)
      end
      raise RPCError.new(PRECONDITION_FAILED, "update lost 50 races")
    end

    private

    # Sends a request that may be served twice.
    def ask(body)
      @node.rpc_with_retry(@service, body).first
    rescue CallError => failure
      failure.code = CallError.new(@service, 1, failure.reply).code
      failure.definite = true
      raise
    end

    def change(body)
      @node.rpc_with_retry(@service, body, timeout: 1.5, attempts: 1)
    end
  end
end
