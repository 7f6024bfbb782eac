// Vercel's AI SDK over Anthropic Messages.
import { createAnthropic } from "@ai-sdk/anthropic"
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai"
import { BASE, HEADERS, KEY, SCHEMA, run } from "./cells.mjs"

const model = createAnthropic({ baseURL: `${BASE}/v1`, apiKey: KEY, headers: HEADERS })("m")
const tools = { weather: tool({ inputSchema: jsonSchema(SCHEMA), execute: async () => "18 degrees" }) }

await run({
  plain: async (prompt) => (await generateText({ model, prompt })).text,
  stream: async (prompt) => await streamText({ model, prompt }).text,
  tools: async (prompt) => (await generateText({ model, prompt, tools, stopWhen: stepCountIs(3) })).text,
})
