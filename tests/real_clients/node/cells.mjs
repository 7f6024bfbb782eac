// What every script of a client shares: where memproxy is, and how a cell of the matrix is chosen and reported.
export const BASE = process.env.CLIENT_BASE
export const HEADERS = JSON.parse(process.env.CLIENT_HEADERS)
export const KEY = "sk-client"
export const SCHEMA = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }

export async function run(cells) {
  const [name, question] = process.argv.slice(2)
  console.log(JSON.stringify(name === "cells" ? Object.keys(cells) : { answer: await cells[name](question) }))
}
