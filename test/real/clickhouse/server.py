"""ClickHouse's engine as a server: the native protocol, a connection of the engine's own for each client.

usage: server.py FOLDER PORT HTTP_PORT [CONFIG_FOLDER]
It is a cluster of one with real Distributed tables. What needs Keeper is rewritten: ON CLUSTER goes, Replicated tables
are plain ones (so nothing that is inserted twice is recognised), system tables of Keeper are views. On loopback any user
may enter; with a folder of config.xml and users.d/passwords.xml it listens everywhere, to those of passwords.xml alone,
who may all do everything. Over HTTP a query is the body of a POST, as ClickHouse has it. Prints a line when it listens;
what is refused goes to stderr.
"""

import hashlib
import importlib.util
import json
import os
import queue
import re
import shutil
import signal
import socket
import struct
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from native import BLOCK_INFO, REVISION, Refused, Wire, empty_block, split_blocks, string, take_block, varint

# The engine alone: the package around it wants pyarrow and pandas. It looks for its libraries where it is.
os.chdir(importlib.util.find_spec("chdb").submodule_search_locations[0])
sys.path.append(os.getcwd())
import _chdb

folder, port, http_port = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.chdir(folder)
config = sys.argv[4] if len(sys.argv) > 4 else None
host = "0.0.0.0" if config else "127.0.0.1"
# On the disk of the data: a batch may be larger than a small /tmp.
spool = f"{folder}/insert"

CONFIG = f"""<clickhouse>
  <tcp_port>{port}</tcp_port>
  <remote_servers><cluster><shard><replica><host>127.0.0.1</host><port>{port}</port></replica></shard></cluster></remote_servers>
</clickhouse>
"""
KEEPER = {
    "zookeeper_connection": "'default' AS name, '127.0.0.1' AS host, 9181::UInt16 AS port, 0::UInt8 AS is_expired",
    "distributed_ddl_queue": "'' AS entry, '' AS cluster, '' AS query, now() AS query_create_time, '' AS host, "
    "0::UInt16 AS port, 'Finished' AS status, '0' AS exception_code WHERE 0",
}
REWRITES = [
    (r"\s+ON\s+CLUSTER\s+['`\"]?[\w-]+['`\"]?", " "),
    (r"\bReplicated(?=\w*MergeTree)", ""),
    (r"(MergeTree\()\s*'/[^']*'\s*,\s*'\{replica\}'\s*,?", r"\1"),
    (rf"\bsystem\.({'|'.join(KEEPER)})\b", r"keeper.\1"),
    (r"SYSTEM\s+SYNC\s+REPLICA\s.*", "SELECT 1"),
]
INSERT = re.compile(r"^\s*INSERT\s+INTO\s+(?:TABLE\s+)?([\w.`\"]+)\s*(\([^()]*\))?\s*(?:SETTINGS[^()]*?)?\s*(?:VALUES|FORMAT\s+\w+)?\s*$", re.I)
READ = re.compile(r"^\s*(?:/\*.*?\*/\s*)*\(?\s*(SELECT|WITH|SHOW)\b", re.I | re.S)


def passwords():
    """SHA-256 by user, as the shipped secrets.sh writes them; None when anybody may enter"""
    if not config:
        return None
    with open(f"{config}/users.d/passwords.xml", encoding="utf8") as file:
        return dict(re.findall(r"<(\w+)><password_sha256_hex>(\w+)<", file.read()))


known = passwords()


def check(user, password):
    if known is not None and known.get(user) != hashlib.sha256(password.encode()).hexdigest():
        raise Refused(f"Code: 516. DB::Exception: {user}: Authentication failed: password is incorrect, or there is no user with such name")


