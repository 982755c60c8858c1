// R9: five separate limits, each of which fires alone, and a slow but healthy drip that none cuts.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import net from 'node:net';
import { after, test } from 'node:test';
import { Gateway, Simulator, Upstream, chat, chatStream, slow } from './harness.mjs';

const SHORT = 500 * slow;
const LONG = '60s';
const long = { connect: LONG, headers: LONG, first_content: LONG, idle: LONG, total: '5m' };

const sim = await Simulator.start();
const hang = await Upstream.tcp(() => {});
const full = await fullBacklog();
/** One provider for each limit: that one short, the others far away. */
const provider = (limit, base_url = sim.url) => ({ base_url, timeouts: { ...long, [limit]: `${SHORT}ms` } });
const gw = await Gateway.start({
  retry: { attempts: 1 },
  stream: { keepalive: '0' },
  timeouts: long,
  providers: {
    'connect-tls': provider('connect', `https://127.0.0.1:${hang.port}/v1`),
    'connect-tcp': provider('connect', `http://127.0.0.1:${full.port}/v1`),
    headers: provider('headers'),
    first_content: provider('first_content'),
    idle: provider('idle'),
    total: provider('total'),
    all: { base_url: sim.url, timeouts: { connect: `${SHORT}ms`, headers: `${SHORT}ms`, first_content: `${SHORT}ms`, idle: `${SHORT}ms`, total: LONG } },
  },
});
after(async () => {
  await gw.stop();
  await sim.stop();
  await hang.stop();
  full.stop();
});

/** A listener that is never accepted from and whose backlog is full: connecting to it hangs. */
async function fullBacklog() {
  const child = spawn(process.execPath, ['-e', `
    const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
      process.stdout.write(String(s.address().port));
      setTimeout(() => process.kill(process.pid, 'SIGSTOP'), 50);
    });`], { stdio: ['ignore', 'pipe', 'inherit'] });
  process.once('exit', () => child.kill('SIGKILL'));
  const port = Number(await new Promise((done) => child.stdout.once('data', done)));
  const held = [];
  await new Promise((done) => setTimeout(done, 300));
  for (let hung = false; !hung && held.length < 32; ) {
    const s = net.connect({ port, host: '127.0.0.1' });
    s.on('error', () => {});
    held.push(s);
    hung = await new Promise((done) => {
      s.once('connect', () => done(false));
      setTimeout(() => done(true), 300);
    });
  }
  return {
    port,
    stop() {
      held.forEach((s) => s.destroy());
      child.kill('SIGKILL');
    },
  };
}

async function timed(run) {
  const start = Date.now();
  const r = await run();
  return { r, ms: Date.now() - start };
}

function assertTimedOut({ r, ms }, limit) {
  assert.equal(r.status, 504, r.text);
  assert.equal(r.json.error.code, 'upstream_timeout');
  assert.ok(r.json.error.message.includes(limit), r.json.error.message);
  assert.ok(ms >= SHORT - 20 && ms < SHORT + 1500 * slow, `after ${ms} ms`);
}

for (const stream of [true, false]) {
  const kind = stream ? 'streamed' : 'whole';

  test(`R9 connect fires on a handshake that hangs (${kind})`, async () =>
    assertTimedOut(await timed(() => chat(gw, 'connect-tls/m', { stream })), 'timeouts.connect'));

  test(`R9 connect fires on a connection that hangs (${kind})`, async () =>
    assertTimedOut(await timed(() => chat(gw, 'connect-tcp/m', { stream })), 'timeouts.connect'));
}

test('R9 headers fires on an upstream that never answers a stream', async () =>
  assertTimedOut(await timed(() => chat(gw, 'headers/sim?silent', { stream: true })), 'timeouts.headers'));

test('R9 first_content fires on a stream whose head came and whose content does not', async () =>
  assertTimedOut(await timed(() => chat(gw, 'first_content/sim?headers-then-silence', { stream: true })),
    'timeouts.first_content'));

test('R9 first_content fires on comments without end', async () => {
  const drip = await Upstream.start((q, a) => {
    a.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => a.write(': still here\n\n'), 50);
    a.on('close', () => clearInterval(timer));
  });
  const g = await Gateway.start({
    retry: { attempts: 1 },
    providers: { drip: { base_url: drip.url, timeouts: { ...long, first_content: `${SHORT}ms` } } },
  });
  try {
    assertTimedOut(await timed(() => chat(g, 'drip/m', { stream: true })), 'timeouts.first_content');
  } finally {
    await g.stop();
    await drip.stop();
  }
});

test('R9 idle fires on a silence between two events', async () => {
  const { r, ms } = await timed(() => chatStream(gw, 'idle/sim?n-tokens-then-silence,after=3'));
  assert.equal(r.status, 200);
  assert.equal(r.errors.length, 1);
  assert.equal(r.errors[0].code, 'upstream_timeout');
  assert.ok(r.errors[0].message.includes('timeouts.idle'), r.errors[0].message);
  assert.equal(r.done, 0);
  assert.ok(ms >= SHORT - 20 && ms < SHORT + 1500 * slow, `after ${ms} ms`);
});

test('R9 total fires on a stream that never ends', async () => {
  const { r, ms } = await timed(() => chatStream(gw, 'total/sim?tokens=100000,gap=50ms'));
  assert.equal(r.status, 200);
  assert.equal(r.errors.length, 1);
  assert.equal(r.errors[0].code, 'deadline_exceeded');
  assert.ok(r.said.length > 0);
  assert.equal(r.done, 0);
  assert.ok(ms >= SHORT - 20 && ms < SHORT + 1500 * slow, `after ${ms} ms`);
});

test('R9 total fires on a whole answer that does not come', async () => {
  const { r, ms } = await timed(() => chat(gw, 'total/sim?ttft=60s'));
  assert.equal(r.status, 504, r.text);
  assert.equal(r.json.error.code, 'deadline_exceeded');
  assert.ok(ms < SHORT + 1500 * slow, `after ${ms} ms`);
});

test('R9 a healthy drip far longer than every limit between its events is cut by none', async () => {
  const tokens = 16;
  const gap = SHORT / 2;
  const { r, ms } = await timed(() => chatStream(gw, `all/sim?tokens=${tokens},gap=${gap}ms`));
  assert.equal(r.errors.length, 0, r.text);
  assert.equal(r.finish, 'stop');
  assert.equal(r.done, 1);
  assert.ok(ms > SHORT * 5);
});
