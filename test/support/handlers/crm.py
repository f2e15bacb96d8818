"""A CRM's side of the Voip24h partner API, by Python's urllib alone.

usage: crm.py URL < BODY
       crm.py --save FOLDER LINK

Prints one line of JSON: the status, the Content-Type and the text as they came; or the name and the length of what was saved.
"""

import json
import os
import sys
import urllib.error
import urllib.request


def post(url, body):
    request = urllib.request.Request(url, data=body, method="POST")
    try:
        response = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as refused:
        response = refused
    with response:
        return {
            "status": response.status,
            "contentType": response.headers.get("Content-Type"),
            "text": response.read().decode("utf-8"),
        }


def save(folder, link):
    with urllib.request.urlopen(link, timeout=20) as response:
        name = response.headers.get_filename()
        data = response.read()
    with open(os.path.join(folder, os.path.basename(name)), "wb") as file:
        file.write(data)
    return {"name": name, "bytes": len(data)}


if sys.argv[1] == "--save":
    answer = save(sys.argv[2], sys.argv[3])
else:
    answer = post(sys.argv[1], sys.stdin.buffer.read())
print(json.dumps(answer))
