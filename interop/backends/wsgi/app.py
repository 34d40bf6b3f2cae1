"""Reports the area of a request, by its decoded path, and every identity that arrived."""
import posixpath
import re
from urllib.parse import quote


def application(environ, start_response):
    path = posixpath.normpath(environ["PATH_INFO"].replace("\\", "/")).replace("//", "/") + "/"
    seen = [str(v) for k, v in environ.items() if re.sub("[^A-Z0-9]", "_", k.upper()) == "HTTP_X_OPENID"]
    environ["wsgi.input"].read()
    start_response("200 OK", [("X-Saw", " + ".join(seen)), ("X-Path", quote(path.rstrip("/"), encoding="latin-1"))])
    return [b"admin" if path.startswith("/api/admin/") else b"public"]
