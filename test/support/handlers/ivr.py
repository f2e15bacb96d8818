"""A Voicenter handler for tests: a menu of three levels with every action. Prints what it is asked, a line of JSON each.

    python3 ivr.py FORMAT [--refuse-hangups FILE]

FORMAT is xmlrpc (on xmlrpc.server) or json (on http.server). HANGUP_CALL is refused while FILE is there: by STATUS 1, in
XML-RPC by a fault.
"""
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import ThreadingMixIn
from xmlrpc.client import Fault
from xmlrpc.server import SimpleXMLRPCRequestHandler, SimpleXMLRPCServer

REFUSED = sys.argv[sys.argv.index("--refuse-hangups") + 1] if "--refuse-hangups" in sys.argv else None

LOCK = threading.Lock()


def answer(action, **data):
    return {"STATUS": 0, "ACTION": action, "LANGUAGE": "en", "DATA": data}


def menu(name, record, size=1):
    return answer("MENU", REC=record, LOOP=2, DELAY=1, SIZE=size, MENU=name, VALIDATION=0)


def get_ivr_action(call):
    did, place, keys = call["DID"], call["MENU"], call["DTMF"]
    if did == "7001":
        return answer("HANGUP", HANGUP_CAUSE=int(call["CALLER_ID"]))
    if did == "7002":
        return answer("HANGUP", HANGUP_CAUSE=int(call["CALLER_ID"][1:]), HANGUP_REC="short")
    if did == "7003":
        # Rings on, and passes the failure on: what becomes of it is told in HANGUP_CALL.
        trunk = "nobody" if call["CALLER_ID"].startswith("nobody") else "third"
        return answer("CALL", TARGET="0502222222", CALLERID=did, CALLERNAME="", CALL_MAX_DIAL=3, CALL_MAX=60,
                      REC_STATUS=0, DIALSTRINGS=["SIP/0502222222@" + trunk])
    if place == "-1":
        return menu("one", "level1")
    if place == "one":
        if keys == "1":
            return menu("two", "level2", size=2)
        if keys == "2":
            return answer("SILENTRECORD", REC="level2", MAXDURATION=2)
        if keys == "3":
            return answer("CALL", TARGET="0501111111", CALLERID=did, CALLERNAME="Dan", CALLER_REC="short",
                          MOH_CLASS="jazz", TARGET_REC="short", CALL_MAX_DIAL=20, CALL_MAX=4, REC_STATUS=1,
                          NEXT_MENU="busy", NEXT_MENU_RECORD="level3", NEXT_MENU_LOOP=1, NEXT_MENU_SIZE=1,
                          NEXT_MENU_WAIT=5, DTMF_PLAY="7",
                          DIALSTRINGS=["SIP/0501111111@first", "SIP/0501111111@second"])
        if keys == "4":
            return answer("VO", LAYER=1, RECORD="level2", LOOP=1, DELAY=0)
        return answer("HANGUP", HANGUP_REC="bye", HANGUP_CAUSE=21)
    if place == "two":
        return answer("SAYDIGITS", REC="level3", LOOP=1, DELAY=0, SIZE=1, MENU="three", VALIDATION=0,
                      SAYDIGITSRECORD="short", DIGITS=keys)
    if place == "busy":
        return answer("HANGUP", HANGUP_REC="bye", HANGUP_CAUSE=17)
    return answer("HANGUP", HANGUP_REC="bye", HANGUP_CAUSE=16)


def hangup_call(call):
    return {"STATUS": 1 if REFUSED is not None and os.path.exists(REFUSED) else 0}


METHODS = {"GET_IVR_ACTION": get_ivr_action, "HANGUP_CALL": hangup_call}


def dispatch(method, data):
    result = METHODS[method](data)
    line = json.dumps({"method": method, "data": data, "answer": result}) + "\n"
    with LOCK:
        sys.stdout.write(line)
        sys.stdout.flush()
    if result["STATUS"] != 0 and sys.argv[1] == "xmlrpc":
        # As a program written for xmlrpc.server says no.
        raise Fault(result["STATUS"], "not now")
    return result


class JsonHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        call = json.loads(self.rfile.read(int(self.headers["content-length"])))
        body = json.dumps(dispatch(call["METHOD"], call["DATA"])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        pass


class XmlRpcHandler(SimpleXMLRPCRequestHandler):
    rpc_paths = ("/ivr",)


class ThreadingXmlRpc(ThreadingMixIn, SimpleXMLRPCServer):
    daemon_threads = True


def main():
    if sys.argv[1] == "json":
        server = ThreadingHTTPServer(("127.0.0.1", 0), JsonHandler)
    else:
        server = ThreadingXmlRpc(("127.0.0.1", 0), requestHandler=XmlRpcHandler, logRequests=False)
        for name in METHODS:
            server.register_function(lambda data, name=name: dispatch(name, data), name)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()


main()
