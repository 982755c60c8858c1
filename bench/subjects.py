"""What is measured, and with what: dragoman, nginx, the simulator, and the load generator.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import subprocess

from process import LOAD_CORES, SUBJECT_CORES, Server, on_cores

CLIENT_KEY = "sk-bench-0123456789abcdef"
# Alias -> what the simulator is told to do.  See docs/simulator.md.
MODELS = {
    "chat": "sim",  # echoes the question: about 1 KB
    "short": "sim?tokens=8",
    "firehose": "sim?tokens=20000",
    "paced": "sim?tokens=200,gap=4ms",
    "held": "sim?tokens=10000,gap=30s",
}

DRAGOMAN_YAML = """\
listen: 127.0.0.1:{port}
threads: 1
admin: {{ listen: "127.0.0.1:{admin}" }}
log: {{ access: off, level: warn }}
limits: {{ connections: 40000 }}
upstream: {{ connections: 40000, idle: 1024 }}
timeouts: {{ idle: 10m, total: 1h }}
keys:
  - {{ name: bench, key: {key}, models: [ {aliases} ] }}
providers:
"""

# Dialect -> the rest of its provider.
PROVIDERS = {"openai": 'base_url: "http://127.0.0.1:{sim}/v1", key: sk-upstream-0123456789'}

NGINX_CONF = """\
worker_processes 1;
daemon off;
pid {dir}/nginx.pid;
error_log {dir}/nginx-error.log error;
worker_rlimit_nofile {files};
events {{ worker_connections {files}; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    keepalive_requests 1000000000;
    tcp_nodelay on;
    upstream sim {{ server 127.0.0.1:{sim}; keepalive 256; keepalive_requests 1000000000; }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_read_timeout 1h;
    server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://sim; }} }}
    server {{ listen 127.0.0.1:{stream_port}; location / {{ proxy_pass http://sim; proxy_buffering off; }} }}
}}
"""


def chat_body(model, stream=False, bytes_wanted=1300):
    """A chat request as applications send them, padded to one size whatever the model's name."""
    body = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You are the assistant of a shop. Answer briefly, in "
             "the customer's language, and say so when you do not know."},
            {"role": "user", "content": "Where is my parcel?"},
            {"role": "assistant", "content": "May I have the number of your order?"},
            {"role": "user", "content": ""},
        ],
        "temperature": 0.2,
        "top_p": 0.9,
        "user": "customer-20391",
    }
    if stream:
        body["stream"] = True
    words = "it is 20391 and I ordered it two weeks ago together with a lamp and a small table "
    missing = bytes_wanted - len(json.dumps(body))
    body["messages"][-1]["content"] = (words * (missing // len(words) + 1))[:max(missing, 1)]
    return json.dumps(body).encode()


def messages_body(chat):
    return said_otherwise(chat, lambda system, turns, user: {
        "max_tokens": 100000, "system": system, "messages": turns, "metadata": {"user_id": user}})


def responses_body(chat):
    return said_otherwise(chat, lambda system, turns, user: {
        "instructions": system, "input": turns, "user": user})


def said_otherwise(chat, rest):
    """The chat request `chat` (bytes) as a client of another API puts it."""
    body = json.loads(chat)
    common = {k: body[k] for k in ("model", "temperature", "top_p", "stream") if k in body}
    turns = body["messages"]
    return json.dumps({**common, **rest(turns[0]["content"], turns[1:], body["user"])}).encode()


# A client's API -> its path, and what makes its body of a chat request.
SURFACES = {
    "chat": ("/v1/chat/completions", lambda chat: chat),
    "messages": ("/v1/messages", messages_body),
    "responses": ("/v1/responses", responses_body),
}


def alias_of(model, dialect):
    return model if dialect == "openai" else f"{model}-{dialect}"


class Lab:
    """One run's directory, ports and programs."""

    def __init__(self, build, base_port, files):
        self.dragoman_program = os.path.join(build, "dragoman")
        self.tools = os.path.join(build, "bench")
        self.dir = os.path.join(self.tools, "run")
        os.makedirs(self.dir, exist_ok=True)
        self.port, self.files = base_port, files
        self.bodies = {}

    def next_port(self):
        self.port += 1
        return self.port

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text):
        with open(self.path(name), "wb") as f:
            f.write(text if isinstance(text, bytes) else text.encode())
        return self.path(name)

    def simulator(self):
        port = self.next_port()
        argv = [self.dragoman_program, "sim", "--listen", f"127.0.0.1:{port}", "--no-log"]
        return Server("simulator", argv, port, self.path("sim.log"), LOAD_CORES)

    def dragoman(self, sim, wrap=(), env=None, seconds=20, providers=None):
        """Of each provider every model has an alias."""
        port, admin = self.next_port(), self.next_port()
        providers = providers or PROVIDERS
        aliases = {alias_of(m, d): (d, MODELS[m]) for d in providers for m in MODELS}
        text = DRAGOMAN_YAML.format(port=port, admin=admin, key=CLIENT_KEY,
                                    aliases=", ".join(aliases))
        for dialect, rest in providers.items():
            text += f"  {dialect}: {{ dialect: {dialect}, {rest.format(sim=sim.port)} }}\n"
        text += "models:\n"
        for alias, (dialect, model) in aliases.items():
            text += f'  {alias}: {{ targets: [ {{ provider: {dialect}, model: "{model}" }} ] }}\n'
        config = self.write(f"dragoman-{port}.yaml", text)
        argv = list(wrap) + [self.dragoman_program, "serve", "-c", config]
        return Server("dragoman", argv, port, self.path("dragoman.log"), SUBJECT_CORES, env,
                      seconds)

    def nginx(self, sim):
        port, stream_port = self.next_port(), self.next_port()
        config = self.write("nginx.conf", NGINX_CONF.format(
            dir=self.dir, port=port, stream_port=stream_port, sim=sim.port, files=self.files))
        argv = ["nginx", "-p", self.dir, "-c", config, "-e", self.path("nginx-error.log")]
        server = Server("nginx", argv, port, self.path("nginx.log"), SUBJECT_CORES).use_child()
        server.stream_port = stream_port
        return server

    def body(self, subject, model, stream, bytes_wanted, surface, dialect):
        """dragoman is asked for the alias; the others must name what it stands for."""
        name = alias_of(model, dialect) if subject.name == "dragoman" else MODELS[model]
        key = f"{subject.name}-{surface}-{name}-{stream:d}-{bytes_wanted}.json".replace("?", "-")
        if key not in self.bodies:
            chat = chat_body(name, stream, bytes_wanted)
            self.bodies[key] = self.write(key, SURFACES[surface][1](chat))
        return self.bodies[key]

    def load_argv(self, subject, model="chat", stream=False, body_bytes=1300, surface="chat",
                  dialect="openai", **options):
        port = getattr(subject, "stream_port", subject.port) if stream else subject.port
        argv = [os.path.join(self.tools, "load"),
                "--body", self.body(subject, model, stream, body_bytes, surface, dialect),
                "--path", SURFACES[surface][0],
                "--header", f"authorization: Bearer {CLIENT_KEY}"]
        for name, value in options.items():
            argv += [f"--{name}", str(value)]
        return on_cores(argv + [f"127.0.0.1:{port}"], LOAD_CORES)

    def load(self, subject, timeout=60, **options):
        """Run the generator to its end.  Returns its report."""
        argv = self.load_argv(subject, timeout=timeout, **options)
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout + 30)
        if done.returncode != 0:
            raise RuntimeError(f"load generator: {done.stderr.decode().strip()}")
        return json.loads(done.stdout)
