// R59, R60: metrics that stay bounded whatever clients send, and add up; probes that cost nothing;
// one line for each request.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import { Raw, ask, chat, chatStream, pair, question, readStream, slow, sum } from './harness.mjs';

const t = await pair({
  models: { alias: { strategy: 'ordered', targets: ['sim/sim?500,tag=first', 'sim/sim?tokens=6,tag=second'] } },
  retry: { initial: '10ms' },
});
after(() => t.stop());
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
after(() => agent.destroy());

const some = async (n, width, each) => {
  let i = 0;
  await Promise.all(Array.from({ length: width }, async () => {
    while (i < n) await each(i++);
  }));
};

test('R59 ten thousand junk models and headers leave the number of series alone', async () => {
  // Everything that may be counted has been, once: also the outcomes that junk has.
  await chat(t.gw, 'alias');
  await chat(t.gw, 'junk');
  await chat(t.gw, 'sim/sim?404');
  await ask(t.gw.origin, 'GET', '/v1/models/junk');
  await ask(t.gw.origin, 'GET', '/junk');
  const series = async () => (await t.gw.metrics()).map((s) => `${s.name}${JSON.stringify(s.labels)}`).sort();
  const before = await series();
  await some(10_000, 32, (i) => {
    const junk = `junk-${i}-${Math.random()}`;
    const path = ['/v1/chat/completions', '/v1/chat/completions', `/v1/models/${junk}`, `/${junk}`, '/v1/chat/completions'][i % 5];
    const body = [question(junk), question(`${junk}/x`), undefined, undefined, question(`sim/sim?404,tag=${junk}`)][i % 5];
    return ask(t.gw.origin, body ? 'POST' : 'GET', path, body, {
      agent, headers: { authorization: `Bearer ${junk}`, 'x-request-id': junk, 'x-dragoman-tags': junk },
    });
  });
  assert.deepEqual(await series(), before);
});

test('R59 requests and attempts add up over all threads', async () => {
  const before = await t.gw.metrics();
  await some(400, 16, () => readStream(t.gw.origin, '/v1/chat/completions',
    JSON.stringify(question('sim/sim?tokens=2', { stream: true })), { agent }));
  const now = await t.gw.metrics();
  const grew = (name, labels) => sum(now, name, labels) - sum(before, name, labels);
  assert.equal(grew('dragoman_requests_total'), 400);
  assert.equal(grew('dragoman_request_duration_seconds_count'), 400);
  assert.equal(grew('dragoman_overhead_seconds_count'), 400);
  assert.equal(grew('dragoman_time_to_first_token_seconds_count'), 400);
  assert.equal(grew('api_call_duration_seconds_count'), 400);
  assert.equal(grew('dragoman_tokens_total', { direction: 'completion' }), 800);
  assert.equal(grew('error_code_counter'), 0);
  assert.equal(sum(now, 'dragoman_in_flight'), 0);
});

test('R59 a request that the server refuses before it is whole is counted, too', async () => {
  const count = async () => sum(await t.gw.metrics(), 'dragoman_requests_total', { surface: 'other', outcome: 'invalid_request' });
  const before = await count();
  const raw = await Raw.to(t.gw.port);
  await raw.send('GET /v1/models HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n');
  assert.match(await raw.end(), /^HTTP\/1\.1 400 /);
  raw.close();
  assert.equal(await count(), before + 1);
});

test('R59 counters never fall, and buckets are cumulative', async () => {
  const before = await t.gw.metrics();
  await some(50, 8, (i) => chat(t.gw, i % 2 ? 'alias' : 'sim/sim?500'));
  const now = await t.gw.metrics();
  const gauge = /^dragoman_(in_flight|client_connections|upstream_connections)$/;
  for (const s of before.filter((x) => !gauge.test(x.name)))
    assert.ok(sum(now, s.name, s.labels) >= s.value, `${s.name} ${JSON.stringify(s.labels)}`);
  const buckets = now.filter((s) => s.name === 'dragoman_request_duration_seconds_bucket' && s.labels.surface === 'chat');
  assert.equal(buckets.at(-1).labels.le, '+Inf');
  buckets.reduce((low, s) => (assert.ok(s.value >= low), s.value), 0);
  assert.equal(buckets.at(-1).value, sum(now, 'dragoman_request_duration_seconds_count', { surface: 'chat' }));
});

