// openai (Node), chat completions.
import OpenAI from "openai"
import { BASE, HEADERS, KEY, SCHEMA, run } from "./cells.mjs"

const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: KEY, defaultHeaders: HEADERS })
const tools = [{ type: "function", function: { name: "weather", parameters: SCHEMA } }]
const asked = (question) => [{ role: "user", content: question }]

await run({
  async plain(question) {
    return (await client.chat.completions.create({ model: "m", messages: asked(question) })).choices[0].message.content
  },
  async stream(question) {
    let text = ""
    for await (const chunk of await client.chat.completions.create({ model: "m", messages: asked(question), stream: true }))
      text += chunk.choices[0]?.delta?.content ?? ""
    return text
  },
  async tools(question) {
    const messages = asked(question)
    const call = (await client.chat.completions.create({ model: "m", messages, tools })).choices[0].message
    messages.push(call, ...call.tool_calls.map((one) => ({ role: "tool", tool_call_id: one.id, content: "18 degrees" })))
    return (await client.chat.completions.create({ model: "m", messages, tools })).choices[0].message.content
  },
})
