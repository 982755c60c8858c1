// Every other /v1 path is relayed to one provider: byte for byte, both ways, at the pace of the slower.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import OpenAI, { toFile } from 'openai';
import { Gateway, Raw, Upstream, ask, chat, eventually, pair, reply, sha256, sleep, slow } from './harness.mjs';
import { readFileSync } from 'node:fs';

let serve = (q, a) => reply(a, 200, { ok: true });
const own = await Upstream.start((q, a, body) => serve(q, a, body));
const t = await pair({
  providers: { own: { base_url: own.url, keys: ['sk-own'] } },
  models: { alias: { targets: ['own/gpt-r'] } },
});
const single = await Gateway.start({ threads: 1, providers: { sim: { base_url: t.sim.url, keys: ['sk-only'] } } });
after(async () => {
  await single.stop();
  await t.stop();
  await own.stop();
});

const to = (provider) => ({ headers: { 'x-dragoman-provider': provider, 'content-type': 'application/octet-stream' } });

test('relay: method, path, query and body go as they came; the credential is ours', async () => {
  const bytes = randomBytes(100_000);
  for (const [method, path] of [['POST', '/v1/files'], ['POST', '/v1/responses'], ['PUT', '/v1/x/y'], ['PATCH', '/v1/x?a=1&b=%20&c'], ['DELETE', '/v1/files/file-1?x'], ['GET', '/v1/batches?limit=2&after=x']]) {
    const body = ['GET', 'DELETE'].includes(method) ? undefined : bytes;
    const r = await ask(t.gw.origin, method, path, body, {
      headers: { ...to('own').headers, authorization: 'Bearer client', 'openai-beta': 'x', accept: 'image/png', 'accept-encoding': 'br' },
    });
    assert.equal(r.status, 200, r.text);
    const got = own.asked.at(-1);
    assert.equal(got.method, method);
    assert.equal(got.url, path);
    assert.ok(got.body.equals(body ?? Buffer.alloc(0)));
    assert.equal(got.headers.authorization, 'Bearer sk-own');
    assert.equal(got.headers['openai-beta'], 'x');
    assert.equal(got.headers.accept, 'image/png');
    assert.equal(got.headers['accept-encoding'], 'br');
    assert.equal(got.headers['x-dragoman-provider'], undefined);
    if (body) assert.equal(got.headers['content-type'], 'application/octet-stream');
    if (body) assert.equal(got.headers['content-length'], '100000');
  }
});

test('relay: status, fields and bytes come back as they came', async () => {
  const bytes = randomBytes(200_000);
  for (const [status, headers] of [[200, { 'content-type': 'audio/mpeg', 'x-vendor': '1' }], [404, { 'content-type': 'text/html' }],
    [429, { 'content-type': 'application/json', 'retry-after': '7' }], [500, { 'content-type': 'text/plain' }], [302, { location: '/v1/elsewhere' }]]) {
    const calls = own.asked.length;
    serve = (q, a) => reply(a, status, bytes, headers);
    const r = await ask(t.gw.origin, 'POST', '/v1/images/edits', 'x', to('own'));
    assert.equal(r.status, status);
    assert.ok(r.bytes.equals(bytes));
    for (const [k, v] of Object.entries(headers)) assert.equal(r.headers[k], v);
    assert.equal(own.asked.length, calls + 1, 'one try: what it did is not known');
  }
  serve = (q, a) => reply(a, 204, '');
  assert.equal((await ask(t.gw.origin, 'DELETE', '/v1/files/x', undefined, to('own'))).status, 204);
});

test('R64 relay: a compressed answer stays compressed, and says so', async () => {
  const packed = gzipSync('a'.repeat(10_000));
  serve = (q, a) => reply(a, 200, packed, { 'content-encoding': 'gzip' });
  const r = await ask(t.gw.origin, 'GET', '/v1/anything', undefined, to('own'));
  assert.equal(r.headers['content-encoding'], 'gzip');
  assert.equal(Number(r.headers['content-length']), packed.length);
  assert.ok(r.bytes.equals(packed));
});

test('relay: the provider by header, by model, or because there is one', async () => {
  serve = (q, a) => reply(a, 200, { ok: true });
  const asked = (body, headers = {}) => ask(t.gw.origin, 'POST', '/v1/moderations', Buffer.from(body), { headers });
  assert.equal((await asked('{"input":"x","model":"alias","n":1.0}')).status, 200);
  assert.equal(own.asked.at(-1).body.toString(), '{"input":"x","model":"gpt-r","n":1.0}');
  assert.equal((await asked('{"model":"own/gpt-z" , "input":1e3}')).status, 200);
  assert.equal(own.asked.at(-1).body.toString(), '{"model":"gpt-z" , "input":1e3}');
  assert.equal((await asked('{"model":"whatever"}', { 'x-dragoman-provider': 'own' })).status, 200);
  assert.equal(own.asked.at(-1).body.toString(), '{"model":"whatever"}', 'with the header not a byte is changed');
  const r = await ask(single.origin, 'POST', '/v1/moderations', Buffer.from('{"model":"gpt-1"}'));
  assert.equal(r.json.object, 'sim.echo', r.text);
  assert.equal(r.json.body_sha256, sha256('{"model":"gpt-1"}'));
});

test('relay: who cannot be found out is asked for by name', async () => {
  for (const [path, body, headers, status] of [
    ['/v1/files', 'x', { 'content-type': 'text/plain' }, 400],
    ['/v1/files', 'x', to('nobody').headers, 400],
    ['/v1/moderations', '{"model":"nobody/x"}', {}, 404],
    ['/v1/moderations', '{"input":"x"}', {}, 400],
    ['/v1/moderations', '{"model":', {}, 400],
  ]) {
    const r = await ask(t.gw.origin, 'POST', path, Buffer.from(body), { headers });
    assert.equal(r.status, status, `${path} ${body}: ${r.text}`);
    assert.ok(r.json.error.message);
  }
});

