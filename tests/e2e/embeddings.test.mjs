// POST /v1/embeddings at targets of each dialect, as the official SDKs ask: whoever answers, the client reads
// OpenAI's form. The simulator's vectors are the same in all dialects.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OpenAIEmbeddings } from '@langchain/openai';
import { embedMany } from 'ai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import OpenAI from 'openai';
import { Gateway, Simulator, Upstream, ask, reply, root } from './harness.mjs';

const sim = await Simulator.start();
let answers; // what `own` says
const own = await Upstream.start((q, a) => answers(q, a));

const at = (origin) => ({
  openai: { dialect: 'openai', base_url: `${origin}/v1` },
  anthropic: { dialect: 'anthropic', base_url: `${origin}/v1`, key: 'k' },
  gemini: { dialect: 'gemini', base_url: `${origin}/v1beta`, key: 'k' },
  ollama: { dialect: 'ollama', base_url: origin },
  bedrock: { dialect: 'bedrock', region: 'us-east-1', base_url: origin, key: 'bedrock-api-key' },
});
const titan = 'bedrock/amazon.titan-embed-text-v2:0', cohere3 = 'bedrock/cohere.embed-english-v3', cohere4 = 'bedrock/eu.cohere.embed-v4:0';
const ordered = (...targets) => ({ strategy: 'ordered', targets });
const many = ['gemini/sim', 'ollama/sim', cohere3, cohere4]; /* take several texts a call */
const config = { providers: at(sim.origin), retry: { attempts: 3, initial: '10ms' } };
const gw = await Gateway.start({ ...config, models: {
  'titan-ollama': ordered(titan, 'ollama/sim'),
  'anthropic-ollama': ordered('anthropic/sim', 'ollama/sim'),
  'gemini-openai': ordered('gemini/sim', 'openai/sim'),
} });
const strict = await Gateway.start({ ...config, translation: { strict: true } });
const odd = await Gateway.start({ providers: at(own.origin), retry: { attempts: 1 }, limits: { reply_bytes: '64KiB' } });
const oddStrict = await Gateway.start({ providers: at(own.origin), retry: { attempts: 1 }, translation: { strict: true } });
after(async () => {
  for (const s of [gw, strict, odd, oddStrict, sim, own]) await s.stop();
});
const client = new OpenAI({ baseURL: gw.url, apiKey: 'none', maxRetries: 0 });
const embed = (to, body, options) => ask(to.origin, 'POST', '/v1/embeddings', body, options);
const texts = ['the caravan rests', 'Grüße "aus" \\ der Wüste\n\u{1f42a}', 'the caravan rests here'];
const words = (list) => list.reduce((n, t) => n + t.split(/\s+/).length, 0);
const packed = (numbers) => [...Float32Array.from(numbers)];

test('R10 an answer with fewer vectors than inputs is a failure, and is tried elsewhere', async () => {
  answers = (q, a) => reply(a, 200, { object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding: [1, 2] }] });
  const g = await Gateway.start({ providers: { short: { base_url: own.url }, full: { base_url: sim.url } }, retry: { attempts: 2 },
    models: { both: ordered('short/m', 'full/sim') } });
  try {
    for (const [input, status] of [['a', 200], [['a'], 200], [[1, 2], 200], [['a', 'b'], 502], [[[1], [2]], 502]])
      assert.equal((await embed(g, { model: 'short/m', input })).status, status, JSON.stringify(input));
    const r = await embed(g, { model: 'both', input: ['a', 'b'] });
    assert.deepEqual([r.status, r.json.data.length, r.headers['x-dragoman-attempts']], [200, 2, '2']);
  } finally {
    await g.stop();
  }
});

// ---- the same everywhere ----

const expected = (await client.embeddings.create({ model: 'openai/sim', input: texts, encoding_format: 'float' })).data.map((d) => d.embedding);

