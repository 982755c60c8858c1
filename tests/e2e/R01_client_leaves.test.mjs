// R1: when the client leaves, by FIN or RST and wherever the request stands, the upstream is left
// within a second, nobody else is asked, and nothing stays counted as in flight.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, test } from 'node:test';
import { Raw, Upstream, eventually, pair, question, sleep, slow } from './harness.mjs';

const hang = await Upstream.tcp(() => {}); // takes the connection, never shakes hands
const t = await pair((sim) => ({
  retry: { initial: '30s', max: '30s', attempts: 5 },
  providers: { hang: { base_url: `https://127.0.0.1:${hang.port}/v1` } },
  models: { waits: { strategy: 'ordered', targets: [`sim/sim?503,tag=back-off`] } },
  timeouts: { connect: '60s' },
  stream: { keepalive: '0' },
}));
after(async () => {
  await t.stop();
  await hang.stop();
});

const WITHIN_MS = 1000 * slow;
let n = 0;
const tag = (script) => `sim?${script},tag=left-${++n}`;

/** Wait until the request is upstream, leave, and look at what the upstream saw. */
async function leave(how, script, more, isThere) {
  const model = tag(script);
  const client = await Raw.to(t.gw.port);
  await client.post('/v1/chat/completions', question(`sim/${model}`, more));
  await eventually(async () => (await t.sim.log(model)).length === 1, 'the request upstream');
  if (isThere) await client.has(isThere);
  const at = Date.now();
  client[how]();
  const entry = await eventually(async () => {
    const e = await t.sim.only(model);
    return e.peer_left && e;
  }, 'the upstream being left');
  assert.ok(entry.peer_left_ms - at <= WITHIN_MS, `left after ${entry.peer_left_ms - at} ms`);
  await t.gw.idle();
  await sleep(150);
  await t.sim.only(model); // nobody was asked again
  client.close();
}

for (const how of ['fin', 'rst']) {
  const name = how.toUpperCase();

  test(`R1 the client leaves (${name}) before the upstream connection is up`, async () => {
    const before = hang.sockets.size;
    const client = await Raw.to(t.gw.port);
    await client.post('/v1/chat/completions', question('hang/m'));
    await eventually(() => hang.sockets.size === before + 1, 'the connection upstream');
    const at = Date.now();
    client[how]();
    await eventually(() => hang.sockets.size === before, 'its end');
    assert.ok(Date.now() - at <= WITHIN_MS);
    await t.gw.idle();
    await sleep(150);
    assert.equal(hang.sockets.size, before);
    client.close();
  });

  test(`R1 the client leaves (${name}) while waiting for the first token`, () =>
    leave(how, 'silent', { stream: true }));

  test(`R1 the client leaves (${name}) between the head and the first token`, () =>
    leave(how, 'headers-then-silence', { stream: true }));

  test(`R1 the client leaves (${name}) in the middle of a stream`, () =>
    leave(how, 'tokens=1000,gap=40ms', { stream: true }, /"content":/));

  test(`R1 the client leaves (${name}) while waiting for a whole answer`, () =>
    leave(how, 'ttft=60s', {}));

  test(`R1 the client leaves (${name}) during a back-off: no further attempt`, async () => {
    const model = 'sim?503,tag=back-off';
    const asked = (await t.sim.log(model)).length;
    const client = await Raw.to(t.gw.port);
    await client.post('/v1/chat/completions', question('waits'));
    await eventually(async () => (await t.sim.log(model)).length === asked + 1, 'the first attempt');
    await sleep(100 * slow); // now it sleeps
    assert.equal(await t.gw.metric('dragoman_in_flight'), 1);
    client[how]();
    await t.gw.idle(1000);
    assert.equal((await t.sim.log(model)).length, asked + 1);
    client.close();
  });
}

test('R1 a client process that is killed in the middle of a stream', async () => {
  const model = tag('tokens=1000,gap=40ms');
  const client = spawn(process.execPath, ['-e', `
    const r = await fetch('${t.gw.url}/chat/completions', {
      method: 'POST', headers: {'content-type': 'application/json'},
      body: ${JSON.stringify(JSON.stringify(question(`sim/${model}`, { stream: true })))}});
    for await (const piece of r.body) process.stdout.write(piece);`, '--input-type=module'],
    { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((done, fail) => client.stdout.once('data', done).once('end', () => fail(new Error('no answer'))));
  const at = Date.now();
  client.kill('SIGKILL');
  const entry = await eventually(async () => {
    const e = await t.sim.only(model);
    return e.peer_left && e;
  }, 'the upstream being left');
  assert.ok(entry.peer_left_ms - at <= WITHIN_MS);
  await t.gw.idle();
});

test('R1 whoever left is in the access log as 499, once', async () => {
  const client = await Raw.to(t.gw.port);
  const model = tag('silent');
  await client.post('/v1/chat/completions', question(`sim/${model}`, { stream: true }), 'x-request-id: left-once\r\n');
  await eventually(async () => (await t.sim.log(model)).length === 1, 'the request upstream');
  client.rst();
  const line = await t.gw.accessOf('left-once');
  assert.equal(line.status, 499);
  assert.equal(line.outcome, 'client_closed_request');
  await sleep(100);
  assert.equal(t.gw.access.filter((l) => l.id === 'left-once').length, 1);
});

test('R1 a thousand departures leave no descriptor behind', async () => {
  const model = tag('tokens=1000,gap=20ms');
  await t.gw.idle();
  const before = t.gw.descriptors();
  for (let round = 0; round < 20; round++) {
    const clients = await Promise.all(Array.from({ length: 50 }, () => Raw.to(t.gw.port)));
    await Promise.all(clients.map((c) => c.post('/v1/chat/completions', question(`sim/${model}`, { stream: true }))));
    if (round % 2) await Promise.all(clients.map((c) => c.has(/"content":/)));
    clients.forEach((c, i) => c[i % 2 ? 'rst' : 'close']());
  }
  await t.gw.idle();
  await eventually(() => t.gw.descriptors() <= before + 4, 'descriptors back where they were');
  t.gw.assertHealthy();
});