test('R59 the exposition is well formed: HELP and TYPE once for each name, before its series', async () => {
  const { text, headers } = await ask(t.gw.admin, 'GET', '/metrics');
  assert.match(headers['content-type'], /^text\/plain; version=0\.0\.4/);
  const seen = new Set();
  let current = '';
  for (const line of text.trim().split('\n')) {
    const m = /^# (HELP|TYPE) (\S+)/.exec(line);
    if (m) {
      assert.ok(!seen.has(`${m[1]} ${m[2]}`), line);
      seen.add(`${m[1]} ${m[2]}`);
      current = m[2];
    } else {
      assert.ok(line.startsWith(current), line);
    }
  }
  for (const name of ['api_call_duration_seconds', 'error_code_counter', 'dragoman_requests_total', 'dragoman_request_duration_seconds',
    'dragoman_overhead_seconds', 'dragoman_time_to_first_token_seconds', 'dragoman_in_flight', 'dragoman_retries_total',
    'dragoman_fallbacks_total', 'dragoman_tokens_total', 'dragoman_upstream_connections'])
    assert.ok(seen.has(`TYPE ${name}`), name);
});

test('R59 time to first token is that of the first content, not of a head or a role', async () => {
  const labels = { model: 'alias' };
  const before = await t.gw.metric('dragoman_time_to_first_token_seconds_sum', { model: 'other' });
  await chatStream(t.gw, 'sim/sim?ttft=600ms,tokens=2');
  const took = (await t.gw.metric('dragoman_time_to_first_token_seconds_sum', { model: 'other' })) - before;
  assert.ok(took > 0.5 && took < 0.6 + slow, `${took} s`);
  assert.ok(labels);
});

test('R59 our own share is in a header, and does not grow with the upstream', async () => {
  const r = await chat(t.gw, 'sim/sim?ttft=400ms,tokens=2');
  const us = Number(r.headers['x-dragoman-overhead-us']);
  assert.ok(us > 0 && us < 100_000 * slow, `${us} us`);
});

test('a line for each request says who, what, how it went and what it cost', async () => {
  const r = await chatStream(t.gw, 'alias', {}, { headers: { 'x-request-id': 'the-line' } });
  assert.equal(r.headers['x-request-id'], 'the-line');
  const line = await t.gw.accessOf('the-line');
  assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(line.principal, '-');
  assert.equal(line.peer, '127.0.0.1');
  assert.equal(line.surface, 'chat');
  assert.equal(line.model, 'alias');
  assert.equal(line.status, 200);
  assert.equal(line.stream, true);
  assert.equal(line.tokens.completion, 6);
  assert.ok(line.tokens.prompt > 0);
  assert.ok(line.ttft_ms > 0 && line.total_ms >= line.ttft_ms);
  assert.ok(line.overhead_us > 0);
  assert.ok(line.bytes_in > 100);
  assert.ok(line.bytes_out > 500);
  assert.equal(line.calls, line.attempts.length);
  const last = line.attempts.at(-1);
  assert.equal(last.target, 'sim');
  assert.equal(last.status, 200);
  assert.equal(typeof last.ms, 'number');
});

test('R61 a line has a kilobyte at most, whatever the client sends, and stays JSON', async () => {
  for (const [id, nasty] of [['k', `x"\\\u0001${'é'.repeat(400)}`], ['l', '\u0001'.repeat(150)], ['m', `sim/sim?${'"'.repeat(300)}`]]) {
    const long = id.repeat(100);
    await chat(t.gw, nasty, {}, { headers: { 'x-request-id': long } });
    assert.ok(nasty.startsWith((await t.gw.accessOf(long)).model.slice(0, 10)));
  }
  // Whatever is left of the kilobyte when the list of attempts comes.
  for (let i = 1; i < 74; i++)
    await chat(t.gw, `sim/${'\u0001'.repeat(100)}`, {}, { headers: { 'x-request-id': '"'.repeat(i) } });
  await t.gw.accessOf('"'.repeat(73));
  for (const line of t.gw.stdout.split('\n')) assert.ok(Buffer.byteLength(line) <= 1024, line.slice(0, 100));
  const bad = await ask(t.gw.origin, 'GET', '/v1/models', undefined, { headers: { 'x-request-id': 'k'.repeat(500) } });
  assert.notEqual(bad.headers['x-request-id'], 'k'.repeat(500), 'an id of that length is not taken over');
});

test('R60 probes answer while the gateway is busy, and touch no upstream', async () => {
  const before = (await t.sim.log()).length;
  const load = some(300, 32, () => chatStream(t.gw, 'sim/sim?tokens=20,gap=5ms', {}, { agent }));
  const took = [];
  for (let i = 0; i < 40; i++) {
    for (const path of ['/livez', '/readyz']) {
      const start = Date.now();
      assert.equal((await ask(t.gw.admin, 'GET', path)).status, 200);
      took.push(Date.now() - start);
    }
  }
  await load;
  // How fast is for the benchmark to say: this process makes the load, too. Here: not behind it.
  took.sort((a, b) => a - b);
  assert.ok(took[took.length >> 1] < 250 * slow, `${took[took.length >> 1]} ms`);
  assert.equal((await t.sim.log()).length - before, 300);
});
