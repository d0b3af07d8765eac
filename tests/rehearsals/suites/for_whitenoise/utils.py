"""The helpers of WhiteNoise's tests, which its source distribution lacks."""

import tempfile
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.util import shift_path_info

import requests


class Files:
    """A folder with a file for each keyword: ``js="app.js"`` gives js_path, js_url, js_content."""

    def __init__(self, directory: str, **files: str):
        self.directory = tempfile.mkdtemp(prefix=directory)
        for name, path in files.items():
            content = f"{path}\n".encode() * 100  # so long that it is compressed
            file = Path(self.directory, path)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(content)
            vars(self).update(
                {f"{name}_path": path, f"{name}_url": f"/subdir/{path}", f"{name}_content": content}
            )


class Silent(WSGIRequestHandler):
    def log_message(self, *_):
        pass


class AppServer:
    """The WSGI application below /subdir on a port of its own."""

    def __init__(self, application):
        def below_subdir(environ, start_response):
            shift_path_info(environ)
            return application(environ, start_response)

        self.server = make_server("127.0.0.1", 0, below_subdir, handler_class=Silent)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def get(self, path: str, **options) -> requests.Response:
        return requests.get(f"http://127.0.0.1:{self.server.server_port}{path}", **options)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