for (const model of many)
  test(`${model}: the official SDK's base64, its floats, order and usage`, async () => {
    const base64 = await client.embeddings.create({ model, input: texts });
    const float = await client.embeddings.create({ model, input: texts, encoding_format: 'float' });
    for (const r of [base64, float]) {
      assert.equal(r.object, 'list');
      assert.equal(r.model, model);
      assert.deepEqual(r.data.map((d) => [d.object, d.index]), [['embedding', 0], ['embedding', 1], ['embedding', 2]]);
      assert.deepEqual(r.usage, { prompt_tokens: words(texts), total_tokens: words(texts) });
    }
    assert.deepEqual(float.data.map((d) => d.embedding), expected);
    assert.deepEqual(base64.data.map((d) => packed(d.embedding)), expected.map(packed));
  });

test(`${titan}: one text a request, in both forms`, async () => {
  for (const input of [texts[1], [texts[1]]]) {
    const base64 = await client.embeddings.create({ model: titan, input });
    const float = await client.embeddings.create({ model: titan, input, encoding_format: 'float' });
    assert.deepEqual(float.data, [{ object: 'embedding', index: 0, embedding: expected[1] }]);
    assert.deepEqual(packed(base64.data[0].embedding), packed(expected[1]));
    assert.equal(float.usage.prompt_tokens, words([texts[1]]));
  }
});

test('base64 is what it is when it is asked for in so many words', async () => {
  for (const model of ['openai/sim', ...many]) {
    const r = await embed(gw, { model, input: 'a b', encoding_format: 'base64' });
    assert.equal(r.status, 200, r.text);
    const bytes = Buffer.from(r.json.data[0].embedding, 'base64');
    assert.equal(bytes.length, 4 * 64);
    assert.equal(bytes.toString('base64'), r.json.data[0].embedding);
  }
});

for (const model of [...many, titan].filter((m) => m !== cohere3))
  test(`${model}: dimensions are asked for as they are called there`, async () => {
    const r = await client.embeddings.create({ model, input: 'a', dimensions: 256, encoding_format: 'float' });
    assert.equal(r.data[0].embedding.length, 256);
    assert.ok(Math.abs(Math.hypot(...r.data[0].embedding) - 1) < 1e-5);
  });

test('two thousand texts come back in their order', async () => {
  const input = Array.from({ length: 2000 }, (_, i) => `text ${i}`);
  for (const model of ['gemini/sim', 'ollama/sim']) {
    const some = await client.embeddings.create({ model, input, dimensions: 16, encoding_format: 'float' });
    assert.deepEqual(some.data.map((d) => d.index), input.map((_, i) => i));
    const [last] = (await client.embeddings.create({ model: 'openai/sim', input: input.at(-1), dimensions: 16, encoding_format: 'float' })).data;
    assert.deepEqual(some.data.at(-1).embedding, last.embedding);
  }
});

test('LangChain: documents and a query', async () => {
  for (const model of many) {
    const e = new OpenAIEmbeddings({ model, apiKey: 'none', maxRetries: 0, configuration: { baseURL: gw.url } });
    const documents = await e.embedDocuments(texts.map((t) => t.replace('\n', ' '))); /* as LangChain does itself */
    assert.deepEqual(documents.map(packed), expected.map(packed), model);
    assert.deepEqual(packed(await e.embedQuery(texts[0])), packed(expected[0]), model);
  }
});

test('@ai-sdk/openai-compatible: embedMany', async () => {
  const of = createOpenAICompatible({ name: 'dragoman', baseURL: gw.url, apiKey: 'none' });
  for (const model of many) {
    const r = await embedMany({ model: of.textEmbeddingModel(model), values: texts, maxRetries: 0 });
    assert.deepEqual(r.embeddings, expected, model);
    assert.equal(r.usage.tokens, words(texts), model);
  }
});

// ---- what is sent ----

const vectors = { gemini: (q, a) => reply(a, 200, { embeddings: [{ values: [1, 2] }, { values: [3, 4] }] }),
  ollama: (q, a) => reply(a, 200, { model: 'm', embeddings: [[1, 2], [3, 4]] }),
  cohere: (q, a) => reply(a, 200, { embeddings: { float: [[1, 2], [3, 4]] } }),
  titan: (q, a) => reply(a, 200, { embedding: [1, 2] }) };

