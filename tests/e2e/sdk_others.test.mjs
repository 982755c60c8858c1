// The AI SDK and LangChain against the gateway, both ways that their users set it up.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { HumanMessage } from '@langchain/core/messages';
import { tool as langchainTool } from '@langchain/core/tools';
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai';
import { embedMany, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { pair } from './harness.mjs';

const t = await pair({
  models: {
    chat: { targets: ['sim/sim?tokens=10'] },
    falls: { strategy: 'ordered', targets: ['sim/sim?error-first', 'sim/sim?tokens=10'] },
    tools: { targets: ['sim/sim?tools-interleaved,calls=2'] },
    unnumbered: { targets: ['sim/sim?tools-no-index,calls=2'] },
    embed: { targets: ['sim/sim-embedding'] },
  },
  retry: { attempts: 2, initial: '10ms' },
});
after(() => t.stop());

const official = createOpenAI({ baseURL: t.gw.url, apiKey: 'none' });
const compatible = createOpenAICompatible({ name: 'dragoman', baseURL: t.gw.url, apiKey: 'none', includeUsage: true });
const weather = { get_weather: tool({ description: 'The weather', inputSchema: z.looseObject({}), execute: async () => 'sunny' }) };
const prompt = 'Where does the caravan rest?';

for (const [name, model] of [['@ai-sdk/openai', (id) => official.chat(id)], ['@ai-sdk/openai-compatible', (id) => compatible(id)]]) {
  test(`${name}: generateText and streamText say the same`, async () => {
    const whole = await generateText({ model: model('chat'), prompt, maxRetries: 0 });
    assert.equal(whole.finishReason, 'stop');
    assert.equal(whole.usage.outputTokens, 10);
    const stream = streamText({ model: model('chat'), prompt, maxRetries: 0 });
    let text = '';
    for await (const piece of stream.textStream) text += piece;
    assert.equal(text, whole.text);
    assert.equal(await stream.finishReason, 'stop');
    assert.equal((await stream.usage).outputTokens, 10);
  });

  for (const alias of ['tools', 'unnumbered']) {
    test(`${name}: streamText with tools (${alias})`, async () => {
      const stream = streamText({ model: model(alias), prompt, tools: weather, stopWhen: stepCountIs(1), maxRetries: 0 });
      await stream.consumeStream();
      const calls = await stream.toolCalls;
      assert.equal(calls.length, 2);
      assert.equal(new Set(calls.map((c) => c.toolCallId)).size, 2);
      assert.ok(calls.every((c) => c.toolName === 'get_weather' && typeof c.input === 'object'));
      assert.deepEqual((await stream.toolResults).map((r) => r.output), ['sunny', 'sunny']);
    });
  }

  test(`${name}: a fallback is not noticed`, async () => {
    const stream = streamText({ model: model('falls'), prompt, maxRetries: 0 });
    let text = '';
    for await (const piece of stream.textStream) text += piece;
    assert.equal(text, (await generateText({ model: model('chat'), prompt, maxRetries: 0 })).text);
  });

  test(`${name}: errors carry status and message`, async () => {
    await assert.rejects(generateText({ model: model('nothing'), prompt, maxRetries: 0 }),
      (e) => e.statusCode === 404 && /nothing/.test(e.message));
    const errors = [];
    const stream = streamText({ model: model('sim/sim?cut-chunk,after=2,tokens=8'), prompt, maxRetries: 0, onError: ({ error }) => errors.push(error) });
    await stream.consumeStream();
    assert.equal(errors.length, 1, 'a cut stream is an error, not an end');
  });
}

test('@ai-sdk/openai-compatible: embeddings', async () => {
  const { embeddings } = await embedMany({ model: compatible.textEmbeddingModel('embed'), values: ['a', 'b'], maxRetries: 0 });
  assert.equal(embeddings.length, 2);
});

const langchain = (model, more = {}) => new ChatOpenAI({ model, apiKey: 'none', configuration: { baseURL: t.gw.url }, maxRetries: 0, ...more });

test('LangChain: invoke and stream say the same', async () => {
  const whole = await langchain('chat').invoke([new HumanMessage(prompt)]);
  assert.equal(whole.usage_metadata.output_tokens, 10);
  let text = '';
  let usage;
  for await (const c of await langchain('chat').stream([new HumanMessage(prompt)])) {
    text += c.content;
    usage = c.usage_metadata ?? usage;
  }
  assert.equal(text, whole.content);
  assert.equal(usage.output_tokens, 10);
});

test('LangChain: tools, whole and streamed', async () => {
  const getWeather = langchainTool(async () => 'sunny', { name: 'get_weather', description: 'The weather', schema: z.object({ place: z.string().optional() }) });
  for (const alias of ['tools', 'unnumbered']) {
    const bound = langchain(alias).bindTools([getWeather]);
    const whole = await bound.invoke(prompt);
    assert.equal(whole.tool_calls.length, 2);
    let sum;
    for await (const c of await bound.stream(prompt)) sum = sum ? sum.concat(c) : c;
    assert.equal(sum.tool_calls.length, 2, alias);
    assert.ok(sum.tool_calls.every((c) => c.name === 'get_weather'));
    assert.equal(new Set(sum.tool_calls.map((c) => c.id)).size, 2);
  }
});

test('LangChain: errors and embeddings', async () => {
  await assert.rejects(langchain('nothing').invoke(prompt), (e) => e.status === 404);
  await assert.rejects(async () => {
    for await (const c of await langchain('sim/sim?cut-chunk,after=2,tokens=8').stream(prompt)) assert.ok(c);
  });
  const vectors = await new OpenAIEmbeddings({ model: 'embed', apiKey: 'none', configuration: { baseURL: t.gw.url } }).embedDocuments(['a', 'b']);
  assert.equal(vectors.length, 2);
  assert.ok(vectors[0].length > 10);
});
