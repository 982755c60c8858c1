// R54, R63: what is not plain HTTP/1.1 is refused and the connection closed; what belongs to this hop
// is not passed on to the next.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Raw, Upstream, ask, completion, eventually, pair, question, reply, sleep, slow } from './harness.mjs';

const own = await Upstream.start((q, a) =>
  reply(a, 200, completion('ok'), {
    'set-cookie': 'session=upstream', server: 'vendor/1', via: '1.1 vendor', 'x-kept': 'yes',
    'access-control-allow-origin': '*', 'x-dragoman-target': 'forged', 'x-request-id': 'forged',
    connection: 'x-hop', 'x-hop': '1', 'strict-transport-security': 'max-age=1', 'keep-alive': 'timeout=5',
  }));
const t = await pair({
  providers: { own: { base_url: own.url, keys: ['sk-own'] } },
  limits: { header: '600ms', body: '900ms', body_bytes: '64KiB', header_bytes: '16KiB', header_fields: 32 },
});
after(async () => {
  await t.stop();
  await own.stop();
});

const body = JSON.stringify(question('own/m'));
const head = (lines, line = 'POST /v1/chat/completions HTTP/1.1') => `${line}\r\nHost: x\r\n${lines}\r\n`;
const chunked = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n0\r\n\r\n`;
const length = `Content-Length: ${body.length}\r\n`;
// What a smuggler hides behind a request: it must never be answered.
const hidden = 'GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n';

/*  what                            bytes                                                         answers */
for (const [name, bytes, statuses] of [
  ['length and chunked',            head(`${length}Transfer-Encoding: chunked\r\n`) + chunked(body), [400]],
  ['chunked and length',            head(`Transfer-Encoding: chunked\r\n${length}`) + chunked(body), [400]],
  ['two lengths that differ',       head(`${length}Content-Length: 0\r\n`) + body,                [400]],
  ['two lengths alike',             head(length + length) + body,                                 [400]],
  ['a list of lengths',             head(`Content-Length: ${body.length}, ${body.length}\r\n`) + body, [400]],
  ['a negative length',             head('Content-Length: -1\r\n') + body,                        [400]],
  ['a length with a sign',          head(`Content-Length: +${body.length}\r\n`) + body,           [400]],
  ['a length in hexadecimal',       head('Content-Length: 0x10\r\n') + body,                      [400]],
  ['a length that overflows',       head('Content-Length: 99999999999999999999999\r\n') + body,   [400]],
  ['a length with a space in it',   head('Content-Length: 1 0\r\n') + body,                       [400]],
  ['an unknown encoding',           head('Transfer-Encoding: xchunked\r\n') + chunked(body),      [400, 501]],
  ['chunked twice',                 head('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n') + chunked(body), [400]],
  ['chunked, identity',             head('Transfer-Encoding: chunked, identity\r\n') + chunked(body), [400, 501]],
  ['identity',                      head('Transfer-Encoding: identity\r\n') + body,               [400, 501]],
  ['gzip, chunked',                 head('Transfer-Encoding: gzip, chunked\r\n') + chunked(body), [400, 501]],
  ['chunked behind a tab',          head('Transfer-Encoding:\tchunk\r\n') + chunked(body),        [400, 501]],
  ['chunked with a vertical tab',   head('Transfer-Encoding: \x0bchunked\r\n') + chunked(body),   [400, 501]],
  ['a space before the colon',      head(`Transfer-Encoding : chunked\r\n${length}`) + body,      [400]],
  ['a folded field',                head(`X: a\r\n b\r\n${length}`) + body,                       [400]],
  ['a folded encoding',             head('Transfer-Encoding:\r\n chunked\r\n') + chunked(body),   [400]],
  ['a bare LF after a field',       `POST /v1/chat/completions HTTP/1.1\r\nHost: x\nX: y\r\n${length}\r\n${body}`, [400]],
  ['bare LFs everywhere',           head(length).replaceAll('\r\n', '\n') + body,                 [400]],
  ['a bare CR in a value',          head(`X: a\rb\r\n${length}`) + body,                          [400]],
  ['a NUL in a value',              head(`X: a\0b\r\n${length}`) + body,                          [400]],
  ['a NUL in a name',               head(`X\0Y: a\r\n${length}`) + body,                          [400]],
  ['a field without a name',        head(`: a\r\n${length}`) + body,                              [400]],
  ['a field without a colon',       head(`nonsense\r\n${length}`) + body,                         [400]],
  ['a first line led by a space',   ` ${head(length)}${body}`,                                    [400]],
  ['no Host',                       `POST /v1/chat/completions HTTP/1.1\r\n${length}\r\n${body}`, [400]],
  ['a chunk size that overflows',   head('Transfer-Encoding: chunked\r\n') + `fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`, [400, 413]],
  ['a chunk size with a sign',      head('Transfer-Encoding: chunked\r\n') + `-5\r\n${body}\r\n0\r\n\r\n`, [400]],
  ['a chunk size of 0x form',       head('Transfer-Encoding: chunked\r\n') + `0x5\r\nhello\r\n0\r\n\r\n`, [400]],
  ['a chunk longer than it says',   head('Transfer-Encoding: chunked\r\n') + `3\r\n${body}\r\n0\r\n\r\n`, [400]],
  ['a chunk ended by LF',           head('Transfer-Encoding: chunked\r\n') + `${body.length.toString(16)}\n${body}\n0\n\n`, [400]],
  ['no number for a chunk',         head('Transfer-Encoding: chunked\r\n') + `hello\r\n${body}\r\n0\r\n\r\n`, [400]],
  ['HTTP/0.9',                      'GET /v1/models\r\n\r\n',                                     [400, 505]],
  ['HTTP/2.0 in words',             head(length, 'POST /v1/chat/completions HTTP/2.0') + body,    [400, 505]],
  ['HTTP/1.9',                      head(length, 'POST /v1/chat/completions HTTP/1.9') + body,    [400, 505]],
  ['encoding in HTTP/1.0',          head('Transfer-Encoding: chunked\r\n', 'POST /v1/chat/completions HTTP/1.0') + chunked(body), [400]],
  ['an HTTP/2 preface',             'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',                           [400, 505]],
  ['a TLS hello',                   Buffer.from('16030100c8010000c40303', 'hex').toString('latin1') + '\0'.repeat(50), [400]],
  ['not HTTP at all',               'hello there\r\n\r\n',                                        [400, 505]],
  ['an unknown expectation',        head(`Expect: 200-ok\r\n${length}`) + body,                   [417]],
]) {
  test(`R54 ${name}: ${statuses.join(' or ')}, and the connection closes`, async () => {
    const calls = own.asked.length;
    const c = await Raw.to(t.gw.port);
    await c.send(Buffer.from(bytes + hidden, 'latin1'));
    const text = await c.end();
    c.close();
    const m = /^HTTP\/1\.1 (\d{3}) /.exec(text);
    assert.ok(m, text.slice(0, 300));
    assert.ok(statuses.includes(Number(m[1])), text.slice(0, 300));
    assert.equal(text.match(/HTTP\/1\.1 \d{3}/g).length, 1, 'what was hidden is not answered');
    assert.match(text, /\r\nconnection: close\r\n/i);
    const { error } = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
    assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
    assert.equal(own.asked.length, calls, 'nothing went upstream');
  });
}

test('R54 a header of a megabyte: 431 that names the limit', async () => {
  const c = await Raw.to(t.gw.port);
  c.send(head(`X: ${'y'.repeat(1 << 20)}\r\n${length}`) + body);
  await c.has(/\r\n\r\n[^]*}/);
  assert.match(c.text, /^HTTP\/1\.1 431 /);
  assert.match(c.text, /limits\.header_bytes/);
  c.close();
});

test('R54 too many fields: 431 that names the limit', async () => {
  const c = await Raw.to(t.gw.port);
  c.send(head(`${Array.from({ length: 40 }, (_, i) => `X-${i}: y\r\n`).join('')}${length}`) + body);
  await c.has(/\r\n\r\n[^]*}/);
  assert.match(c.text, /^HTTP\/1\.1 431 /);
  assert.match(c.text, /limits\.header_fields/);
  c.close();
});

test('R54 a head as large as the limit allows is read', async () => {
  const wide = await pair({ limits: { header_bytes: '1MiB' } });
  try {
    for (const bytes of [60, 64, 65, 128, 1000]) {
      const r = await ask(wide.gw.origin, 'GET', '/v1/models', undefined, { headers: { x: 'y'.repeat(bytes * 1024) } });
      assert.equal(r.status, 200, `${bytes} KiB`);
    }
    const r = await ask(wide.gw.origin, 'GET', '/v1/models', undefined, { headers: { x: 'y'.repeat(1 << 20) } });
    assert.equal(r.status, 431);
  } finally {
    await wide.stop();
  }
});

test('R54 a head that comes too slowly: 408, however steadily it drips', async () => {
  const c = await Raw.to(t.gw.port);
  const start = Date.now();
  const drip = setInterval(() => c.socket.write('x'), 50);
  await c.send('GET /v1/models HTTP/1.1\r\nHost: x\r\nX: ');
  const text = await c.end();
  clearInterval(drip);
  assert.match(text, /^HTTP\/1\.1 408 /);
  assert.ok(Date.now() - start < 600 + 1500 * slow);
  c.close();
});

test('R54 a body that comes too slowly: 408', async () => {
  const c = await Raw.to(t.gw.port);
  await c.send(head('Content-Length: 5000\r\n'));
  const drip = setInterval(() => c.socket.write('{'), 50);
  const text = await c.end();
  clearInterval(drip);
  assert.match(text, /^HTTP\/1\.1 408 /);
  c.close();
});

test('R63 a body over the limit: 413 that names it, by length and by count', async () => {
  const big = 'y'.repeat(70 * 1024);
  const r = await ask(t.gw.origin, 'POST', '/v1/chat/completions', question('own/m', { user: big }));
  assert.equal(r.status, 413, r.text);
  assert.match(r.json.error.message, /limits\.body_bytes/);
  assert.equal(r.json.error.code, 'request_too_large');
  const c = await Raw.to(t.gw.port);
  c.send(head('Transfer-Encoding: chunked\r\n') + chunked(JSON.stringify(question('own/m', { user: big }))));
  await c.has(/\r\n\r\n[^]*}/);
  assert.match(c.text, /^HTTP\/1\.1 413 /);
  assert.match(c.text, /limits\.body_bytes/);
  c.close();
});

/** What each API's own SDK reads from an error of this status. */
const forms = {
  '/v1/chat/completions': (json) => ['message', 'type', 'param', 'code'].every((k) => k in json.error) && 'type' in json === false,
  '/v1/messages': (json) => json.type === 'error' && /_error|too_large/.test(json.error.type),
  '/v1/messages/count_tokens?beta=true': (json) => json.type === 'error' && json.error.message,
  '/v1beta/models/own%2Fm:generateContent': (json, status) => json.error.code === status && /^[A-Z_]+$/.test(json.error.status),
  '/v1/models/own%2Fm:streamGenerateContent?alt=sse': (json, status) => json.error.code === status && json.error.details.length > 0,
};

for (const [path, hasForm] of Object.entries(forms))
  test(`R54 a request that is refused before it is whole hears so in the form of ${path}`, async () => {
    const line = `POST ${path} HTTP/1.1`;
    for (const [status, bytes] of [
      [400, head('Content-Length: 1 0\r\n', line)],
      [400, `${line}\r\nHost: x\r\nX y\r\n`],
      [400, `${line}\nHost: x\n\n`],
      [408, `\r\n${line}\r\nHost: x\r\n`],
      [408, head('Content-Length: 5000\r\n', line)],
      [413, head('Content-Length: 70000\r\n', line)],
      [413, head('Transfer-Encoding: chunked\r\n', line) + chunked('y'.repeat(70_000))],
      [417, head('Expect: what\r\nContent-Length: 1\r\n', line)],
      [431, head(`X: ${'y'.repeat(17 * 1024)}\r\n`, line)],
      [431, `${line}\r\nHost: x\r\nX: ${'y'.repeat(17 * 1024)}`],
      [431, head('X: y\r\n'.repeat(40), line)],
      [400, head('Transfer-Encoding: xchunked\r\n', line)],
    ]) {
      const c = await Raw.to(t.gw.port);
      c.send(bytes);
      await c.has(/\r\n\r\n[^]*}$/);
      const [answer, json] = c.text.split('\r\n\r\n');
      assert.equal(Number(answer.split(' ')[1]), status, c.text);
      assert.ok(hasForm(JSON.parse(json), status), c.text);
      c.close();
    }
  });

test('R54 requests in a row on one connection are answered in order', async () => {
  const c = await Raw.to(t.gw.port);
  const two = head(length) + body;
  await c.send(two + hidden + two + head('Transfer-Encoding: chunked\r\n') + chunked(body) + hidden);
  await eventually(() => c.text.match(/HTTP\/1\.1 200/g)?.length === 5, 'five answers');
  const kinds = [...c.text.matchAll(/"object":"(chat\.completion|list)"/g)].map((m) => m[1]);
  assert.deepEqual(kinds, ['chat.completion', 'list', 'chat.completion', 'chat.completion', 'list']);
  c.close();
});

test('R54 single bytes are as good as one piece', async () => {
  const c = await Raw.to(t.gw.port, { noDelay: true });
  for (const b of head(length)) await c.send(b);
  for (let i = 0; i < body.length; i += 7) await c.send(body.slice(i, i + 7));
  await c.has(/"chat\.completion"/);
  c.close();
});

test('R54 100-continue is granted', async () => {
  const c = await Raw.to(t.gw.port);
  await c.send(head(`Expect: 100-continue\r\n${length}`));
  await c.has(/^HTTP\/1\.1 100 /);
  await c.send(body);
  await c.has(/HTTP\/1\.1 200 /);
  c.close();
});

test('R54 HTTP/1.0 gets an answer and a close', async () => {
  const c = await Raw.to(t.gw.port);
  await c.send(`GET /v1/models HTTP/1.0\r\n\r\n`);
  const text = await c.end();
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(text, /transfer-encoding/i);
  c.close();
});

test('R54 what belongs to the hop, to the client or to its proxies does not go upstream', async () => {
  const unwanted = {
    cookie: 'session=client', 'proxy-authorization': 'Basic x', te: 'trailers', trailer: 'x-t', upgrade: 'websocket',
    'keep-alive': 'timeout=9', 'proxy-connection': 'keep-alive', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-host': 'evil',
    'x-forwarded-proto': 'https', forwarded: 'for=6.6.6.6', 'x-real-ip': '6.6.6.6', 'x-api-key': 'client-key',
    'x-named-hop': 'gone', connection: 'x-named-hop, close', 'x-dragoman-tags': 'ours',
    'openai-organization': 'org-client', 'openai-project': 'proj-client', 'accept-encoding': 'br', via: '1.1 x',
  };
  const lines = Object.entries({
    ...unwanted, authorization: 'Bearer client-key', 'x-kept-by-us': 'yes', 'openai-beta': 'assistants=v2', 'x-stainless-lang': 'js',
  }).map(([k, v]) => `${k}: ${v}\r\n`).join('');
  const c = await Raw.to(t.gw.port);
  await c.send(head(lines + length) + body);
  assert.match(await c.end(), /^HTTP\/1\.1 200 /);
  c.close();
  const got = own.asked.at(-1).headers;
  for (const name of Object.keys(unwanted)) {
    if (name === 'connection') assert.doesNotMatch(got.connection ?? '', /x-named-hop/);
    else if (name === 'accept-encoding') assert.equal(got[name], 'identity');
    else assert.equal(got[name], undefined, `${name}: ${got[name]}`);
  }
  assert.equal(got.authorization, 'Bearer sk-own');
  assert.equal(got.host, `127.0.0.1:${own.port}`);
  assert.equal(got['x-kept-by-us'], 'yes');
  assert.equal(got['openai-beta'], 'assistants=v2');
  assert.match(got['user-agent'], /^dragoman\//);
  assert.equal(got['content-type'], 'application/json');
});

test("R54 what belongs to the upstream's hop does not come down", async () => {
  const r = await ask(t.gw.origin, 'POST', '/v1/chat/completions', question('own/m'), { headers: { 'x-request-id': 'mine' } });
  for (const name of ['set-cookie', 'server', 'via', 'x-hop', 'access-control-allow-origin', 'strict-transport-security', 'keep-alive'])
    assert.equal(r.headers[name], undefined, name);
  assert.equal(r.headers['x-kept'], 'yes');
  assert.equal(r.headers['x-request-id'], 'mine');
  assert.equal(r.headers['x-dragoman-target'], 'own/m');
});

test('R54 values never bring a CR or LF along, in either direction', async () => {
  const evil = await Upstream.tcp((s) => s.once('data', () => {
    const text = JSON.stringify(completion('ok'));
    s.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-bare: a\rb\r\ncontent-length: ${text.length}\r\n\r\n${text}`);
  }));
  const two = await pair({ providers: { evil: { base_url: evil.url } }, retry: { attempts: 1 } });
  try {
    const c = await Raw.to(two.gw.port);
    await c.post('/v1/chat/completions', question('evil/m'));
    await c.has(/\r\n\r\n[^]*}/);
    assert.doesNotMatch(c.text.split('\r\n\r\n')[0].replaceAll('\r\n', ''), /[\r\n]/);
    c.close();
    const r = await ask(two.gw.origin, 'GET', '/v1/models', undefined, { headers: { 'x-request-id': 'a"b' } });
    assert.equal(r.status, 200);
  } finally {
    await two.stop();
    await evil.stop();
  }
});

test('R54 an idle connection costs nothing and is not answered', async () => {
  const c = await Raw.to(t.gw.port);
  await sleep(800);
  assert.equal(c.text, '');
  c.close();
});
