// harness.mjs - start the program, ask it, look at what it did.
//
// Every test file starts its own processes, on ports the kernel chose, and stops them with SIGTERM:
// the exit status must then be 0, so that leaks count, and nothing a sanitizer says may be in their
// output. Only processes started here are ever signalled.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, mkdtempSync, writeFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export { sleep };

export const here = dirname(fileURLToPath(import.meta.url));
export const root = resolve(here, '../..');
export const program = resolve(root, process.env.DRAGOMAN ?? 'build/release/dragoman');

// A sanitized program is several times slower, so what bounds a duration from above is scaled.
function slowness() {
  const image = readFileSync(program);
  if (image.includes('__tsan_init')) return 8;
  if (image.includes('__asan_init')) return 4;
  return 1;
}
export const slow = slowness();

const SANITIZER = /ERROR: (Address|Leak|Memory)Sanitizer|WARNING: ThreadSanitizer|runtime error:/;
process.setMaxListeners(0);
// A file that hangs says so itself, instead of leaving it to whoever waits for all of them; and what
// a failed test left open does not keep the file from ending.
function endAfter(ms, why) {
  setTimeout(() => {
    console.error(why);
    process.exit(1);
  }, ms * Math.min(slow, 3)).unref();
}
endAfter(150_000, 'this file has taken too long');
after(() => endAfter(20_000, 'something keeps this file from ending'));
// Told to stop, it still goes through process.on('exit'), which kills what it started.
for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => process.exit(1));

const START_MS = 10_000 * slow;
const STOP_MS = 10_000 * slow;

// ---- waiting ----

/** Ask `probe` until it gives something truthy; its last complaint is the failure's message. */
export async function eventually(probe, what, ms = 5000) {
  const until = Date.now() + ms * slow;
  let last;
  for (;;) {
    try {
      last = await probe();
      if (last) return last;
    } catch (e) {
      last = e;
    }
    if (Date.now() > until)
      assert.fail(`${what} did not come true in time: ${last?.message ?? JSON.stringify(last)}`);
    await sleep(20);
  }
}

// ---- processes ----

// What the tests' own environment says about proxies and keys must not reach the program.
const plainEnv = () => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME ?? '/',
  ...Object.fromEntries(Object.entries(process.env).filter(([k]) => /^(A|UB|T|L)SAN_OPTIONS$/.test(k))),
});

