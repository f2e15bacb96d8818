"""A Hoiio application with Python's standard library alone.

It asks for digits, reads them back, and says goodbye. Run it by itself:

    HOIIO_BASE=http://127.0.0.1:8080/open HOIIO_APP_ID=... HOIIO_ACCESS_TOKEN=... \
        python3 examples/hoiio/application.py [PORT]
"""
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode
from urllib.request import urlopen


def ask(path, **parameters):
    """A request of the API, by GET as the Python client library sends it."""
    query = urlencode({"app_id": os.environ["HOIIO_APP_ID"], "access_token": os.environ["HOIIO_ACCESS_TOKEN"], **parameters})
    with urlopen(f"{os.environ['HOIIO_BASE']}/{path}?{query}", timeout=10) as answer:
        status = json.load(answer)["status"]
    if status != "success_ok":
        print(f"{path}: {status}", flush=True)


def next_step(told, notify):
    session, state = told["session"], told.get("app_state")
    if told["call_state"] == "ended":
        print(f"session {session} is over: {told['duration']} min", flush=True)
    elif state is None:
        ask("ivr/middle/gather", session=session, msg="Key in some digits, then hash.", timeout=10, attempts=2,
            notify_url=notify("digits"))
    elif state == "digits":
        digits = " ".join(told["digits"]) or "nothing"
        ask("ivr/end/hangup", session=session, msg=f"You keyed in {digits}. Goodbye.", notify_url=notify("bye"))


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        # The answer is only that it was received; what comes next is asked for.
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        host = self.headers["Host"]
        next_step(dict(parse_qsl(body, keep_blank_values=True)), lambda state: f"http://{host}/next?app_state={state}")

    def log_message(self, *words):
        pass


def main():
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    server = ThreadingHTTPServer(("127.0.0.1", int(arguments[0]) if arguments else 9004), Handler)
    print(f"listening on {server.server_address[1]}", flush=True)
    if "--until-eof" in sys.argv:
        # Started by another program, it ends with it.
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:
        server.serve_forever()


if __name__ == "__main__":
    main()
