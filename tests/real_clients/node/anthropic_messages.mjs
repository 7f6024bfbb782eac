// @anthropic-ai/sdk (Node).
import Anthropic from "@anthropic-ai/sdk"
import { BASE, HEADERS, KEY, SCHEMA, run } from "./cells.mjs"

const client = new Anthropic({ baseURL: BASE, apiKey: KEY, defaultHeaders: HEADERS })
const tools = [{ name: "weather", input_schema: SCHEMA }]
const common = { model: "m", max_tokens: 100 }

await run({
  async plain(question) {
    return (await client.messages.create({ ...common, messages: [{ role: "user", content: question }] })).content[0].text
  },
  async stream(question) {
    return await client.messages.stream({ ...common, messages: [{ role: "user", content: question }] }).finalText()
  },
  async tools(question) {
    const messages = [{ role: "user", content: question }]
    const first = await client.messages.create({ ...common, messages, tools })
    const results = first.content
      .filter((block) => block.type === "tool_use")
      .map((block) => ({ type: "tool_result", tool_use_id: block.id, content: "18 degrees" }))
    messages.push({ role: "assistant", content: first.content }, { role: "user", content: results })
    return (await client.messages.create({ ...common, messages, tools })).content[0].text
  },
})
