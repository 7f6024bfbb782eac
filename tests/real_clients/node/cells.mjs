// What every script of a client shares: where memproxy is, and how the cells of the matrix are run and reported.
export const BASE = process.env.CLIENT_BASE
export const HEADERS = JSON.parse(process.env.CLIENT_HEADERS)
export const KEY = "sk-client"
export const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }

// Argument: the question, which every cell asks in its own words; prints the answers as JSON.
export async function run(cells) {
  const answers = {}
  for (const [name, work] of Object.entries(cells)) answers[name] = await work(`${process.argv[2]} (${name})`)
  console.log(JSON.stringify(answers))
}
