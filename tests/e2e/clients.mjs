// One way to ask, whichever API the client speaks: its official SDK, what it asks with, and how its answers are read.
// SPDX-License-Identifier: Apache-2.0
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

export const words = (s) => s.trim().split(/\s+/).length;
export const said = 'Where does the caravan rest?';
export const user = [{ role: 'user', content: said }];
export const schema = { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city', 'days'], additionalProperties: false };
export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

/** What OpenAI's SDK does not join of a streamed message, as a client joins it by itself. */
export function joined(runner) {
  const message = {};
  runner.on('chunk', (k) => {
    const delta = k.choices[0]?.delta ?? {};
    if (delta.reasoning_content) message.reasoning_content = (message.reasoning_content ?? '') + delta.reasoning_content;
    if (delta.thinking_blocks) message.thinking_blocks = [...(message.thinking_blocks ?? []), ...delta.thinking_blocks];
  });
  return message;
}

/** The clients of three APIs of a gateway (or a simulator). */
export function sdkClients({ url, origin }) {
  const openai = new OpenAI({ baseURL: url, apiKey: 'none', maxRetries: 0 });
  const claude = new Anthropic({ baseURL: origin, apiKey: 'none', maxRetries: 0 });
  return { openai, claude, clients: {
    chat: {
      tools: [{ type: 'function', function: { name: 'weather', description: 'Tells the weather.', parameters } }],
      async send(model, more = {}, stream = false) {
        const body = { model, messages: user, ...more };
        if (!stream) return openai.chat.completions.create(body);
        const told = openai.chat.completions.stream({ ...body, stream_options: { include_usage: true } });
        const rest = joined(told);
        const r = await told.finalChatCompletion();
        Object.assign(r.choices[0].message, rest);
        return r;
      },
      text: (r) => r.choices[0].message.content,
      thought: (r) => r.choices[0].message.reasoning_content,
      stop: (r) => r.choices[0].finish_reason,
      usage: (r) => [r.usage.prompt_tokens, r.usage.completion_tokens, r.usage.completion_tokens_details?.reasoning_tokens ?? 0],
      calls: (r) => r.choices[0].message.tool_calls.map((c) => ({ id: c.id, name: c.function.name, input: JSON.parse(c.function.arguments) })),
      stops: { end: 'stop', calls: 'tool_calls', length: 'length' },
      next: (r) => ({ messages: [...user, r.choices[0].message,
        ...(r.choices[0].message.tool_calls ?? []).map((c) => ({ role: 'tool', tool_call_id: c.id, content: 'sunny' })),
        ...(r.choices[0].message.tool_calls ? [] : [{ role: 'user', content: 'And then?' }])] }),
      system: (s) => ({ messages: [{ role: 'system', content: s }, ...user] }),
      image: { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } }] }] },
      limit: (n) => ({ max_tokens: n }),
      format: { response_format: { type: 'json_schema', json_schema: { name: 'trip', strict: true, schema } } },
      think: { reasoning_effort: 'low' },
      odd: { logit_bias: { 5: 1 } },
      APIError: OpenAI.APIError,
      errors: { 400: OpenAI.BadRequestError, 404: OpenAI.NotFoundError, 422: OpenAI.UnprocessableEntityError, 429: OpenAI.RateLimitError, 502: OpenAI.InternalServerError, 503: OpenAI.InternalServerError },
      body: (model, more) => ({ model, messages: user, ...more }),
      path: '/v1/chat/completions',
      isEnd: (e) => e.data === '[DONE]',
      isError: (e) => JSON.parse(e.data).error?.code === 'upstream_stream_truncated',
    },
    messages: {
      tools: [{ name: 'weather', description: 'Tells the weather.', input_schema: parameters }],
      async send(model, more = {}, stream = false) {
        const body = { model, max_tokens: 4096, messages: user, ...more };
        return stream ? claude.messages.stream(body).finalMessage() : claude.messages.create(body);
      },
      text: (r) => r.content.filter((b) => b.type === 'text').map((b) => b.text).join(''),
      thought: (r) => r.content.filter((b) => b.type === 'thinking').map((b) => b.thinking).join(''),
      stop: (r) => r.stop_reason,
      usage: (r) => [r.usage.input_tokens + (r.usage.cache_read_input_tokens ?? 0) + (r.usage.cache_creation_input_tokens ?? 0), r.usage.output_tokens,
        r.usage.output_tokens_details?.thinking_tokens ?? 0],
      calls: (r) => r.content.filter((b) => b.type === 'tool_use').map((b) => ({ id: b.id, name: b.name, input: b.input })),
      stops: { end: 'end_turn', calls: 'tool_use', length: 'max_tokens' },
      next: (r) => ({ messages: [...user, { role: 'assistant', content: r.content },
        { role: 'user', content: r.content.some((b) => b.type === 'tool_use')
          ? r.content.filter((b) => b.type === 'tool_use').map((b) => ({ type: 'tool_result', tool_use_id: b.id, content: 'sunny' })) : 'And then?' }] }),
      system: (s) => ({ system: s }),
      image: { messages: [{ role: 'user', content: [{ type: 'text', text: 'What is this?' }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } }] }] },
      limit: (n) => ({ max_tokens: n }),
      format: { output_config: { format: { type: 'json_schema', schema } } },
      think: { thinking: { type: 'enabled', budget_tokens: 1024 } },
      odd: { container: 'c_1' },
      APIError: Anthropic.APIError,
      errors: { 400: Anthropic.BadRequestError, 404: Anthropic.NotFoundError, 422: Anthropic.UnprocessableEntityError, 429: Anthropic.RateLimitError, 502: Anthropic.InternalServerError, 503: Anthropic.InternalServerError },
      body: (model, more) => ({ model, max_tokens: 99, messages: user, ...more }),
      path: '/v1/messages',
      isEnd: (e) => e.name === 'message_stop',
      isError: (e) => e.name === 'error',
    },
    responses: {
      tools: [{ type: 'function', name: 'weather', description: 'Tells the weather.', parameters, strict: true }],
      async send(model, more = {}, stream = false) {
        const body = { model, input: said, include: ['reasoning.encrypted_content'], ...more };
        return stream ? openai.responses.stream(body).finalResponse() : openai.responses.create(body);
      },
      text: (r) => r.output_text,
      thought: (r) => r.output.filter((i) => i.type === 'reasoning').flatMap((i) => i.summary).map((s) => s.text).join(''),
      stop: (r) => r.incomplete_details?.reason ?? (r.output.some((i) => i.type === 'function_call') ? 'calls' : r.status),
      usage: (r) => [r.usage.input_tokens, r.usage.output_tokens, r.usage.output_tokens_details.reasoning_tokens],
      calls: (r) => r.output.filter((i) => i.type === 'function_call').map((c) => ({ id: c.call_id, name: c.name, input: JSON.parse(c.arguments) })),
      stops: { end: 'completed', calls: 'calls', length: 'max_output_tokens' },
      next: (r) => ({ input: [...user, ...r.output.map(({ parsed_arguments, ...i }) => i), ...r.output.filter((i) => i.type === 'function_call').map((c) => ({ type: 'function_call_output', call_id: c.call_id, output: 'sunny' }))] }),
      system: (s) => ({ instructions: s }),
      image: { input: [{ role: 'user', content: [{ type: 'input_text', text: 'What is this?' }, { type: 'input_image', image_url: `data:image/png;base64,${PIXEL}`, detail: 'auto' }] }] },
      limit: (n) => ({ max_output_tokens: n }),
      format: { text: { format: { type: 'json_schema', name: 'trip', strict: true, schema } } },
      think: { reasoning: { effort: 'low', summary: 'auto' } },
      body: (model, more) => ({ model, input: said, ...more }),
      path: '/v1/responses',
      isEnd: (e) => ['response.completed', 'response.incomplete'].includes(e.name),
      isError: (e) => e.name === 'error',
    },
  } };
}
