"""A daemon that costs nothing, with the real one's manners: sd_notify, and a health page with the numbers that a probation looks at.

Goes into test bundles as edge/__main__.py, beside the real edge/notify.py.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from edge.notify import Manager

started_s = time.monotonic()
stop = threading.Event()
METRICS = """kerbside_frames_detected_total {frames}
kerbside_camera_streaming{{camera="road"}} 1
kerbside_broker_connected 1
kerbside_events_lost_total{{cause="none"}} 0
"""


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text = METRICS.format(frames=int((time.monotonic() - started_s) * 100)) if self.path == "/metrics" else json.dumps({"status": "ok"})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *given: object) -> None:
        pass


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *given: stop.set())
    config = Path(sys.argv[sys.argv.index("--config") + 1]).read_text()
    port = int(config.partition("health:")[2].partition("port:")[2].split()[0].rstrip("}"))
    server = ThreadingHTTPServer(("127.0.0.1", port), Page)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    manager = Manager(os.environ)
    manager.ready()
    while not stop.wait(0.2):
        manager.feed()
    manager.stopping()
    server.server_close()


if __name__ == "__main__":
    main()