export class Child {
  constructor(name, command, args, { env = {}, cwd } = {}) {
    this.name = name;
    this.stdout = '';
    this.stderr = '';
    this.exited = null;
    this.process = spawn(command, args, {
      env: { ...plainEnv(), ...env },
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout.setEncoding('utf8').on('data', (d) => (this.stdout += d));
    this.process.stderr.setEncoding('utf8').on('data', (d) => (this.stderr += d));
    this.over = new Promise((done) => {
      this.process.on('error', (e) => done((this.exited = { code: null, signal: String(e) })));
      this.process.on('close', (code, signal) => done((this.exited = { code, signal })));
    });
    process.once('exit', () => this.exited ?? this.process.kill('SIGKILL'));
    // Whoever is left when the tests are over does not hold them up; it is killed, above.
    for (const held of [this.process, this.process.stdout, this.process.stderr]) held.unref();
  }

  get pid() {
    return this.process.pid;
  }

  /** The match of `pattern` in what it has printed so far or prints yet. */
  async says(pattern, ms = START_MS) {
    const until = Date.now() + ms;
    for (;;) {
      const found = pattern.exec(this.stderr) ?? pattern.exec(this.stdout);
      if (found) return found;
      if (this.exited || Date.now() > until)
        assert.fail(`${this.name} did not say ${pattern}; it ${
          this.exited ? `ended with ${JSON.stringify(this.exited)}` : 'is silent'
        }:\n${this.stderr.slice(-4000)}${this.stdout.slice(-2000)}`);
      await sleep(10);
    }
  }

  signal(name) {
    if (!this.exited) this.process.kill(name);
  }

  /** Wait for the end; SIGKILL and a failure when it does not come. */
  async ends(ms = STOP_MS) {
    const late = setTimeout(() => this.process.kill('SIGKILL'), ms);
    const how = await this.over;
    clearTimeout(late);
    return how;
  }

  assertHealthy() {
    assert.ok(!this.exited, `${this.name} died (${JSON.stringify(this.exited)}):\n${this.stderr.slice(-6000)}`);
    assert.doesNotMatch(this.stderr, SANITIZER);
  }

  async stop() {
    const died = this.exited;
    this.signal('SIGTERM');
    const how = await this.ends();
    const tail = this.stderr.slice(-8000);
    assert.equal(died, null, `${this.name} had died before it was stopped:\n${tail}`);
    assert.doesNotMatch(this.stderr, SANITIZER, `${this.name}:\n${tail}`);
    assert.deepEqual(how, { code: 0, signal: null }, `${this.name} did not end well:\n${tail}`);
  }

  descriptors() {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }
}

const temporary = [];
process.once('exit', () => temporary.forEach((d) => rmSync(d, { recursive: true, force: true })));

export function temporaryFolder() {
  const d = mkdtempSync(join(tmpdir(), 'dragoman-e2e-'));
  temporary.push(d);
  return d;
}

// ---- the simulator ----

export class Simulator extends Child {
  static async start(...args) {
    const s = new Simulator('simulator', program, ['sim', '--listen', '127.0.0.1:0', ...args]);
    s.port = Number((await s.says(/127\.0\.0\.1:([1-9]\d*)/))[1]);
    s.origin = `http://127.0.0.1:${s.port}`;
    s.url = `${s.origin}/v1`;
    return s;
  }

  /** What it was asked, oldest first; with `model`, only under that (script's) name. */
  async log(model) {
    const query = model === undefined ? '' : `?model=${encodeURIComponent(model)}`;
    const r = await ask(this.origin, 'GET', `/sim/log${query}`);
    assert.equal(r.status, 200, r.text);
    return r.json.filter((e) => model === undefined || e.model === model);
  }

  async only(model) {
    const entries = await this.log(model);
    assert.equal(entries.length, 1, `${model} was asked ${entries.length} times`);
    return entries[0];
  }
}

// ---- the gateway ----

const isObject = (v) => v !== null && typeof v === 'object' && !Array.isArray(v);

function merge(base, over) {
  const out = { ...base };
  for (const [k, v] of Object.entries(over))
    out[k] = isObject(v) && isObject(base[k]) ? merge(base[k], v) : v;
  return out;
}

/** Quick retries, no jitter: what the tests ask for unless they say otherwise. */
const baseline = {
  listen: '127.0.0.1:0',
  threads: 2,
  admin: { listen: '127.0.0.1:0' },
  log: { level: 'debug' },
  retry: { initial: '50ms', jitter: '0' },
};

/** JSON is YAML. */
export function writeConfig(config, folder = temporaryFolder()) {
  const file = join(folder, 'dragoman.yaml');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(merge(baseline, config), null, 2));
  return file;
}

export class Gateway extends Child {
  /** `config` is laid over the baseline; a string is the file itself. */
  static async start(config, options = {}) {
    const file = writeConfig(config);
    const g = new Gateway('gateway', program, ['serve', '-c', file], options);
    return g.settle(isObject(config) && config.admin === 'off');
  }

  /** Without a file. */
  static async quick(env) {
    const g = new Gateway('gateway', program, ['serve'], {
      cwd: temporaryFolder(),
      env: { DRAGOMAN_LISTEN: '127.0.0.1:0', DRAGOMAN_ADMIN_LISTEN: '127.0.0.1:0', ...env },
    });
    return g.settle(false);
  }

  async settle(noAdmin) {
    const [, scheme, port] = await this.says(/listens on (https?):\/\/[^:]*:(\d+)/);
    this.port = Number(port);
    this.origin = `${scheme}://127.0.0.1:${port}`;
    this.url = `${this.origin}/v1`;
    if (noAdmin) return this;
    this.adminPort = Number((await this.says(/admin port on http:\/\/[^:]*:(\d+)/))[1]);
    this.admin = `http://127.0.0.1:${this.adminPort}`;
    await eventually(async () => (await ask(this.admin, 'GET', '/readyz')).status === 200, 'readiness');
    return this;
  }

  async metrics(headers) {
    const r = await ask(this.admin, 'GET', '/metrics', undefined, { headers });
    assert.equal(r.status, 200, r.text);
    return parseMetrics(r.text);
  }

  /** The sum of the series of `name` that have these labels. */
  async metric(name, labels = {}) {
    return sum(await this.metrics(), name, labels);
  }

  /** No request is being worked on any more. */
  async idle(ms) {
    await eventually(async () => (await this.metric('dragoman_in_flight')) === 0, 'dragoman_in_flight 0', ms);
  }

  /** The access log's lines, parsed; whatever is not JSON fails. */
  get access() {
    return this.stdout.split('\n').slice(0, -1).map((line) => JSON.parse(line));
  }

