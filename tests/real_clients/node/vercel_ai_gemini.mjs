// Vercel's AI SDK over Gemini.
import { createGoogleGenerativeAI } from "@ai-sdk/google"
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai"
import { BASE, HEADERS, KEY, SCHEMA, run } from "./cells.mjs"

const model = createGoogleGenerativeAI({ baseURL: `${BASE}/v1beta`, apiKey: KEY, headers: HEADERS })("m")
const tools = { weather: tool({ inputSchema: jsonSchema(SCHEMA), execute: async () => "18 degrees" }) }

await run({
  plain: async (prompt) => (await generateText({ model, prompt })).text,
  stream: async (prompt) => await streamText({ model, prompt }).text,
  tools: async (prompt) => (await generateText({ model, prompt, tools, stopWhen: stepCountIs(3) })).text,
})
