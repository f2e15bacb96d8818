"""A Hoiio application for tests, with Python's standard library alone. Prints what it is told and what it was answered.

    python3 hoiio-program.py APPS BUSY

APPS: JSON of name to {"app_id", "access_token"}; BUSY: a number that is busy. Lines of JSON on standard input: {"base"} is the
address of the API; {"id", "app", "path", "parameters"} a request that it makes. It ends with its input.

What it does in a session depends on the number that was called: 7000 is led through all blocks, 7001 and 7002 go to the room R1,
7004 is played something with a notify_url that hangs.
"""
import io
import json
import math
import struct
import sys
import threading
import time
import wave
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit
from urllib.request import urlopen

APPS = json.loads(sys.argv[1])
BUSY = sys.argv[2]
BASE = []
OVER = threading.Event()
LOCK = threading.Lock()


def tell(**line):
    with LOCK:
        sys.stdout.write(json.dumps({"at": time.time() * 1000, **line}) + "\n")
        sys.stdout.flush()


def ask(app, path, request_id=None, **parameters):
    form = {**APPS[app], **parameters}
    # By POST and by GET, as the client libraries do.
    if path.startswith("ivr/end"):
        response = urlopen(f"{BASE[0]}/{path}", urlencode(form).encode(), timeout=20)
    else:
        response = urlopen(f"{BASE[0]}/{path}?{urlencode(form)}", timeout=20)
    with response:
        answer = json.load(response)
    tell(kind="asked", id=request_id, app=app, path=path, session=parameters.get("session"), answer=answer)
    return answer


def tone(hz, ms):
    samples = (int(8000 * math.sin(2 * math.pi * hz * n / 8000)) for n in range(8 * ms))
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return file.getvalue()


def next_step(app, host, told):
    if told["call_state"] == "ended":
        return

    def step(path, state, place="", **parameters):
        notify = f"http://{host}/{place or app}?app_state={state}"
        ask(app, path, session=told["session"], notify_url=notify, tag=f"tag {state}", **parameters)

    def sound(hz, ms=800):
        return f"<url>http://{host}/tone/{hz}/{ms}.wav</url>"

    state, number = told.get("app_state"), told.get("to")
    if state is None:
        if number == "7000":
            step("ivr/middle/play", "played", msg=sound(440))
        elif number in ("7001", "7002"):
            step("ivr/end/transfer", "joined", dest="room:R1")
        elif number == "7004":
            step("ivr/middle/play", "lost", place="hang", msg=sound(440))
            time.sleep(2)
            step("ivr/middle/play", "late", msg=sound(540))
    elif state == "played":
        step("ivr/middle/gather", "keyed", msg=sound(540), timeout=10)
    elif state == "keyed":
        step("ivr/middle/record", "recorded", msg=sound(640), max_duration=2)
    elif state == "recorded":
        notify = f"http://{host}/{app}?app_state=file"
        step("ivr/middle/monitor", "monitored", monitor_notify_url=notify)
    elif state == "monitored":
        step("ivr/end/transfer", "transferred", dest=BUSY, on_failure="continue")
    elif state == "transferred":
        step("ivr/middle/gather", "again", msg=sound(740), max_digits=1)
    elif state == "again":
        step("ivr/end/transfer", "joined", dest="room:R1")
    elif state == "dialled":
        step("ivr/middle/play", "said", msg=sound(640))
    elif state == "said":
        step("ivr/end/hangup", "bye")


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        path = urlsplit(self.path).path
        told = dict(parse_qsl(body, keep_blank_values=True))
        tell(kind="told", method=self.command, path=self.path, type=self.headers["Content-Type"], fields=told)
        if path == "/hang":
            OVER.wait()
            return
        self.reply(500 if path == "/fail" else 200, b"")
        next_step(path.strip("/"), self.headers["Host"], told)

    def do_GET(self):
        _, _, hz, ms = self.path.split("/")
        self.reply(200, tone(int(hz), int(ms.removesuffix(".wav"))), "audio/wav")

    def reply(self, status, body, content_type="text/plain"):
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_words):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


def obey(line):
    wish = json.loads(line)
    if "base" in wish:
        BASE.append(wish["base"])
        return
    threading.Thread(
        target=ask, args=(wish["app"], wish["path"], wish["id"]), kwargs=wish["parameters"], daemon=True
    ).start()


def main():
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tell(kind="listening", port=server.server_address[1])
    for line in sys.stdin:
        obey(line)
    OVER.set()


main()
