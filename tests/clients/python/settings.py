"""What every script is told: one JSON object as its only argument."""

import json
import ssl
import sys

SETTINGS = json.loads(sys.argv[1])
HOST = "localhost"
PORTS = SETTINGS["ports"]
USER = SETTINGS["user"]
PASSWORD = SETTINGS["password"]


def context():
    """Trusts the test's authority and checks the name."""
    return ssl.create_default_context(cafile=SETTINGS["ca"])


def check(fact, *story):
    """Ends the script with what was found instead."""
    if not fact:
        raise SystemExit("not so: " + " ".join(repr(word) for word in story))