test('relay: an upload of the official SDK arrives whole', async () => {
  const content = randomBytes(500_000);
  let got;
  serve = (q, a, body) => {
    got = { body, type: q.headers['content-type'] };
    reply(a, 200, { id: 'file-1', object: 'file', bytes: content.length, created_at: 1, filename: 'a.jsonl', purpose: 'batch', status: 'processed' });
  };
  const client = new OpenAI({ baseURL: t.gw.url, apiKey: 'none', maxRetries: 0, defaultHeaders: { 'x-dragoman-provider': 'own' } });
  const f = await client.files.create({ file: await toFile(content, 'a.jsonl'), purpose: 'batch' });
  assert.equal(f.id, 'file-1');
  assert.match(got.type, /^multipart\/form-data; boundary=/);
  assert.ok(got.body.includes(content));
  const { boundary } = /boundary=(?<boundary>.*)$/.exec(got.type).groups;
  assert.ok(got.body.toString('latin1').endsWith(`--${boundary}--\r\n`) || got.body.toString('latin1').endsWith(`--${boundary}--`));
});

test('relay: a streamed answer comes piece by piece', async () => {
  serve = (q, a) => {
    a.writeHead(200, { 'content-type': 'text/event-stream' });
    let n = 0;
    const timer = setInterval(() => {
      a.write(`event: response.output_text.delta\ndata: {"n":${n}}\n\n`);
      if (++n === 4) (clearInterval(timer), a.end());
    }, 150);
  };
  const client = await Raw.to(t.gw.port);
  const reads = [];
  client.socket.on('data', (d) => /"n":/.test(d) && reads.push(Date.now()));
  await client.post('/v1/moderations', { model: 'own/m', stream: true });
  await eventually(() => reads.length >= 4, 'four pieces');
  assert.equal(reads.length, 4);
  assert.ok(reads[3] - reads[0] > 300);
  client.close();
});

test('R20 relay: 30 MB both ways, byte for byte', async () => {
  const bytes = randomBytes(30 * 1024 * 1024);
  const r = await ask(single.origin, 'POST', '/v1/echo-body', bytes, { headers: { 'content-type': 'application/x-big' } });
  assert.equal(r.status, 200);
  assert.equal(sha256(r.bytes), sha256(bytes));
  assert.equal(r.headers['content-type'], 'application/x-big');
});

test('relay: chunked both ways, byte for byte', async () => {
  const pieces = Array.from({ length: 300 }, (_, i) => randomBytes(1 + (i * 37) % 5000));
  const got = await new Promise((done, fail) => {
    const r = http.request(`${single.origin}/v1/echo-body`, { method: 'POST', headers: { 'content-type': 'x/y' } }, (m) => {
      const all = [];
      m.on('data', (d) => all.push(d)).on('end', () => done(Buffer.concat(all))).on('error', fail);
    });
    r.on('error', fail);
    (async () => {
      for (const p of pieces) if (!r.write(p)) await new Promise((go) => r.once('drain', go));
      r.end();
    })();
  });
  assert.ok(got.equals(Buffer.concat(pieces)));
});

const memory = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

test('R19 relay: a client that does not read stops the upstream, not the gateway', async () => {
  const before = memory(single.pid);
  const client = await Raw.to(single.port);
  client.socket.pause();
  const total = 64 * 1024 * 1024 - 1;
  await client.send(`POST /v1/echo-body HTTP/1.1\r\nHost: x\r\nContent-Type: x/y\r\nContent-Length: ${total}\r\n\r\n`);
  const piece = randomBytes(1024 * 1024);
  let sent = 0;
  let stuck = false;
  while (sent < total && !stuck) {
    const n = Math.min(piece.length, total - sent);
    sent += n;
    if (!client.socket.write(piece.subarray(0, n)))
      stuck = !(await Promise.race([new Promise((go) => client.socket.once('drain', () => go(true))), sleep(700 * slow, false)]));
  }
  assert.ok(stuck, 'the upload is held back because nobody takes the echo');
  const grown = memory(single.pid) - before;
  assert.ok(grown < 24 * 1024 * 1024 * slow, `the gateway grew by ${grown} bytes`);
  assert.equal((await chat(single, 'sim/sim?tokens=2')).status, 200, 'others are served meanwhile');
  client.rst();
  await single.idle();
});

test('R1 relay: the client leaves in the middle of an upload, and of a download', async () => {
  const up = await Raw.to(single.port);
  await up.send('POST /v1/echo-body HTTP/1.1\r\nHost: x\r\nContent-Type: x/y\r\nContent-Length: 1000000\r\n\r\nhalf');
  await up.has(/HTTP\/1\.1 200/);
  up.rst();
  await single.idle();
  const left = (await t.sim.log()).filter((e) => e.path === '/v1/echo-body').at(-1);
  await eventually(async () => (await t.sim.log()).find((e) => e.seq === left.seq).peer_left, 'the upstream being left');
});

test('relay: an upstream that breaks off is seen to have broken off', async () => {
  serve = (q, a) => {
    a.writeHead(200, { 'content-type': 'x/y', 'content-length': 1000 });
    a.write('half', () => a.destroy());
  };
  await assert.rejects(ask(t.gw.origin, 'GET', '/v1/x', undefined, to('own')), /aborted|hang up|ECONNRESET/);
  serve = (q, a) => a.destroy();
  const r = await ask(t.gw.origin, 'GET', '/v1/x', undefined, to('own'));
  assert.equal(r.status, 502, r.text);
  assert.equal(r.json.error.code, 'upstream_reset');
});
