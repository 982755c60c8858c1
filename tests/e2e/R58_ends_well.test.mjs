// R58b: SIGTERM: not ready first, then what runs is finished, and what takes too long hears why.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Gateway, Raw, Upstream, ask, chatStream, completion, digest, eventually, pair, question, reply, sleep, slow,
} from './harness.mjs';

test('R58b SIGTERM: readiness 503, new connections refused, running streams finished, then status 0', async () => {
  const t = await pair();
  const streams = Array.from({ length: 20 }, () => chatStream(t.gw, 'sim/sim?tokens=20,gap=60ms'));
  const idle = await Raw.to(t.gw.port);
  const ready = async () => (await ask(t.gw.admin, 'GET', '/readyz')).status;
  await eventually(async () => (await t.gw.metric('dragoman_in_flight')) === 20, 'twenty streams');
  assert.equal(await ready(), 200);
  t.gw.signal('SIGTERM');
  await eventually(async () => (await ready()) === 503, 'not ready');
  assert.equal((await ask(t.gw.admin, 'GET', '/livez')).status, 200, 'alive all the same');
  await idle.end();
  await eventually(async () => Raw.to(t.gw.port).then((c) => (c.close(), false), () => true), 'a closed listener');
  for (const r of await Promise.all(streams)) {
    assert.equal(r.finish, 'stop');
    assert.equal(r.done, 1);
    assert.equal(r.errors.length, 0);
  }
  assert.deepEqual(await t.gw.ends(), { code: 0, signal: null }, t.gw.stderr);
  await t.sim.stop();
});

test('R58b a second SIGTERM ends at once, and who still streams hears why', async () => {
  const t = await pair();
  const streaming = await Raw.to(t.gw.port);
  await streaming.post('/v1/chat/completions', question('sim/sim?tokens=10000,gap=50ms', { stream: true }));
  await streaming.has(/"content":/);
  const waiting = await Raw.to(t.gw.port);
  await waiting.post('/v1/chat/completions', question('sim/sim?ttft=60s'));
  await eventually(async () => (await t.gw.metric('dragoman_in_flight')) === 2, 'two requests');
  t.gw.signal('SIGTERM');
  await sleep(300);
  assert.equal(t.gw.exited, null, 'it drains');
  const start = Date.now();
  t.gw.signal('SIGTERM');
  assert.deepEqual(await t.gw.ends(), { code: 0, signal: null }, t.gw.stderr);
  assert.ok(Date.now() - start < 3000 * slow);
  await streaming.end();
  await waiting.end();
  const body = streaming.text.slice(streaming.text.indexOf('\r\n\r\n') + 4).replace(/^[0-9a-f]+\r\n|\r\n[0-9a-f]+\r\n/g, '');
  assert.match(body, /"code":"gateway_draining"/);
  assert.doesNotMatch(body, /\[DONE\]/);
  assert.match(waiting.text, /^HTTP\/1\.1 503 /);
  assert.match(waiting.text, /"code":"gateway_draining"/);
  assert.ok(digest);
  await t.sim.stop();
});

test('R58b SIGTERM: an answer that is written, but not taken yet, arrives whole', async () => {
  const long = completion('word '.repeat(4_000_000));
  const own = await Upstream.start((q, r) => reply(r, 200, long));
  const gw = await Gateway.start({ providers: { own: { dialect: 'openai', base_url: own.url } } });
  const client = await Raw.to(gw.port);
  client.socket.pause();
  await client.post('/v1/chat/completions', question('own/m'));
  await eventually(async () => (await gw.metric('dragoman_requests_total')) === 1, 'an answer');
  gw.signal('SIGTERM');
  await sleep(300);
  client.socket.resume();
  await client.end(10_000);
  assert.equal(client.error, undefined);
  const body = client.text.slice(client.text.indexOf('\r\n\r\n') + 4);
  assert.equal(body.length, JSON.stringify(long).length);
  assert.deepEqual(await gw.ends(), { code: 0, signal: null }, gw.stderr);
  await own.stop();
});

test('R58b what is relayed is seen to be cut, not ended with bytes of ours', async () => {
  const own = await Upstream.start((q, r) => {
    r.writeHead(200, { 'content-type': 'application/octet-stream' });
    r.write('the beginning');
  });
  const gw = await Gateway.start({ providers: { own: { dialect: 'openai', base_url: own.url } } });
  const client = await Raw.to(gw.port);
  await client.send('GET /v1/files/f/content HTTP/1.1\r\nHost: x\r\n\r\n');
  await client.has(/the beginning/);
  gw.signal('SIGTERM');
  await sleep(200);
  gw.signal('SIGTERM');
  await client.end();
  assert.doesNotMatch(client.text, /gateway_draining|\r\n0\r\n/);
  assert.deepEqual(await gw.ends(), { code: 0, signal: null }, gw.stderr);
  await own.stop();
});

test('R58b SIGHUP reopens the log and changes nothing else', async () => {
  const { mkdtempSync, readFileSync, renameSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  const { join } = await import('node:path');
  const folder = mkdtempSync(join(tmpdir(), 'dragoman-e2e-'));
  const file = join(folder, 'access.log');
  const t = await pair({ log: { access: file } });
  const asked = (id) => ask(t.gw.origin, 'GET', '/v1/models', undefined, { headers: { 'x-request-id': id } });
  await asked('before');
  await eventually(() => readFileSync(file, 'utf8').includes('before'), 'a line');
  renameSync(file, `${file}.1`);
  t.gw.signal('SIGHUP');
  await eventually(async () => {
    await asked('after');
    return readFileSync(file, 'utf8').includes('after');
  }, 'a line in the new file');
  assert.ok(readFileSync(`${file}.1`, 'utf8').includes('before'));
  await t.stop();
});