  /** The line of the request with this x-request-id. */
  async accessOf(id) {
    return eventually(() => this.access.find((l) => l.id === id), `the access log line of ${id}`);
  }
}

/** A simulator and a gateway in front of it; `config` may be a function of the simulator. */
export async function pair(config = {}, options = {}) {
  const sim = await Simulator.start(...(options.simArgs ?? []));
  try {
    const own = typeof config === 'function' ? config(sim) : config;
    const gw = await Gateway.start(
      merge({ providers: { sim: { base_url: sim.url, keys: ['sk-upstream-secret'] } } }, own), options);
    return {
      sim,
      gw,
      async stop() {
        try {
          await gw.stop();
        } finally {
          await sim.stop();
        }
      },
    };
  } catch (e) {
    sim.signal('SIGKILL');
    throw e;
  }
}

// ---- metrics ----

export function parseMetrics(text) {
  const series = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const m = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
    assert.ok(m, `not a line of Prometheus' format: ${line}`);
    const labels = {};
    for (const [, k, v] of (m[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) labels[k] = v;
    series.push({ name: m[1], labels, value: Number(m[3]) });
  }
  return series;
}

export function sum(series, name, labels = {}) {
  return series
    .filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))
    .reduce((total, s) => total + s.value, 0);
}

// ---- requests ----

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const agent = new http.Agent({ keepAlive: false });

/** One request, the whole answer. `body`: an object becomes JSON, anything else goes as it is. */
export function ask(origin, method, path, body, { headers = {}, agent: by = agent } = {}) {
  const json = isObject(body) && !Buffer.isBuffer(body);
  const bytes = json ? Buffer.from(JSON.stringify(body)) : body === undefined ? null : Buffer.from(body);
  return new Promise((done, fail) => {
    const r = http.request(`${origin}${path}`, {
      method,
      agent: by,
      headers: {
        ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
        ...headers,
      },
    });
    r.on('error', fail);
    r.on('response', (m) => {
      const pieces = [];
      m.on('data', (d) => pieces.push(d));
      m.on('error', fail);
      m.on('end', () => done(answer(m, Buffer.concat(pieces))));
    });
    r.end(bytes);
  });
}

function answer(m, bytes) {
  return {
    status: m.statusCode,
    headers: m.headers,
    bytes,
    get text() {
      return bytes.toString('utf8');
    },
    get json() {
      return JSON.parse(bytes.toString('utf8'));
    },
  };
}

export const question = (model, more = {}) => ({
  model,
  messages: [{ role: 'user', content: 'Where does the caravan rest tonight?' }],
  ...more,
});

export const chat = (gw, model, more = {}, options) =>
  ask(gw.origin, 'POST', '/v1/chat/completions', question(model, more), options);

/** A streamed chat, read to its end: the events with their times, the text, how it ended. */
export async function chatStream(gw, model, more = {}, options = {}) {
  const body = JSON.stringify(question(model, { stream: true, ...more }));
  return readStream(gw.origin, '/v1/chat/completions', body, options);
}

export function readStream(origin, path, body, { headers = {}, agent: by = agent } = {}) {
  return new Promise((done, fail) => {
    const started = Date.now();
    const r = http.request(`${origin}${path}`, {
      method: 'POST',
      agent: by,
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...headers },
    });
    r.on('error', fail);
    r.on('response', (m) => {
      const pieces = [];
      const reads = [];
      m.on('data', (d) => {
        pieces.push(d);
        reads.push({ at: Date.now() - started, bytes: d.length, text: d.toString('utf8') });
      });
      const over = (complete) => {
        const whole = answer(m, Buffer.concat(pieces));
        whole.reads = reads;
        whole.complete = complete;
        Object.assign(whole, digest(whole.text));
        done(whole);
      };
      m.on('end', () => over(m.complete));
      m.on('error', () => over(false));
    });
    r.end(body);
  });
}

// A parser of event streams of our own, after the HTML standard: what the program sends is judged
// by it, byte for byte, and by the official SDKs elsewhere.
export function parseEvents(text) {
  const events = [];
  const comments = [];
  let data = [];
  let name = '';
  const lines = text.split(/\r\n|\n|\r/);
  const rest = lines.pop();
  for (const line of lines) {
    if (line === '') {
      if (data.length) events.push({ name, data: data.join('\n') });
      data = [];
      name = '';
    } else if (line.startsWith(':')) {
      comments.push(line.slice(1).trim());
    } else {
      const [, field, , value] = /^([^:]*)(: ?)?(.*)$/s.exec(line);
      if (field === 'data') data.push(value ?? '');
      else if (field === 'event') name = value ?? '';
    }
  }
  return { events, comments, unfinished: rest !== '' || data.length > 0 };
}

