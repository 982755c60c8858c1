/*
 * dialect_gemini_shape.c - what a request to Gemini may say.
 *
 * After google.ai.generativelanguage.v1beta as the official SDK writes it.  Names are in camel case
 * here; protobuf's JSON takes them in snake case too.  A schema is the subset of OpenAPI that the
 * service knows: what JSON Schema has beyond it ("additionalProperties", "$ref") it refuses.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sim/dialect_gemini.h"

/* protobuf writes 64-bit integers as strings and reads both. */
#define INT64 (SHAPE_INT | SHAPE_STRING)
#define TEXT SHAPE_STRING

static const struct shape schema, schemas = {.each = &schema};
static const struct shape_member schema_members[] = {
    SHAPE("type", TEXT),
    SHAPE("format", TEXT),
    SHAPE("title", TEXT),
    SHAPE("description", TEXT),
    SHAPE("nullable", SHAPE_BOOL),
    SHAPE("enum", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("maxItems", INT64),
    SHAPE("minItems", INT64),
    SHAPE_IN("properties", SHAPE_OBJECT, &schemas),
    SHAPE("required", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("minProperties", INT64),
    SHAPE("maxProperties", INT64),
    SHAPE("minLength", INT64),
    SHAPE("maxLength", INT64),
    SHAPE("pattern", TEXT),
    SHAPE("example", SHAPE_ANY),
    SHAPE_IN("anyOf", SHAPE_ARRAY, &schema),
    SHAPE("propertyOrdering", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("default", SHAPE_ANY),
    SHAPE_IN("items", SHAPE_OBJECT, &schema),
    SHAPE("minimum", SHAPE_NUMBER),
    SHAPE("maximum", SHAPE_NUMBER),
};
static const struct shape schema = {SHAPE_OF(schema_members)};

/* ---- Content */

static const struct shape_member blob_members[] = {SHAPE("mimeType", TEXT), SHAPE("data", TEXT)};
static const struct shape_member file_members[] = {SHAPE("mimeType", TEXT), SHAPE("fileUri", TEXT)};
static const struct shape_member call_members[] = {SHAPE("id", TEXT), SHAPE("name", TEXT),
                                                   SHAPE("args", SHAPE_OBJECT)};
static const struct shape_member response_members[] = {
    SHAPE("id", TEXT),
    SHAPE("name", TEXT),
    SHAPE("response", SHAPE_OBJECT),
    SHAPE("parts", SHAPE_ARRAY),
    SHAPE("willContinue", SHAPE_BOOL),
    SHAPE("scheduling", TEXT),
};
static const struct shape blob = {SHAPE_OF(blob_members)}, file = {SHAPE_OF(file_members)},
                          call = {SHAPE_OF(call_members)}, response = {SHAPE_OF(response_members)};

static const struct shape_member part_members[] = {
    SHAPE("text", TEXT),
    SHAPE_IN("inlineData", SHAPE_OBJECT, &blob),
    SHAPE_IN("fileData", SHAPE_OBJECT, &file),
    SHAPE_IN("functionCall", SHAPE_OBJECT, &call),
    SHAPE_IN("functionResponse", SHAPE_OBJECT, &response),
    SHAPE("executableCode", SHAPE_OBJECT),
    SHAPE("codeExecutionResult", SHAPE_OBJECT),
    SHAPE("thought", SHAPE_BOOL),
    SHAPE("thoughtSignature", TEXT),
    SHAPE("videoMetadata", SHAPE_OBJECT),
    SHAPE("mediaResolution", SHAPE_OBJECT),
    SHAPE("partMetadata", SHAPE_OBJECT),
};
static const struct shape part = {SHAPE_OF(part_members)};
static const struct shape_member content_members[] = {
    SHAPE("role", TEXT), SHAPE_IN("parts", SHAPE_ARRAY | SHAPE_OBJECT, &part)};
static const struct shape content = {SHAPE_OF(content_members)};

/* ---- Tools */

static const struct shape_member function_members[] = {
    SHAPE("name", TEXT),
    SHAPE("description", TEXT),
    SHAPE("behavior", TEXT),
    SHAPE_IN("parameters", SHAPE_OBJECT, &schema),
    SHAPE("parametersJsonSchema", SHAPE_ANY),
    SHAPE_IN("response", SHAPE_OBJECT, &schema),
    SHAPE("responseJsonSchema", SHAPE_ANY),
};
static const struct shape function = {SHAPE_OF(function_members)};
static const struct shape_member tool_members[] = {
    SHAPE_IN("functionDeclarations", SHAPE_ARRAY, &function),
    SHAPE("googleSearch", SHAPE_OBJECT),
    SHAPE("googleSearchRetrieval", SHAPE_OBJECT),
    SHAPE("codeExecution", SHAPE_OBJECT),
    SHAPE("urlContext", SHAPE_OBJECT),
    SHAPE("computerUse", SHAPE_OBJECT),
    SHAPE("fileSearch", SHAPE_OBJECT),
    SHAPE("googleMaps", SHAPE_OBJECT),
};
static const struct shape tool = {SHAPE_OF(tool_members)};
static const struct shape_member calling_members[] = {
    SHAPE_AMONG("mode", TEXT, "MODE_UNSPECIFIED AUTO ANY NONE VALIDATED"),
    SHAPE("allowedFunctionNames", SHAPE_ARRAY | SHAPE_TEXTS),
};
static const struct shape calling = {SHAPE_OF(calling_members)};
static const struct shape_member tool_config_members[] = {
    SHAPE_IN("functionCallingConfig", SHAPE_OBJECT, &calling),
    SHAPE("retrievalConfig", SHAPE_OBJECT),
    SHAPE("includeServerSideToolInvocations", SHAPE_BOOL),
};
static const struct shape tool_config = {SHAPE_OF(tool_config_members)};

/* ---- The whole */

static const struct shape_member thinking_members[] = {
    SHAPE("includeThoughts", SHAPE_BOOL),
    SHAPE("thinkingBudget", SHAPE_INT),
    SHAPE("thinkingLevel", TEXT),
};
static const struct shape thinking = {SHAPE_OF(thinking_members)};
static const struct shape_member config_members[] = {
    SHAPE("candidateCount", SHAPE_INT),
    SHAPE("stopSequences", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("maxOutputTokens", SHAPE_INT),
    SHAPE("temperature", SHAPE_NUMBER),
    SHAPE("topP", SHAPE_NUMBER),
    SHAPE("topK", SHAPE_NUMBER),
    SHAPE("seed", SHAPE_INT),
    SHAPE("presencePenalty", SHAPE_NUMBER),
    SHAPE("frequencyPenalty", SHAPE_NUMBER),
    SHAPE("responseLogprobs", SHAPE_BOOL),
    SHAPE("logprobs", SHAPE_INT),
    SHAPE("responseMimeType", TEXT),
    SHAPE_IN("responseSchema", SHAPE_OBJECT, &schema),
    SHAPE("responseJsonSchema", SHAPE_ANY),
    SHAPE("_responseJsonSchema", SHAPE_ANY),
    SHAPE("responseModalities", SHAPE_ARRAY | SHAPE_TEXTS),
    SHAPE("speechConfig", SHAPE_OBJECT),
    SHAPE_IN("thinkingConfig", SHAPE_OBJECT, &thinking),
    SHAPE("imageConfig", SHAPE_OBJECT),
    SHAPE("mediaResolution", TEXT),
    SHAPE("enableEnhancedCivicAnswers", SHAPE_BOOL),
};
static const struct shape config = {SHAPE_OF(config_members)};
static const struct shape_member safety_members[] = {SHAPE("category", TEXT),
                                                     SHAPE("threshold", TEXT)};
static const struct shape safety = {SHAPE_OF(safety_members)};

static const struct shape_member generate_members[] = {
    SHAPE("model", TEXT),
    SHAPE_IN("contents", SHAPE_ARRAY | SHAPE_OBJECT, &content),
    SHAPE_IN("systemInstruction", SHAPE_OBJECT, &content),
    SHAPE_IN("tools", SHAPE_ARRAY | SHAPE_OBJECT, &tool),
    SHAPE_IN("toolConfig", SHAPE_OBJECT, &tool_config),
    SHAPE_IN("safetySettings", SHAPE_ARRAY, &safety),
    SHAPE_IN("generationConfig", SHAPE_OBJECT, &config),
    SHAPE("cachedContent", TEXT),
    SHAPE("serviceTier", TEXT),
    SHAPE("store", SHAPE_BOOL),
};
const struct shape sim_gemini_generate = {SHAPE_OF(generate_members)};
static const struct shape_member count_members[] = {
    SHAPE_IN("contents", SHAPE_ARRAY | SHAPE_OBJECT, &content),
    SHAPE_IN("generateContentRequest", SHAPE_OBJECT, &sim_gemini_generate),
};
const struct shape sim_gemini_count = {SHAPE_OF(count_members)};

/* ---- Embeddings */

static const struct shape_member embed_members[] = {
    SHAPE("model", TEXT), SHAPE_IN("content", SHAPE_OBJECT, &content), SHAPE("taskType", TEXT),
    SHAPE("title", TEXT), SHAPE("outputDimensionality", SHAPE_INT),
};
const struct shape sim_gemini_embed = {SHAPE_OF(embed_members)};
static const struct shape_member batch_members[] = {
    SHAPE_IN("requests", SHAPE_ARRAY, &sim_gemini_embed)};
const struct shape sim_gemini_embed_batch = {SHAPE_OF(batch_members)};