class Running:
    """A stop lets what runs come to its end, as ClickHouse does, and nothing begin."""

    def __init__(self):
        self.lock, self.count, self.stopping = threading.Condition(), 0, False

    def __enter__(self):
        with self.lock:
            self.lock.wait_for(lambda: not self.stopping)
            self.count += 1

    def __exit__(self, *_):
        with self.lock:
            self.count -= 1
            self.lock.notify_all()

    def stop(self, *_):
        with self.lock:
            self.stopping = True
            # As long as ClickHouse does (shutdown_wait_unfinished).
            self.lock.wait_for(lambda: self.count == 0, timeout=5)
        os._exit(0)


running = Running()


def rewrite(query):
    for pattern, by in REWRITES:
        query = re.sub(pattern, by, query, flags=re.I)
    return query.strip().rstrip(";")


class Engine:
    """One connection of the engine: queries of different connections run at the same time."""

    def __init__(self):
        self.connection = _chdb.connect(f"{folder}/data?config-file={config or folder}/config.xml&log-level=error")
        self.settings = {}
        self.run("SET allow_suspicious_low_cardinality_types = 1, mutations_sync = 1")

    def run(self, query, form="Native"):
        try:
            return self.connection.query(query, form).bytes() or b""
        except UnicodeDecodeError as error:  # the engine quotes what it refuses
            raise Refused(error.object.decode("utf-8", "replace")) from None
        except RuntimeError as error:
            raise Refused(str(error)) from None

    def columns(self, what):
        """(name, type, kind of default) of a table or (query)"""
        lines = self.run(f"DESCRIBE {what}", "JSONCompactEachRow").decode().splitlines()
        return [tuple(json.loads(line)[:3]) for line in lines]

    def apply(self, settings):
        for name, value in settings.items():
            if self.settings.get(name) != value:
                self.run(f"SET {name} = '{value}'")
        self.settings |= settings


class Client(threading.Thread):
    def __init__(self, sock):
        super().__init__(daemon=True)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock, self.wire = sock, Wire(sock)

    def run(self):
        try:
            self.enter()
            self.engine = Engine()
            while True:
                packet = self.wire.varint()
                if packet == 1:
                    with running:
                        self.query()
                elif packet == 2:  # what is still on its way of an insert that was refused
                    self.wire.string()
                    take_block(self.wire)
                elif packet == 4:
                    self.wire.send(b"\x04")
        except (EOFError, OSError):
            pass
        except Refused as error:
            print(f"connection ended: {error}", file=sys.stderr, flush=True)
        finally:
            self.sock.close()

    def enter(self):
        wire = self.wire
        wire.varint(), wire.string(), wire.varint(), wire.varint(), wire.varint()
        wire.string()
        try:
            check(wire.string(), wire.string())
        except Refused as error:
            self.refuse(error)
            raise
        name = [string("ClickHouse"), varint(25), varint(12), varint(REVISION), string("UTC"), string("engine"), varint(5)]
        wire.send(b"\0", *name)

    def query(self):
        wire = self.wire
        wire.string()
        wire.byte(), wire.string(), wire.string(), wire.string(), wire.raw(8), wire.byte()
        wire.string(), wire.string(), wire.string(), wire.varint(), wire.varint(), wire.varint(), wire.string()
        wire.varint(), wire.varint()
        if wire.byte():
            wire.raw(24), wire.string(), wire.byte()
        settings = {}
        while name := wire.string():
            wire.varint()
            settings[name] = wire.string()
        wire.string(), wire.varint()
        compressed, query = wire.varint(), wire.string()
        wire.varint(), wire.string(), take_block(wire)
        try:
            if compressed:
                raise Refused("Code: 48. This adapter speaks without compression only")
            self.engine.apply(settings)
            insert = INSERT.match(query)
            if insert:
                self.insert(insert[1], insert[2])
            else:
                self.answer(rewrite(query))
        except Refused as error:
            print(f"refused: {str(error)[:500]}\n  {query[:2000]}", file=sys.stderr, flush=True)
            self.refuse(error)

    def refuse(self, error):
        text = str(error)
        code = re.search(r"Code: (\d+)", text)
        number = struct.pack("<i", int(code[1]) if code else 1002)
        self.wire.send(b"\x02", number, string("DB::Exception"), string(text), string(""), b"\0")

    def data(self, block):
        self.wire.send(b"\x01\x00", BLOCK_INFO, block)

    def answer(self, query):
        native = self.engine.run(query)
        if native:
            for block in split_blocks(native):
                self.data(block)
        elif READ.match(query):
            self.data(empty_block([column[:2] for column in self.engine.columns(f"({query})")]))
        self.wire.send(b"\x05")

    def insert(self, table, listed):
        every = {name: kind for name, kind, default in self.engine.columns(f"TABLE {table}") if default not in ("ALIAS", "MATERIALIZED")}
        names = [name.strip(" `\"\n\t") for name in listed.strip("()").split(",")] if listed else list(every)
        missing = [name for name in names if name not in every]
        if missing:
            raise Refused(f"Code: 16. No such column {missing} in table {table}")
        # clickhouse-go writes a Go map into JSON in a form that is long to read; as a map it is short.
        maps = [name for name in names if name == "resource" and every[name].startswith("JSON")]
        self.data(empty_block([(name, "Map(String, String)" if name in maps else every[name]) for name in names]))
        path, total = os.path.join(spool, f"{threading.get_ident()}.native"), 0
        with open(path, "wb") as file:
            while (packet := self.wire.varint()) == 2:
                self.wire.string()
                rows, block = take_block(self.wire)
                if rows == 0:
                    break
                file.write(block)
                total += rows
        if packet != 2:
            return  # cancelled
        if total:
            quoted = [f"`{name}`" for name in names]
            values = [f"toJSONString({name})" if name.strip("`") in maps else name for name in quoted]
            self.engine.run(f"INSERT INTO {table} ({', '.join(quoted)}) SELECT {', '.join(values)} FROM file('{path}', 'Native')")
        self.wire.send(b"\x05")