/** What a client understands of a chat (or completions) stream. */
export function digest(text) {
  const { events, comments, unfinished } = parseEvents(text);
  const chunks = [];
  const errors = [];
  let done = 0;
  let said = '';
  let finish = null;
  let usage = null;
  for (const e of events) {
    if (e.data === '[DONE]') {
      done++;
      continue;
    }
    const chunk = JSON.parse(e.data);
    if (chunk.error) {
      errors.push(chunk.error);
      continue;
    }
    chunks.push(chunk);
    for (const c of chunk.choices ?? []) {
      said += c.delta?.content ?? c.text ?? '';
      finish = c.finish_reason ?? finish;
    }
    usage = chunk.usage ?? usage;
  }
  return { events, comments, unfinished, chunks, errors, done, said, finish, usage };
}

// ---- sockets ----

/** A raw connection: bytes out, everything that came back in `text`. */
export class Raw {
  static async to(port, options = {}) {
    const raw = new Raw();
    raw.bytes = [];
    raw.ended = false;
    raw.socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true, ...options });
    raw.socket.on('data', (d) => raw.bytes.push(d));
    raw.closed = new Promise((done) => {
      raw.socket.on('end', () => done((raw.ended = true)));
      raw.socket.on('close', () => done((raw.ended = true)));
      raw.socket.on('error', (e) => done((raw.error = e), (raw.ended = true)));
    });
    await new Promise((done, fail) => raw.socket.once('connect', done).once('error', fail));
    return raw;
  }

  get text() {
    return Buffer.concat(this.bytes).toString('latin1');
  }

  send(bytes) {
    return new Promise((done) => this.socket.write(bytes, done));
  }

  post(path, body, headers = '') {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.send(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\n${headers}\r\n${text}`);
  }

  has(pattern, ms) {
    return eventually(() => pattern.test(this.text), `${pattern} in an answer (${this.text.slice(0, 300)})`, ms);
  }

  /** Until the peer has closed. */
  async end(ms = 5000) {
    await eventually(() => this.ended, `the end of a connection (${this.text.slice(0, 300)})`, ms);
    return this.text;
  }

  fin() {
    this.socket.end();
  }

  rst() {
    this.socket.resetAndDestroy();
  }

  close() {
    this.socket.destroy();
  }
}

/** An upstream of our own, for what the simulator does not do. `serve(request, response, body)`. */
export class Upstream {
  static async start(serve, { tls } = {}) {
    const u = new Upstream();
    u.asked = [];
    u.sockets = new Set();
    const handler = (request, response) => {
      const pieces = [];
      request.on('data', (d) => pieces.push(d));
      request.on('error', () => {});
      request.on('end', () => {
        const body = Buffer.concat(pieces);
        u.asked.push({
          at: Date.now(), method: request.method, url: request.url,
          headers: request.headers, rawHeaders: request.rawHeaders, body,
        });
        serve(request, response, body, u.asked.length);
      });
    };
    const { createServer } = tls ? await import('node:https') : http;
    u.server = tls ? createServer(tls, handler) : createServer({ keepAliveTimeout: 60_000 }, handler);
    return u.listen(tls ? 'https' : 'http');
  }

  /** Only TCP: `each(socket)` does what it likes. */
  static async tcp(each) {
    const u = new Upstream();
    u.sockets = new Set();
    u.server = net.createServer({ allowHalfOpen: true }, (s) => {
      s.on('error', () => {});
      each(s);
    });
    return u.listen('http');
  }

  async listen(scheme) {
    this.server.on('connection', (s) => {
      this.sockets.add(s);
      s.on('close', () => this.sockets.delete(s));
    });
    await new Promise((done) => this.server.listen(0, '127.0.0.1', done));
    this.port = this.server.address().port;
    this.origin = `${scheme}://127.0.0.1:${this.port}`;
    this.url = `${this.origin}/v1`;
    return this;
  }

  async stop() {
    for (const s of this.sockets) s.destroy();
    await new Promise((done) => this.server.close(done));
  }
}

export function reply(response, status, body, headers = {}) {
  const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? Buffer.from(body) : Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

export const completion = (content, more = {}) => ({
  id: 'chatcmpl-own', object: 'chat.completion', created: 1, model: 'own',
  choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  ...more,
});

/** How the simulator cuts a stream amid its content, and the code that its client hears. */
export const cuts = [
  ['cut-fin', 'upstream_stream_truncated'],
  ['cut-rst', 'upstream_stream_truncated'],
  ['cut-chunk', 'upstream_stream_truncated'],
  ['done-without-finish', 'upstream_stream_truncated'],
  ['n-tokens-then-silence', 'upstream_timeout'],
];

/** A port nobody listens on. */
export async function deadPort() {
  const s = net.createServer();
  await new Promise((done) => s.listen(0, '127.0.0.1', done));
  const { port } = s.address();
  await new Promise((done) => s.close(done));
  return port;
}
