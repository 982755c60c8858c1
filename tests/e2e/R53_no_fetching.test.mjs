// R53: nothing in a request makes the gateway call anybody but the configured providers.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Upstream, ask, chat, completion, pair, question, reply } from './harness.mjs';

const bait = await Upstream.start((q, a) => reply(a, 200, completion('taken')));
const redirecting = await Upstream.start((q, a) => reply(a, 307, { error: { message: 'moved' } }, { location: `${bait.url}/chat/completions` }));
const own = await Upstream.start((q, a) => reply(a, 200, completion('ok')));
const t = await pair({
  retry: { attempts: 1 },
  providers: { own: { base_url: own.url, keys: ['sk-own'] }, redirecting: { base_url: redirecting.url, keys: ['sk-own'] } },
});
after(async () => {
  await t.stop();
  for (const u of [bait, redirecting, own]) await u.stop();
});

const fields = {
  base_url: bait.url, api_base: bait.url, api_url: bait.url, baseURL: bait.url, endpoint: bait.url, proxy: bait.url,
  api_key: 'sk-evil', headers: { host: 'evil' }, extra_headers: { 'x-evil': bait.url }, webhook_url: bait.url,
  custom_llm_provider: 'evil', litellm_params: { api_base: bait.url }, fallbacks: [{ base_url: bait.url }], mock_response: bait.url,
};

test('R53 addresses in the body are data: passed on, never called', async () => {
  const body = question('own/m', fields);
  const r = await ask(t.gw.origin, 'POST', '/v1/chat/completions', body);
  assert.equal(r.json.choices[0].message.content, 'ok');
  assert.deepEqual(JSON.parse(own.asked.at(-1).body), { ...body, model: 'm' });
  assert.equal(own.asked.at(-1).headers.authorization, 'Bearer sk-own');
});

test('R53 images and files by address are data', async () => {
  const body = question('own/m', {
    messages: [{ role: 'user', content: [
      { type: 'image_url', image_url: { url: `${bait.origin}/cat.png` } },
      { type: 'image_url', image_url: { url: 'http://169.254.169.254/latest/meta-data/' } },
      { type: 'file', file: { file_url: 'file:///etc/passwd' } },
    ] }],
  });
  assert.equal((await ask(t.gw.origin, 'POST', '/v1/chat/completions', body)).status, 200);
  assert.deepEqual(JSON.parse(own.asked.at(-1).body), { ...body, model: 'm' });
});

test('R53 addresses in headers, targets and hosts call nobody', async () => {
  for (const headers of [
    { 'x-base-url': bait.url }, { 'x-dragoman-base-url': bait.url }, { 'x-dragoman-provider': bait.url },
    { host: `127.0.0.1:${bait.port}` }, { 'x-forwarded-host': `127.0.0.1:${bait.port}` }, { 'x-original-url': bait.url },
    { 'x-portkey-custom-host': bait.url }, { 'helicone-target-url': bait.origin },
  ]) {
    const r = await ask(t.gw.origin, 'POST', '/v1/chat/completions', question('own/m'), { headers });
    assert.equal(r.json.choices[0].message.content, 'ok', JSON.stringify(headers));
  }
  for (const model of [`http://127.0.0.1:${bait.port}/m`, `${bait.origin}/v1/m`, `evil@127.0.0.1:${bait.port}/m`, '../own/m', 'own\\..\\x/m'])
    assert.equal((await chat(t.gw, model)).status, 404, model);
});

test('R53 a redirect is not followed', async () => {
  const r = await chat(t.gw, 'redirecting/m');
  assert.equal(r.status, 502, r.text);
  assert.equal(r.json.error.code, 'upstream_bad_response');
  assert.equal(r.headers.location, undefined);
});

test('R53 a relayed path stays below the base URL of its provider', async () => {
  for (const path of ['/v1/../admin', '/v1/..%2fadmin', '/v1/%2e%2e/x', '/v1/@evil.example/x', '/v1/http://evil/x']) {
    const calls = own.asked.length;
    await ask(t.gw.origin, 'GET', path, undefined, { headers: { 'x-dragoman-provider': 'own' } }).catch(() => {});
    for (const q of own.asked.slice(calls)) {
      assert.match(q.url, /^\/v1\//);
      assert.equal(q.headers.host, `127.0.0.1:${own.port}`);
    }
  }
});

test('R53 nobody was lured', () => assert.equal(bait.asked.length, 0, JSON.stringify(bait.asked.map((q) => q.url))));