test('R49: texts and numbers pass as they were written', async () => {
  const rows = [
    ['gemini', 'gemini/models/a b', '/v1beta/models/a%20b:batchEmbedContents',
      '{"requests":[{"model":"models/a b","content":{"parts":[{"text":"\\u00e4\\ud83d"}]},"outputDimensionality":2},' +
      '{"model":"models/a b","content":{"parts":[{"text":""}]},"outputDimensionality":2}]}'],
    ['ollama', 'ollama/m:7b', '/api/embed', '{"model":"m:7b","input":["\\u00e4\\ud83d",""],"dimensions":2}'],
    ['cohere', cohere4, '/model/eu.cohere.embed-v4%3A0/invoke',
      '{"texts":["\\u00e4\\ud83d",""],"input_type":"search_document","embedding_types":["float"],"output_dimension":2}'],
  ];
  for (const [name, model, url, body] of rows) {
    answers = vectors[name];
    const r = await embed(odd, `{"model":"${model}","input":["\\u00e4\\ud83d",""],"dimensions":2}`);
    assert.equal(r.status, 200, r.text);
    assert.equal(own.asked.at(-1).url, url, model);
    assert.equal(own.asked.at(-1).body.toString(), body, model);
  }
  answers = (q, a) => reply(a, 200, '{"embeddings":[\n  [\n 0.10000000000000000555,\n -0.0, 1E-7\t, 2.50 ]]}');
  const r = await embed(odd, { model: 'ollama/m', input: 'a' });
  assert.equal(r.text, '{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.10000000000000000555,-0.0,1E-7,2.50]}],' +
    '"model":"ollama/m","usage":{"prompt_tokens":0,"total_tokens":0}}');
  assert.equal(r.headers['content-type'], 'application/json');
});

test('input_type is for Cohere, and named elsewhere', async () => {
  answers = vectors.cohere;
  const cohere = await embed(odd, { model: cohere3, input: ['a', 'b'], input_type: 'search_query' });
  assert.equal(cohere.headers['x-dragoman-dropped-params'], undefined);
  assert.equal(JSON.parse(own.asked.at(-1).body).input_type, 'search_query');
  for (const model of ['gemini/sim', 'ollama/sim', titan])
    assert.equal((await embed(gw, { model, input: 'a', input_type: 'search_query' })).headers['x-dragoman-dropped-params'], 'input_type', model);
});

// ---- what is refused ----

test('tokens in the place of texts go to a provider of OpenAI\'s dialect, or are a 400', async () => {
  for (const input of [[1, 2, 3], [[1, 2], [3]], ['a', [1]], ['a', 1]]) {
    for (const model of [...many, titan])
      await assert.rejects(client.embeddings.create({ model, input }), (e) => e instanceof OpenAI.BadRequestError && e.param === 'input' && /tokens/.test(e.message));
    const r = await embed(gw, { model: 'gemini-openai', input });
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers['x-dragoman-target'], 'openai/sim');
  }
});

test('what no target can be told is a 400 that names the field', async () => {
  const rows = [
    ['input', 'gemini/sim', { input: [] }], ['input[1]', 'gemini/sim', { input: ['a', {}] }], ['input', 'ollama/sim', { input: 7 }],
    ['input', titan, { input: ['a', 'b'] }], ['input', cohere3, { input: Array(97).fill('a') }],
    ['dimensions', cohere3, { dimensions: 256 }], ['dimensions', 'bedrock/amazon.titan-embed-text-v1', { dimensions: 256 }],
    ['dimensions', 'gemini/sim', { dimensions: 1.5 }], ['dimensions', 'gemini/sim', { dimensions: 0 }], ['dimensions', 'gemini/sim', { dimensions: '8' }],
    ['encoding_format', 'gemini/sim', { encoding_format: 'int8' }], ['stream', 'ollama/sim', { stream: true }],
    ['model', 'bedrock/amazon.nova-pro-v1:0', {}], ['model', 'anthropic/claude', {}],
  ];
  for (const [param, model, more] of rows) {
    const r = await embed(gw, { model, input: 'a', ...more });
    assert.equal(r.status, 400, `${model} ${JSON.stringify(more).slice(0, 80)}: ${r.text}`);
    assert.equal(r.json.error.param, param);
    assert.equal(r.json.error.type, 'invalid_request_error');
  }
  assert.match((await embed(gw, { model: 'anthropic/claude', input: 'a' })).json.error.message, /anthropic.*has no embeddings/);
  const twice = await embed(gw, '{"model":"gemini/sim","input":"a","input":"b"}');
  assert.equal(twice.status, 400, twice.text);
});

