// openai (Node), Responses.
import OpenAI from "openai"
import { BASE, HEADERS, KEY, SCHEMA, run } from "./cells.mjs"

const client = new OpenAI({ baseURL: `${BASE}/v1`, apiKey: KEY, defaultHeaders: HEADERS })
const tools = [{ type: "function", name: "weather", parameters: SCHEMA, strict: false }]

await run({
  async plain(question) {
    return (await client.responses.create({ model: "m", input: question })).output_text
  },
  async stream(question) {
    let text = ""
    for await (const event of await client.responses.create({ model: "m", input: question, stream: true }))
      if (event.type === "response.output_text.delta") text += event.delta
    return text
  },
  async tools(question) {
    const first = await client.responses.create({ model: "m", input: question, tools })
    const input = first.output
      .filter((item) => item.type === "function_call")
      .map((item) => ({ type: "function_call_output", call_id: item.call_id, output: "18 degrees" }))
    return (await client.responses.create({ model: "m", previous_response_id: first.id, input, tools })).output_text
  },
})