idle = queue.SimpleQueue()


def at_once(query, form):
    """by a connection that is at hand: to open one takes as long as a small query"""
    try:
        engine = idle.get_nowait()
    except queue.Empty:
        engine = Engine()
    try:
        return engine.run(query, form)
    finally:
        idle.put(engine)


class Http(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        # With a query of its own the body is what an INSERT takes.
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("query")
        try:
            check(self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key", ""))
            with running:
                if asked:
                    status, body = 200, self.insert(rewrite(asked[0]), body)
                else:
                    # Without a format, as clickhouse-client writes.
                    status, body = 200, at_once(rewrite(body.decode()), "TSV")
        except Refused as error:
            status, body = 400, str(error).encode()
        self.answer(status, body)

    def insert(self, query, data):
        into = re.match(r"(INSERT INTO [\w.]+) FORMAT (\w+)$", query)
        path = os.path.join(spool, f"{threading.get_ident()}.body")
        with open(path, "wb") as file:
            file.write(data)
        return at_once(f"{into[1]} SELECT * FROM file('{path}', '{into[2]}')", "TSV") if data else b""

    def do_HEAD(self):  # /ping
        self.answer(200, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def main():
    signal.signal(signal.SIGTERM, running.stop)
    shutil.rmtree(spool, ignore_errors=True)
    for name in ("data", "insert"):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
    if not config:
        with open(f"{folder}/config.xml", "w", encoding="utf8") as file:
            file.write(CONFIG)
    engine = Engine()
    engine.run("CREATE DATABASE IF NOT EXISTS keeper")
    for name, columns in KEEPER.items():
        engine.run(f"CREATE VIEW IF NOT EXISTS keeper.{name} AS SELECT {columns}")
    threading.Thread(target=ThreadingHTTPServer((host, http_port), Http).serve_forever, daemon=True).start()
    listener = socket.create_server((host, port), backlog=200)
    print("listening", flush=True)
    while True:
        Client(listener.accept()[0]).start()


main()
