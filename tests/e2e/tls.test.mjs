// TLS on both sides: our own listener, upstreams with an authority of their own, and certificates that
// must not be believed.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { Gateway, Simulator, Upstream, completion, eventually, question, reply, temporaryFolder } from './harness.mjs';

const folder = temporaryFolder();
const openssl = (...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });

/** A self-signed certificate; what it vouches for is up to the caller. */
function certificate(name, ...more) {
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`,
    '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2', ...more);
  return { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
}
const ours = certificate('ours', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
const theirs = certificate('theirs', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost');
const stranger = certificate('stranger', '-addext', 'subjectAltName=DNS:elsewhere.example');

const upstream = await Simulator.start('--tls-cert', theirs.cert, '--tls-key', theirs.key);
const secure = `https://127.0.0.1:${upstream.port}/v1`;
const elsewhere = await Upstream.start((q, a) => reply(a, 200, completion('ok')),
  { tls: { cert: readFileSync(stranger.cert), key: readFileSync(stranger.key) } });
const old = await Upstream.start((q, a) => reply(a, 200, completion('ok')),
  { tls: { cert: readFileSync(theirs.cert), key: readFileSync(theirs.key), minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' } });
const plain = await Upstream.tcp((s) => s.once('data', () => s.end('HTTP/1.1 400 Bad Request\r\n\r\n')));

const gw = await Gateway.start({
  tls: { cert: ours.cert, key: ours.key },
  retry: { attempts: 2, initial: '10ms' },
  timeouts: { connect: '3s' },
  providers: {
    good: { base_url: secure, ca_file: theirs.cert },
    byname: { base_url: `https://localhost:${upstream.port}/v1`, ca_file: theirs.cert },
    unknown: { base_url: secure },
    mistaken: { base_url: secure, ca_file: ours.cert },
    misnamed: { base_url: elsewhere.url, ca_file: stranger.cert },
    careless: { base_url: elsewhere.url, insecure: true },
    old: { base_url: old.url, ca_file: theirs.cert },
    plain: { base_url: `https://127.0.0.1:${plain.port}/v1`, ca_file: theirs.cert },
  },
  models: { falls: { strategy: 'ordered', targets: ['unknown/sim', 'good/sim?tokens=3'] } },
});
after(async () => {
  await gw.stop();
  await upstream.stop();
  for (const u of [elsewhere, old, plain]) await u.stop();
});

const agent = new https.Agent({ ca: readFileSync(ours.cert), keepAlive: true });
after(() => agent.destroy());

function ask(model, more = {}) {
  const body = JSON.stringify(question(model, more));
  return new Promise((done, fail) => {
    const r = https.request(`${gw.origin}/v1/chat/completions`, {
      method: 'POST', agent, headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    }, (m) => {
      let text = '';
      m.setEncoding('utf8').on('data', (d) => (text += d)).on('end', () => done({ status: m.statusCode, headers: m.headers, text })).on('error', fail);
    });
    r.on('error', fail);
    r.end(body);
  });
}

test('TLS towards the client and towards the upstream, whole and streamed', async () => {
  for (let i = 0; i < 5; i++) {
    assert.equal((await ask('good/sim?tokens=5')).status, 200);
    const r = await ask('good/sim?tokens=50', { stream: true });
    assert.match(r.text, /data: \[DONE\]\n\n$/);
  }
  assert.equal((await ask('byname/sim?tokens=5')).status, 200);
});

test('large bodies both ways over TLS', async () => {
  const r = await ask('good/sim?tokens=2,size=2000000', { user: 'x'.repeat(5_000_000) });
  assert.equal(r.status, 200);
  assert.ok(r.text.length > 4_000_000);
});

for (const [provider, why] of [
  ['unknown', 'an authority nobody knows'], ['mistaken', 'the wrong authority'], ['misnamed', 'another name'],
  ['old', 'TLS 1.1'], ['plain', 'no TLS at all'],
]) {
  test(`an upstream with ${why} is not believed`, async () => {
    const r = await ask(`${provider}/sim`);
    assert.equal(r.status, 502, r.text);
    assert.equal(JSON.parse(r.text).error.code, 'upstream_tls_failed');
  });
}

test('not to verify is possible, and warned of', async () => {
  assert.equal((await ask('careless/m')).status, 200);
  assert.match(gw.stderr, /WARN.*careless.*insecure/);
});

test('a certificate that is not believed falls back', async () => {
  assert.equal((await ask('falls')).headers['x-dragoman-target'], 'good/sim?tokens=3');
});

test('our listener: TLS 1.2 and 1.3, nothing older, and http/1.1 by ALPN', async () => {
  const shake = (options) => new Promise((done) => {
    const s = tls.connect({ port: gw.port, host: '127.0.0.1', ca: readFileSync(ours.cert), ...options });
    s.once('secureConnect', () => (done({ version: s.getProtocol(), alpn: s.alpnProtocol }), s.destroy()));
    s.once('error', (e) => done(e));
  });
  assert.equal((await shake({ maxVersion: 'TLSv1.2' })).version, 'TLSv1.2');
  assert.equal((await shake({})).version, 'TLSv1.3');
  assert.equal((await shake({ ALPNProtocols: ['h2', 'http/1.1'] })).alpn, 'http/1.1');
  assert.ok((await shake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' })) instanceof Error);
});

test('R1 the client leaves over TLS: the upstream is left, too', async () => {
  const model = 'sim?tokens=1000,gap=40ms,tag=tls-left';
  const s = tls.connect({ port: gw.port, host: '127.0.0.1', ca: readFileSync(ours.cert) });
  const body = JSON.stringify(question(`good/${model}`, { stream: true }));
  s.write(`POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await new Promise((done) => s.once('data', done));
  s.destroy();
  await eventually(async () => {
    const log = await logOf(model);
    return log.length === 1 && log[0].peer_left;
  }, 'the upstream being left', 2000);
  await gw.idle();
});

const theirAgent = new https.Agent({ ca: readFileSync(theirs.cert) });
function logOf(model) {
  return new Promise((done, fail) => {
    https.get(`https://127.0.0.1:${upstream.port}/sim/log?model=${encodeURIComponent(model)}`, { agent: theirAgent }, (m) => {
      let text = '';
      m.on('data', (d) => (text += d)).on('end', () => done(JSON.parse(text)));
    }).on('error', fail);
  });
}

test('plain HTTP on the TLS port, and half a handshake, harm nobody', async () => {
  const { Raw } = await import('./harness.mjs');
  const c = await Raw.to(gw.port);
  await c.send('GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n');
  await c.end();
  c.close();
  const half = await Raw.to(gw.port);
  await half.send(Buffer.from('16030100c8', 'hex'));
  half.rst();
  assert.equal((await ask('good/sim?tokens=2')).status, 200);
});

test('a certificate that cannot be read stops the start, and is named', async () => {
  await assert.rejects(Gateway.start({ tls: { cert: '/nowhere.pem', key: ours.key }, providers: { x: { base_url: secure } } }), /nowhere\.pem/);
  await assert.rejects(Gateway.start({ tls: { cert: ours.cert, key: theirs.key }, providers: { x: { base_url: secure } } }), /ended with/);
  await assert.rejects(Gateway.start({ providers: { x: { base_url: secure, ca_file: '/nowhere.pem' } } }), /nowhere\.pem/);
});

