// Azure without a key: the gateway has tokens of Entra ID, renews them before they end, and tells
// what is wrong when there is none.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { Gateway, Simulator, Upstream, ask, chat, completion, eventually, reply, sleep } from './harness.mjs';

const SECRET = 'canary-of-the-application';
const authority = await Simulator.start();
const azure = await Upstream.start((q, a) => {
  const bearer = q.headers.authorization ?? '';
  if (!bearer.startsWith('Bearer eyJzaW0i.token-')) return reply(a, 401, { error: { code: '401', message: 'no' } });
  reply(a, 200, completion(bearer));
});
const entra = (more = {}) => ({
  tenant_id: 'contoso.com', client_id: 'c-1', client_secret: SECRET, authority: authority.origin, ...more,
});
const provider = (more) => ({ dialect: 'azure', base_url: azure.origin, entra: entra(more) });
after(async () => {
  await azure.stop();
  await authority.stop();
});

const tokensAsked = async (tenant) =>
  (await authority.log()).filter((e) => e.path.startsWith(`/${tenant}/oauth2`)).length;
const shows = (r) => r.json.choices[0].message.content;

async function withGateway(config, use) {
  const g = await Gateway.start({ threads: 2, ...config });
  try {
    await use(g);
    assert.doesNotMatch(g.stderr, new RegExp(`${SECRET}|eyJzaW0i`), 'no secret and no token in the log');
    assert.doesNotMatch((await ask(g.admin, 'GET', '/admin/config')).text, new RegExp(SECRET));
  } finally {
    await g.stop();
  }
}

test('a token is had once, and shown by all requests of all threads', async () => {
  await withGateway({ providers: { azure: provider({ tenant_id: 'once' }) } }, async (g) => {
    const all = await Promise.all(Array.from({ length: 40 }, () => chat(g, 'azure/gpt')));
    assert.ok(all.every((r) => r.status === 200), all.find((r) => r.status !== 200)?.text);
    assert.equal(new Set(all.map(shows)).size, 1);
    assert.equal(await tokensAsked('once'), 1);
    assert.equal('api-key' in azure.asked.at(-1).headers, false);
  });
});

test('it is renewed before it ends, and no request waits for that', async () => {
  await withGateway({ providers: { azure: provider({ tenant_id: 'life-4' }) } }, async (g) => {
    const first = shows(await chat(g, 'azure/gpt'));
    const until = Date.now() + 9000;
    let last = first;
    while (Date.now() < until && last === first) {
      const r = await chat(g, 'azure/gpt');
      assert.equal(r.status, 200, r.text);
      last = shows(r);
      await sleep(100);
    }
    assert.notEqual(last, first);
    assert.ok((await tokensAsked('life-4')) >= 2);
  });
});

test('requests wait for the first token, all for the same', async () => {
  let let_go;
  const held = new Promise((done) => (let_go = done));
  const slow = await Upstream.start(async (q, a) => {
    await held;
    reply(a, 200, { token_type: 'Bearer', expires_in: 3599, access_token: 'eyJzaW0i.token-slow' });
  });
  try {
    await withGateway({ providers: { azure: provider({ authority: slow.origin }) } }, async (g) => {
      const all = Array.from({ length: 10 }, () => chat(g, 'azure/gpt'));
      await sleep(300);
      assert.equal(slow.asked.length, 1);
      let_go();
      for (const r of await Promise.all(all)) assert.equal(shows(r), 'Bearer eyJzaW0i.token-slow');
      assert.equal(slow.asked.length, 1);
    });
  } finally {
    await slow.stop();
  }
});

test('a client that leaves while it waits leaves nothing behind', async () => {
  const silent = await Upstream.start(() => {});
  try {
    await withGateway({ providers: { azure: provider({ authority: silent.origin }) } }, async (g) => {
      const gone = new AbortController();
      const r = fetch(`${g.origin}/v1/chat/completions`, {
        method: 'POST', signal: gone.signal, headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'azure/gpt', messages: [{ role: 'user', content: 'hi' }] }),
      });
      await sleep(200);
      gone.abort();
      await assert.rejects(r);
      await g.idle();
      const late = await chat(g, 'azure/gpt', {}, { headers: { 'x-dragoman-timeout-ms': '300' } });
      assert.equal(late.status, 504, late.text);
    });
  } finally {
    await silent.stop();
  }
});

