// Ten thousand requests over 60 / 30 / 10 while everything goes wrong at once: one target is out of
// breath, one breaks its answers off, one is dead. Whatever happens, each request gets one answer, the
// upstreams are not flooded, and nothing is left behind.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, test } from 'node:test';
import { Upstream, ask, deadPort, eventually, pair, question, readStream, sleep, slow, sum } from './harness.mjs';

const REQUESTS = slow > 1 ? 3000 : 10_000;
const WIDTH = 48;
const ATTEMPTS = 4;

const dead = await deadPort();
const t = await pair({
  log: { level: 'info' },
  retry: { attempts: ATTEMPTS, initial: '20ms', max: '500ms', jitter: '20ms', target_rest: '300ms' },
  timeouts: { total: '20s' },
  providers: { dead: { base_url: `http://127.0.0.1:${dead}/v1` } },
  models: {
    chat: {
      strategy: 'weighted',
      targets: [
        { provider: 'sim', model: 'sim?retry-after-int,ra=1s,p=0.5,tokens=8,tag=breathless', weight: 60 },
        { provider: 'sim', model: 'sim?cut-rst,after=2,p=0.3,tokens=8,tag=cutting', weight: 30 },
        { provider: 'dead', model: 'm', weight: 10 },
      ],
      fallbacks: ['spare'],
    },
    spare: { targets: ['sim/sim?tokens=8,tag=healthy'] },
  },
});
const agent = new http.Agent({ keepAlive: true, maxSockets: WIDTH });
after(async () => {
  agent.destroy();
  await t.stop();
});

test('chaos: every request is answered once, no more attempts than allowed, nothing left behind', async (c) => {
  await ask(t.gw.origin, 'POST', '/v1/chat/completions', question('spare')); // everything is loaded
  await sleep(200);
  const descriptors = t.gw.descriptors();
  const outcomes = {};
  const count = (name) => (outcomes[name] = (outcomes[name] ?? 0) + 1);
  let attempts = 0;
  let left = REQUESTS;

  async function one(i) {
    const stream = i % 2 === 0;
    const text = JSON.stringify(question('chat', { stream }));
    const r = await readStream(t.gw.origin, '/v1/chat/completions', text, { agent });
    assert.ok(r.complete, 'the answer is whole');
    const tried = Number(r.headers['x-dragoman-attempts']);
    assert.ok(tried >= 1 && tried <= ATTEMPTS, `${tried} attempts`);
    attempts += tried;
    if (r.status !== 200) {
      assert.ok(r.json.error.code.startsWith('upstream_'), r.text);
      return count(`${r.status}`);
    }
    if (!stream) {
      assert.equal(r.json.choices[0].finish_reason, 'stop');
      return count('good');
    }
    assert.equal(r.done + r.errors.length, 1, r.text);
    if (r.done) assert.equal(r.finish, 'stop');
    else assert.equal(r.finish, null);
    return count(r.done ? 'good' : 'cut, and told so');
  }

  await Promise.all(Array.from({ length: WIDTH }, async () => {
    while (left > 0) await one(left--);
  }));

  const answered = Object.values(outcomes).reduce((a, b) => a + b, 0);
  c.diagnostic(`${REQUESTS} requests: ${(100 * (outcomes.good ?? 0) / REQUESTS).toFixed(2)} % good, ` +
    `${(attempts / REQUESTS).toFixed(3)} upstream attempts a request; ${JSON.stringify(outcomes)}`);
  assert.equal(answered, REQUESTS);
  // What is left are streams that were cut after their first content: nobody can take those back.
  const refused = answered - (outcomes.good ?? 0) - (outcomes['cut, and told so'] ?? 0);
  assert.ok(refused <= REQUESTS * 0.001, `${refused} requests were refused although a healthy target was there`);
  assert.ok(outcomes.good >= REQUESTS * 0.85);

  await t.gw.idle();
  const metrics = await t.gw.metrics();
  assert.equal(sum(metrics, 'dragoman_requests_total', { surface: 'chat' }), REQUESTS + 1);
  assert.equal(sum(metrics, 'api_call_duration_seconds_count'), attempts + 1, 'each attempt is counted once');
  await eventually(() => t.gw.access.length === REQUESTS + 1, 'a line for each request', 10_000);
  assert.ok(t.gw.access.every((l) => l.calls <= ATTEMPTS));
  assert.equal(t.gw.access.reduce((n, l) => n + l.calls, 0), attempts + 1);

  agent.destroy();
  await eventually(async () => (await t.gw.metric('dragoman_client_connections')) === 0, 'no client connected', 8000);
  // The gauges are sampled once a second, so a look may find the one before.
  await eventually(async () => {
    const pooled = await t.gw.metric('dragoman_upstream_connections', { state: 'idle' });
    return t.gw.descriptors() <= descriptors + pooled + 2;
  }, `descriptors are as before (${descriptors}) but for pooled connections`, 10_000);
});

test('chaos: clients that leave at any moment, upstreams that fail at any moment', async () => {
  const flaky = await Upstream.start((q, a) => {
    const fate = Math.random();
    if (fate < 0.2) return q.socket.destroy();
    if (fate < 0.3) return q.socket.resetAndDestroy();
    if (fate < 0.4) return a.writeHead(503).end();
    a.writeHead(200, { 'content-type': 'text/event-stream' });
    const event = (delta, finish) => `data: ${JSON.stringify({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    a.write(event({ role: 'assistant', content: '' }, null));
    let n = 0;
    const timer = setInterval(() => {
      if (Math.random() < 0.05) return clearInterval(timer), q.socket.destroy();
      a.write(event({ content: `word ${n} ` }, null));
      if (++n > 6) (clearInterval(timer), a.end(`${event({}, 'stop')}data: [DONE]\n\n`));
    }, 5);
    a.on('close', () => clearInterval(timer));
    return undefined;
  });
  const two = await pair({ providers: { flaky: { base_url: flaky.url } }, retry: { attempts: 3, initial: '5ms', target_rest: '0' } });
  const { Raw } = await import('./harness.mjs');
  try {
    await Promise.all(Array.from({ length: 24 }, async () => {
      for (let i = 0; i < 40; i++) {
        const client = await Raw.to(two.gw.port);
        await client.post('/v1/chat/completions', question('flaky/m', { stream: true }));
        await sleep(Math.random() * 40);
        client[['fin', 'rst', 'close'][i % 3]]();
        if (i % 3 === 0) client.close();
      }
    }));
    await two.gw.idle();
    assert.equal((await two.gw.metric('dragoman_requests_total', { surface: 'chat' })), 960);
    two.gw.assertHealthy();
  } finally {
    await two.stop();
    await flaky.stop();
  }
});