test('a text to embed may say what marks a thought elsewhere', async () => {
  for (const model of ['openai/sim', ...many]) {
    const r = await embed(gw, { model, input: 'signatures begin with dragoman.by.gemini: there' });
    assert.equal(r.status, 200, `${model}: ${r.text}`);
  }
});

test('R45: what is left out is named, and strict refuses it', async () => {
  for (const model of [...many, titan]) {
    const body = { model, input: 'a', user: 'u', unheard_of: 1 };
    const r = await embed(gw, body);
    assert.equal(r.status, 200, r.text);
    assert.equal(r.headers['x-dragoman-dropped-params'], 'user, unheard_of', model);
    const s = await embed(strict, body);
    assert.equal(s.status, 400, s.text);
    assert.match(s.json.error.message, /user, unheard_of .*translation\.strict/);
    assert.equal((await embed(strict, { model, input: 'a', user: 'u' })).json.error.param, 'user');
    assert.equal((await embed(strict, { model, input: 'a', encoding_format: 'base64' })).status, 200, model);
  }
  assert.equal((await embed(gw, { model: 'openai/sim', input: 'a', user: 'u' })).headers['x-dragoman-dropped-params'], undefined);
});

test('R48: who cannot be told is passed over without a call', async () => {
  const r = await embed(gw, { model: 'titan-ollama', input: texts });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-dragoman-target'], 'ollama/sim');
  assert.equal(r.headers['x-dragoman-attempts'], '1');
  assert.equal((await embed(gw, { model: 'titan-ollama', input: 'a' })).headers['x-dragoman-target'], titan);
  assert.equal((await embed(gw, { model: 'anthropic-ollama', input: 'a' })).headers['x-dragoman-target'], 'ollama/sim');
});

// ---- what fails ----

test('R13: a provider\'s refusal is a typed error of the SDK', async () => {
  const rows = [[400, OpenAI.BadRequestError], [404, OpenAI.NotFoundError], [429, OpenAI.RateLimitError], [401, OpenAI.InternalServerError], [500, OpenAI.InternalServerError]];
  for (const base of ['gemini/sim', 'ollama/sim', titan, cohere4])
    for (const [status, type] of rows) {
      const model = `${base}?${status},tag=refused`;
      await assert.rejects(client.embeddings.create({ model, input: 'a' }), (e) => {
        assert.ok(e instanceof type, `${model}: ${e.status} ${e}`);
        assert.ok(e.message.length > 10);
        return true;
      });
    }
});

for (const fault of ['503', '429', 'error-in-200', 'null', 'html', 'empty-choices', 'empty-stream', 'fewer-vectors', 'cut-rst', 'wrong-length', 'refuse'])
  test(`R10 ${fault}: another target answers, of whichever dialect`, async () => {
    for (const model of [...many.slice(0, 2), cohere4, titan]) {
      const input = model === titan ? texts[0] : texts;
      const script = `${model}?${fault},tag=${fault}`;
      const g = await Gateway.start({ ...config, models: { e: ordered(script, 'openai/sim'), f: ordered(`openai/sim?${fault === 'fewer-vectors' ? '500' : fault}`, model) } });
      try {
        const r = await embed(g, { model: 'e', input });
        assert.equal(r.status, 200, `${script}: ${r.text}`);
        assert.equal(r.headers['x-dragoman-target'], 'openai/sim');
        assert.equal(r.headers['x-dragoman-attempts'], '2');
        assert.deepEqual(r.json.data.map((d) => d.embedding), model === titan ? [expected[0]] : expected);
        const back = await embed(g, { model: 'f', input });
        assert.equal(back.status, 200, back.text);
        assert.equal(back.headers['x-dragoman-target'], model);
        assert.deepEqual(back.json.data.map((d) => d.embedding), model === titan ? [expected[0]] : expected);
      } finally {
        await g.stop();
      }
    }
  });

