"""A handler of the Voicenter External IVR in XML-RPC, with Python's standard library alone.

It asks for a code of four digits, reads it back, and says goodbye. Run it by itself:

    python3 examples/voicenter/handler.py [PORT]
"""
import sys
import threading
from xmlrpc.server import SimpleXMLRPCServer


def answer(action, **data):
    return {"STATUS": 0, "ACTION": action, "LANGUAGE": "en", "DATA": data}


def get_ivr_action(call):
    menu, keys = call["MENU"], call["DTMF"]
    if menu == "code" and len(keys) == 4:
        # Says the digits, then asks whether they are right.
        return answer("SAYDIGITS", SAYDIGITSRECORD="you_entered", DIGITS=keys, REC="right_or_again",
                      LOOP=2, DELAY=2, SIZE=1, MENU="confirm", VALIDATION=0)
    if menu == "confirm" and keys == "1":
        return answer("HANGUP", HANGUP_REC="goodbye", HANGUP_CAUSE=16)
    if menu in ("code", "confirm") and keys == "" and call["PREVIOUS_MENU"] == menu:
        # Nothing was pressed twice in a row.
        return answer("HANGUP", HANGUP_REC="goodbye", HANGUP_CAUSE=16)
    return answer("MENU", REC="enter_code", LOOP=2, DELAY=3, SIZE=4, MENU="code", VALIDATION=1)


def hangup_call(call):
    print(f"call {call['IVR_UNIQUE_ID']} is over: {call['CALL_STATUS']}, {call['CALL_DURATION']} s", flush=True)
    return {"STATUS": 0}


def main():
    arguments = [word for word in sys.argv[1:] if not word.startswith("--")]
    server = SimpleXMLRPCServer(("127.0.0.1", int(arguments[0]) if arguments else 9001), logRequests=False)
    server.register_function(get_ivr_action, "GET_IVR_ACTION")
    server.register_function(hangup_call, "HANGUP_CALL")
    print(f"listening on {server.server_address[1]}", flush=True)
    if "--until-eof" in sys.argv:
        # Started by another program, it ends with it.
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sys.stdin.read()
    else:
        server.serve_forever()


if __name__ == "__main__":
    main()
