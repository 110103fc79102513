#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The other side of tests/misp_server.sh: answers the calls of a MISP server as MISP's code does, over events kept in a
folder. Made for these tests, so it proves nothing about a real MISP."""
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

folder, key, port = sys.argv[1], sys.argv[2], int(sys.argv[3])


def event_path(uuid):
    return os.path.join(folder, os.path.basename(uuid) + ".json")


def events():
    for name in sorted(os.listdir(folder)):
        if name.endswith(".json"):
            with open(os.path.join(folder, name)) as f:
                yield json.load(f)["Event"]


def attributes(event):
    yield from event.get("Attribute", [])
    for o in event.get("Object", []):
        yield from o["Attribute"]


class Misp(BaseHTTPRequestHandler):
    def say(self, status, what, location=None):
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        with open(os.path.join(folder, "log"), "a") as f:
            f.write("%s %s\n" % (self.command, self.path))

    def admitted(self):
        if self.headers.get("Authorization") == key:
            return True
        self.say(403, {"name": "Authentication failed.", "message": "Authentication failed.", "url": self.path})
        return False

    def do_GET(self):
        self.log_message()
        if not self.admitted():
            return
        if self.path == "/servers/getVersion":
            self.say(200, {"version": "2.5.3", "perm_sync": True, "perm_sighting": True, "request_encoding": ["gzip"]})
        elif self.path.startswith("/events/view/"):
            uuid = self.path.split("/")[3]
            if not os.path.exists(event_path(uuid)):
                self.say(404, {"name": "Invalid event", "message": "Invalid event", "url": self.path})
                return
            with open(event_path(uuid)) as f:
                self.say(200, json.load(f))
        else:
            self.say(404, {"name": "Not Found", "message": "Not Found"})

    def do_POST(self):
        self.log_message()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.admitted():
            return
        asked = json.loads(body)
        with open(os.path.join(folder, "last"), "wb") as f:
            f.write(body)
        if self.path == "/events/index":
            wanted = asked.get("tag", "").split("|") if asked.get("tag") else []
            self.say(200, [{"uuid": e["uuid"], "timestamp": e["timestamp"], "published": True, "orgc_uuid": e["uuid"]}
                           for e in events()
                           if not wanted or any(t["name"] in wanted for t in e.get("Tag", []))])
        elif self.path == "/events/add":
            uuid = asked["Event"]["uuid"]
            if os.path.exists(event_path(uuid)):
                self.say(302, {"name": "Event already exists"}, "/events/edit/" + uuid)
                return
            with open(event_path(uuid), "w") as f:
                json.dump(asked, f)
            self.say(200, asked)
        elif self.path.startswith("/events/edit/"):
            uuid = self.path.split("/")[3]
            if not os.path.exists(event_path(uuid)):
                self.say(404, {"name": "Invalid event", "message": "Invalid event"})
                return
            with open(event_path(uuid)) as f:
                had = json.load(f)
            new = {o["uuid"] for o in asked["Event"]["Object"]}
            asked["Event"]["Object"] += [o for o in had["Event"].get("Object", []) if o["uuid"] not in new]
            with open(event_path(uuid), "w") as f:
                json.dump(asked, f)
            self.say(200, asked)
        elif self.path == "/attributes/restSearch.json":
            self.say(200, {"response": {"Attribute": [
                dict(a, Event={"uuid": e["uuid"], "info": e["info"]}, Tag=e.get("Tag", []))
                for e in events() for a in attributes(e) if a["value"] == asked["value"]]}})
        elif self.path == "/sightings/add":
            self.say(200, {"Sighting": asked})
        else:
            self.say(404, {"name": "Not Found", "message": "Not Found"})


HTTPServer(("127.0.0.1", port), Misp).serve_forever()