test('a secret that is refused is told as it is, and another target answers', async () => {
  const plain = await Upstream.start((q, a) => reply(a, 200, completion('elsewhere')));
  const config = {
    providers: { azure: provider({ client_secret: 'wrong-canary-secret' }), plain: { base_url: plain.url } },
    models: { both: { strategy: 'ordered', targets: ['azure/gpt', 'plain/m'] } },
  };
  try {
    await withGateway(config, async (g) => {
      const before = azure.asked.length;
      await g.says(/provider azure has no token of Entra ID: 401 AADSTS7000215: Invalid client secret provided\./);
      const alone = await chat(g, 'azure/gpt');
      assert.equal(alone.status, 502, alone.text);
      assert.equal(alone.json.error.code, 'upstream_credentials_exhausted');
      assert.match(alone.json.error.message, /azure has no token of Entra ID: 401 AADSTS7000215/);
      assert.doesNotMatch(alone.text, /wrong-canary-secret/);
      assert.equal(shows(await chat(g, 'both')), 'elsewhere');
      assert.equal(azure.asked.length, before, 'nobody is asked without a token');
      assert.doesNotMatch(g.stderr, /wrong-canary-secret/);
    });
  } finally {
    await plain.stop();
  }
});

test('an authority that cannot be reached is tried again', async () => {
  let well = false;
  const flaky = await Upstream.start((q, a) =>
    well ? reply(a, 200, { expires_in: 3599, access_token: 'eyJzaW0i.token-late' }) : reply(a, 503, { error: 'busy' }));
  try {
    await withGateway({ providers: { azure: provider({ authority: flaky.origin }) } }, async (g) => {
      await g.says(/no token of Entra ID: 503 busy/);
      assert.equal((await chat(g, 'azure/gpt')).status, 502);
      well = true;
      await eventually(async () => (await chat(g, 'azure/gpt')).status === 200, 'a token', 8000);
    });
  } finally {
    await flaky.stop();
  }
});

test('a machine of Azure is asked for its own', async () => {
  const machine = { dialect: 'azure', base_url: azure.origin, entra: { managed_identity: true, authority: authority.origin } };
  await withGateway({ providers: { azure: machine } }, async (g) => {
    const r = await chat(g, 'azure/gpt');
    assert.equal(r.status, 200, r.text);
    const asked = (await authority.log()).find((e) => e.path.startsWith('/metadata/identity'));
    assert.equal(asked.headers.metadata, 'true');
  });
});

test('a relayed path shows the token, too', async () => {
  await withGateway({ providers: { azure: provider() } }, async (g) => {
    await g.says(/has a token of Entra ID/);
    const r = await ask(g.origin, 'GET', '/v1/files', undefined, { headers: { 'x-dragoman-provider': 'azure' } });
    assert.equal(r.status, 200, r.text);
    assert.match(azure.asked.at(-1).headers.authorization, /^Bearer eyJzaW0i\.token-/);
  });
});

test('R10 who gives tokens is silent: after timeouts.connect another target answers', async () => {
  const silent = await Upstream.start(() => {}); // takes the question, and says nothing
  const other = await Upstream.start((q, a) => reply(a, 200, completion('other')));
  const config = {
    providers: { azure: provider({ authority: silent.origin }), other: { base_url: other.url } },
    models: { both: { strategy: 'ordered', targets: ['azure/gpt', 'other/m'] } },
    timeouts: { connect: '300ms' },
  };
  await withGateway(config, async (g) => {
    const start = Date.now();
    const r = await chat(g, 'both');
    assert.equal(r.status, 200, r.text);
    assert.equal(shows(r), 'other');
    assert.ok(Date.now() - start < 5000, `${Date.now() - start} ms`);
    const alone = await chat(g, 'azure/gpt');
    assert.equal(alone.status, 502, alone.text);
    assert.match(alone.json.error.message, /timeouts\.connect/);
  });
  await silent.stop();
  await other.stop();
});