test('R10 fewer vectors than texts are a failure of the provider, asked again', async () => {
  for (const [i, model] of many.entries()) {
    const r = await embed(gw, { model: `${model}?fewer-vectors,tag=alone`, input: texts });
    assert.equal(r.status, 502, r.text);
    assert.equal(r.json.error.code, 'upstream_bad_response');
    assert.match(r.json.error.message, /fewer vectors than texts/);
    assert.equal(r.headers['x-dragoman-attempts'], '3');
    const once = await embed(gw, { model: `${model}?fewer-vectors,flip=1,tag=flip-${i}`, input: texts });
    assert.equal(once.status, 200, once.text);
    assert.equal(once.headers['x-dragoman-attempts'], '2');
  }
});

test('an error in a 200 is told in its words', async () => {
  for (const [model, said] of [['gemini/sim', /overloaded/], ['ollama/sim', /running the model/], [cohere4, /unexpected error/]]) {
    const r = await embed(gw, { model: `${model}?error-in-200,tag=told`, input: 'a' });
    assert.ok(r.status >= 500, r.text);
    assert.match(r.json.error.message, said);
  }
});

test('what is no vector is no answer', async () => {
  const rows = [
    ['ollama/m', '{"embeddings":[[]]}', /list of numbers/], ['ollama/m', '{"embeddings":[["a"]]}', /list of numbers/],
    ['ollama/m', '{"embeddings":[[1],[2]]}', /more vectors than texts/], ['ollama/m', '{"embeddings":[1]}', /list of numbers/],
    ['gemini/m', '{"embeddings":[{}]}', /list of numbers/], ['gemini/m', '{"embeddings":[{"values":[null]}]}', /list of numbers/],
    ['gemini/m', '{"embeddings":{}}', /no answer/], [titan, '{"embedding":null}', /no answer/],
    [cohere3, '{"embeddings":{"int8":[[1]]}}', /no answer/], [cohere3, '{"embeddings":[[1]', /no answer/],
    ['ollama/m', `{"embeddings":[[${'1,'.repeat(40000)}1]]}`, /limits\.reply_bytes/],
  ];
  for (const [model, body, said] of rows) {
    answers = (q, a) => reply(a, 200, body);
    const r = await embed(odd, { model, input: 'a' });
    assert.equal(r.status, 502, `${model} ${body.slice(0, 60)}: ${r.text}`);
    assert.equal(r.json.error.code, 'upstream_bad_response');
    assert.match(r.json.error.message, said);
  }
  answers = (q, a) => reply(a, 200, '{"embeddings":[[1,2],[1]]}');
  assert.match((await embed(odd, { model: 'ollama/m', input: ['a', 'b'] })).json.error.message, /different lengths/);
  answers = (q, a) => reply(a, 200, `{"embeddings":[[${'1,'.repeat(20000)}1]]}`); /* 40 KB of text are 107 KB of float32 */
  assert.match((await embed(odd, { model: 'ollama/m', input: 'a', encoding_format: 'base64' })).json.error.message, /limits\.reply_bytes/);
  assert.equal((await embed(odd, { model: 'ollama/m', input: 'a' })).status, 200);
});

test('a number that no float32 holds passes as a float, and not as base64', async () => {
  answers = (q, a) => reply(a, 200, '{"embeddings":[[1e39,1]]}');
  assert.match((await embed(odd, { model: 'ollama/m', input: 'a' })).text, /\[1e39,1\]/);
  const r = await embed(odd, { model: 'ollama/m', input: 'a', encoding_format: 'base64' });
  assert.equal(r.status, 502, r.text);
  assert.match(r.json.error.message, /no float32 holds/);
});

