"""An app with a binding's credentials, told by lines of JSON what to do.

The first line holds the credentials. Each that follows is {"do": "write", "name": …, "value": …},
{"do": "read", "name": …} or what else an app of its type does; the answers are {"ok": value} or
{"error": text}, the first of them about the login. What an app does is in `sessions/<type>.py`.
"""

import importlib.util
import json
import pathlib
import sys


def session_of(credentials):
    path = pathlib.Path(__file__).with_name("sessions") / f"{credentials['type']}.py"
    spec = importlib.util.spec_from_file_location(f"session_of_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Session(credentials)


def answer(work):
    try:
        print(json.dumps({"ok": work()}), flush=True)
    except Exception as error:
        print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


class Asked:
    def __init__(self, credentials):
        self.credentials = credentials
        self.session = None

    def login(self):
        self.session = session_of(self.credentials)

    def do(self, request):
        return getattr(self.session, request.pop("do"))(**request)


asked = Asked(json.loads(sys.stdin.readline()))
answer(asked.login)
for line in sys.stdin:
    answer(lambda: asked.do(json.loads(line)))
