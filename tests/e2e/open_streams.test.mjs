// An open stream keeps only what its end needs, and its end is as if it had kept everything.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { Raw, chatStream, cuts, pair, question, slow } from './harness.mjs';

// Each event in a read of its own: a stream gives back what it can behind its first content.
const gap = 'gap=15ms';
const t = await pair({
  keys: [{ name: 'somebody', key: 'k-one-key' }],
  timeouts: { idle: '400ms' },
  models: {
    plain: { targets: [`sim/sim?${gap},tokens=6`] },
    second: { strategy: 'ordered', targets: ['sim/sim?503,tag=first', `sim/sim?cut-fin,after=3,${gap},tokens=9`] },
  },
});
after(() => t.stop());

const headers = (id, more = {}) => ({ headers: { authorization: 'Bearer k-one-key', 'x-request-id': id, ...more } });

test('the log line of a long stream tells what that of a short one does', async () => {
  const r = await chatStream(t.gw, 'plain', { stream_options: { include_usage: true } }, headers('long-1'));
  assert.equal(r.finish, 'stop');
  assert.equal(r.done, 1);
  assert.ok(r.usage.completion_tokens > 0);
  const line = await t.gw.accessOf('long-1');
  assert.equal(line.principal, 'somebody');
  assert.equal(line.model, 'plain');
  assert.equal(line.outcome, 'ok');
  assert.equal(line.stream, true);
  assert.equal(line.tokens.completion, r.usage.completion_tokens);
  assert.deepEqual(line.attempts.map(({ target, outcome, status }) => ({ target, outcome, status })),
    [{ target: 'sim', outcome: 'ok', status: 200 }]);
});

test('the attempts before the one that streams are still told', async () => {
  const r = await chatStream(t.gw, 'second', {}, headers('long-2'));
  assert.equal(r.errors[0].code, 'upstream_stream_truncated');
  assert.match(r.errors[0].message, /sim\/sim\?cut-fin/);
  const line = await t.gw.accessOf('long-2');
  assert.equal(line.calls, 2);
  assert.deepEqual(line.attempts.map(({ outcome, status }) => ({ outcome, status })),
    [{ outcome: 'upstream_overloaded', status: 503 }, { outcome: 'upstream_stream_truncated', status: 200 }]);
});

test('so are those of provider/model, whose target is the request\'s own', async () => {
  const r = await chatStream(t.gw, `sim/sim?503,flip=1,tokens=6,${gap}`, {}, headers('long-3'));
  assert.equal(r.done, 1);
  const line = await t.gw.accessOf('long-3');
  assert.deepEqual(line.attempts.map(({ target, outcome }) => ({ target, outcome })),
    [{ target: 'sim', outcome: 'upstream_overloaded' }, { target: 'sim', outcome: 'ok' }]);
});

for (const [fault, code] of cuts) {
  test(`R11 ${fault} late in a stream of provider/model is told with the target's name`, async () => {
    const model = `sim/sim?${fault},after=4,tokens=8,${gap}`;
    const r = await chatStream(t.gw, model, {}, headers(`late-${fault}`));
    assert.equal(r.errors.length, 1, r.text);
    assert.equal(r.errors[0].code, code);
    assert.ok(r.errors[0].message.includes(`sim/sim?${fault}`), r.errors[0].message);
    const line = await t.gw.accessOf(`late-${fault}`);
    assert.equal(line.model, model);
    assert.equal(line.outcome, code);
    assert.equal(line.attempts[0].target, 'sim');
  });
}

for (const style of ['tools-interleaved', 'tools-all-index-0', 'tools-no-index']) {
  test(`R8 ${style}: calls are well numbered across the moment a stream becomes light`, async () => {
    const fast = await chatStream(t.gw, `sim/sim?${style},calls=3,tag=fast`, {}, headers(`fast-${style}`));
    const r = await chatStream(t.gw, `sim/sim?${style},calls=3,${gap}`, {}, headers(`slow-${style}`));
    const deltas = (s) => s.chunks.flatMap((c) => c.choices[0]?.delta?.tool_calls ?? []).map((d) => [d.index, d.function]);
    assert.equal(r.finish, 'tool_calls');
    assert.ok(deltas(r).length > 3);
    assert.deepEqual(deltas(r), deltas(fast));
  });
}

test('R1 a client that leaves a long stream is told apart as ever', async () => {
  const left = await Raw.to(t.gw.port);
  await left.post('/v1/chat/completions', question(`sim/sim?tokens=1000,${gap}`, { stream: true }),
    'Authorization: Bearer k-one-key\r\nx-request-id: left-1\r\n');
  await left.has(/data: .*data: .*data: /s);
  left.rst();
  assert.equal((await t.gw.accessOf('left-1')).outcome, 'client_closed_request');
  await t.gw.idle();
});

// Resident memory says nothing of a sanitized program.
test('the heads and bodies of open streams are not kept', { skip: slow > 1 }, async () => {
  const m = await pair();
  const resident = () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${m.gw.pid}/status`, 'utf8'))[1]);
  const open = async () => {
    const c = await Raw.to(m.gw.port);
    await c.post('/v1/chat/completions', question('sim/sim?n-tokens-then-silence,after=2', { stream: true, user: 'u'.repeat(20_000) }),
      `x-filler: ${'f'.repeat(20_000)}\r\n`);
    await c.has(/"content":/);
    return c;
  };
  const streams = [await open()];
  const before = resident();
  while (streams.length < 100) streams.push(await open());
  const each = (resident() - before) / streams.length;
  streams.forEach((c) => c.close());
  assert.ok(each < 16, `${each} KiB for a stream`);
  await m.stop();
});