test('R45: a provider that overlooks dimensions has dropped them', async () => {
  answers = (q, a) => reply(a, 200, '{"embeddings":[[1,2,3]]}');
  const r = await embed(odd, { model: 'ollama/m', input: 'a', dimensions: 2 });
  assert.equal(r.status, 200, r.text);
  assert.equal(r.headers['x-dragoman-dropped-params'], 'dimensions');
  const s = await embed(oddStrict, { model: 'ollama/m', input: 'a', dimensions: 2 });
  assert.equal(s.status, 502, s.text);
  assert.match(s.json.error.message, /dimensions/);
  assert.equal((await embed(oddStrict, { model: 'ollama/m', input: 'a', dimensions: 3 })).status, 200);
});

// ---- usage ----

test('who does not count leaves 0, and nothing in the metrics', async () => {
  const tokens = () => gw.metric('dragoman_tokens_total', { direction: 'prompt' });
  for (const model of [...many, titan]) {
    const before = await tokens();
    const r = await embed(gw, { model: `${model}?usage-absent`, input: 'one two three' });
    assert.deepEqual(r.json.usage, { prompt_tokens: 0, total_tokens: 0 }, model);
    assert.equal(await tokens(), before, model);
    assert.equal((await embed(gw, { model, input: 'one two three' })).json.usage.prompt_tokens, 3, model);
    assert.equal(await tokens(), before + 3, model);
  }
});

// ---- docs/dialects.md ----

const columns = { openai: 'openai/sim', gemini: 'gemini/sim', ollama: 'ollama/sim', 'bedrock, Titan v2': titan, 'Titan v1': 'bedrock/amazon.titan-embed-text-v1', 'Cohere v4': cohere4, 'Cohere v3': cohere3, anthropic: 'anthropic/claude' };
const fields = [
  ['`input`, a string', {}],
  ['`input`, several strings', { input: ['a', 'b'] }],
  ['`input`, tokens', { input: [1, 2] }],
  ['`dimensions`', { dimensions: 256 }],
  ['`encoding_format` float', { encoding_format: 'float' }],
  ['`encoding_format` base64', { encoding_format: 'base64' }],
  ['`user`', { user: 'u' }],
  ['`input_type`, Cohere\'s', { input_type: 'search_query' }],
  ['`stream` true', { stream: true }],
  ['any other member', { unheard_of: 1 }],
];

async function fate(model, more) {
  const r = await embed(gw, { model, input: 'a', ...more });
  const s = await embed(strict, { model, input: 'a', ...more });
  const dropped = r.headers['x-dragoman-dropped-params'];
  if (model === columns.openai) {
    answers = (q, a) => reply(a, 200, { object: 'list', data: [{ embedding: [1] }] });
    await embed(odd, { model: 'openai/m', input: 'a', ...more });
    const { stream_options: spliced, ...sent } = JSON.parse(own.asked.at(-1).body);
    assert.deepEqual(sent, { model: 'm', input: 'a', ...more });
    assert.deepEqual(spliced, more.stream ? { include_usage: true } : undefined);
    return 'as it came';
  }
  if (r.status === 400) return 'refused';
  assert.equal(r.status, 200, r.text);
  assert.equal(s.status, dropped ? 400 : 200, s.text);
  return dropped ? `drops ${dropped.split(', ').map((n) => `\`${n}\``).join(', ')}` : 'yes';
}

test('R45 docs/dialects.md says what becomes of each field of embeddings', async () => {
  const lines = [`| | ${Object.keys(columns).join(' | ')} |`, `| --- |${' --- |'.repeat(Object.keys(columns).length)}`];
  for (const [label, more] of fields) {
    const cells = [];
    for (const model of Object.values(columns)) cells.push(await fate(model, more));
    lines.push(`| ${label} | ${cells.join(' | ')} |`);
  }
  const file = join(root, 'docs/dialects.md'), page = readFileSync(file, 'utf8'), seen = lines.join('\n');
  const section = /(<!-- matrix: embeddings -->\n)[\s\S]*?(\n<!-- end -->)/;
  assert.match(page, section);
  if (process.env.MATRIX === 'write') writeFileSync(file, page.replace(section, (_, a, b) => a + seen + b));
  else assert.equal(section.exec(page)[0], `<!-- matrix: embeddings -->\n${seen}\n<!-- end -->`);
});
