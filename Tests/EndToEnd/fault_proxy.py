#!/usr/bin/env python3
"""An HTTP proxy before an S3 server that loses, delays and falsifies on purpose. Loopback only.

usage: fault_proxy.py TARGET_PORT [--port N] [--seed N] [FAULT …]

  --lose-requests P     closes the connection without passing the request on
  --lose-answers P      passes it on, then closes the connection without an answer
  --hold SECONDS        passes the request on, and its answer, up to so much later, whether its client still lives or not
  --late P              closes the connection at once and passes the request on a second later
  --only METHOD         faults hit requests of this method alone
  --match REGEX         faults hit requests alone whose path and query hold this
  --times N             no more than N requests are lost, or their answers
  --strip HEADER        takes a header out of requests (a server that ignores it looks like this)
  --lie                 answers every further create of a name (PUT with If-None-Match) with 200 and passes nothing on
  --fail-complete N     answers the first N completions of multipart uploads with 200 and an error in the body
  --refuse-after N:STATUS:CODE   from the Nth (matching) request on answers STATUS and CODE; a first 0 waits for SIGUSR1
  --refuse-method M     … requests of this method alone
  --refuse-on           … and every request behind the first that was refused

  --tell                prints a line for each request that is lost, or whose answer is

Prints its port, then nothing else; on SIGTERM one JSON line that counts what it did.
"""
import argparse, http.client, http.server, json, os, random, re, signal, socket, sys, threading, time

parser = argparse.ArgumentParser()
parser.add_argument("target", type=int)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--seed", type=int, default=1)
for name in ("lose-requests", "lose-answers", "late"):
    parser.add_argument("--" + name, type=float, default=0)
parser.add_argument("--hold", type=float, default=0)
parser.add_argument("--only")
parser.add_argument("--match", type=re.compile, default=re.compile(""))
parser.add_argument("--times", type=int, default=sys.maxsize)
parser.add_argument("--tell", action="store_true")
parser.add_argument("--strip", action="append", default=[])
parser.add_argument("--lie", action="store_true")
parser.add_argument("--fail-complete", type=int, default=0)
parser.add_argument("--refuse-after")
parser.add_argument("--refuse-method")
parser.add_argument("--refuse-on", action="store_true")
options = parser.parse_args()

chance = random.Random(options.seed)
lock = threading.Lock()
LOSSES = ("lost_requests", "lost_answers", "late")
counts = dict(requests=0, lost_requests=0, lost_answers=0, late=0, falsified=0, refused=0)
created = set()
armed = threading.Event()
refusal = options.refuse_after.split(":") if options.refuse_after else None
if not refusal or refusal[0] != "0":
    armed.set()
signal.signal(signal.SIGUSR1, lambda *_: armed.set())


def count(what):
    with lock:
        counts[what] += 1
        if options.tell and what in LOSSES:
            print(what, flush=True)
        return counts[what]


def error_body(code):
    return f"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>".encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def pass_on(self, body):
        link = http.client.HTTPConnection("127.0.0.1", options.target, timeout=60)
        link.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in {s.lower() for s in options.strip} | {"expect", "connection"}:
                link.putheader(name, value)
        link.endheaders(body)
        answer = link.getresponse()
        data = answer.read()
        link.close()
        return answer, data

    def drop(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def answer(self, status, headers, data):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = next((v for n, v in headers if n.lower() == "content-length"), None)
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        matches = bool(options.match.search(self.path))
        number = count("requests") if matches else 0
        with lock:
            is_meant = matches and options.only in (None, self.command) and sum(counts[kind] for kind in LOSSES) < options.times
            lose, lose_answer, late = (chance.random() for _ in range(3))
        refuses = refusal and armed.is_set() and matches and number >= int(refusal[0]) and options.refuse_method in (None, self.command)
        if refuses or (options.refuse_on and counts["refused"]):
            count("refused")
            return self.answer(int(refusal[1]), [("Content-Type", "application/xml")], error_body(refusal[2]))
        if self.command == "POST" and "uploadId=" in self.path and counts["falsified"] < options.fail_complete:
            count("falsified")
            return self.answer(200, [("Content-Type", "application/xml")], error_body("InternalError"))
        if options.lie and self.command == "PUT" and "If-None-Match" in self.headers:
            with lock:
                was_there = self.path in created
                created.add(self.path)
            if was_there:
                count("falsified")
                return self.answer(200, [("ETag", '"0"')], b"")
        if is_meant and lose < options.lose_requests:
            count("lost_requests")
            return self.drop()
        if is_meant and late < options.late:
            count("late")
            threading.Timer(1, self.pass_on, [body]).start()
            return self.drop()
        if is_meant and options.hold:
            time.sleep(options.hold * lose)
        try:
            answer, data = self.pass_on(body)
        except OSError:
            return self.drop()
        if is_meant and lose_answer < options.lose_answers:
            count("lost_answers")
            return self.drop()
        try:
            self.answer(answer.status, answer.getheaders(), data)
        except ConnectionError:
            self.close_connection = True  # its client has not waited

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


server = Server(("127.0.0.1", options.port), Handler)
print(server.server_address[1], flush=True)


def end(*_):
    print(json.dumps(counts), flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, end)
server.serve_forever()
