// Shows the OpenAPI document as a list. Text only ever enters as text.
"use strict";

function make(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
}

// What stands between backquotes is code.
function words(text, name) {
  const node = make("span", undefined, name);
  for (const [at, part] of (text || "").split("`").entries()) node.append(at % 2 ? make("code", part) : part);
  return node;
}

function kind(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return [...new Set(schema.anyOf.map(kind))].join(" or ");
  if (schema.enum) return schema.enum.join(" | ");
  return schema.type === "array" ? "list of " + (kind(schema.items) || "anything") : schema.type || "";
}

function line(name, where, type, says) {
  const row = make("tr");
  const cell = make("td");
  const last = make("td");
  cell.append(make("code", name));
  last.append(words(says));
  row.append(cell, make("td", where, "dim"), make("td", type, "dim"), last);
  return row;
}

function body(api, operation) {
  const content = ((operation.requestBody || {}).content || {})["application/json"];
  if (!content) return [];
  const schema = content.schema.$ref ? api.components.schemas[content.schema.$ref.split("/").pop()] : content.schema;
  const must = schema.required || [];
  return Object.entries(schema.properties || {}).map(([name, one]) =>
    line(name, must.includes(name) ? "body, needed" : "body", kind(one), one.description));
}

function parts(api, operation) {
  const table = make("table");
  for (const one of operation.parameters || []) table.append(line(one.name, one.in, kind(one.schema), one.description));
  table.append(...body(api, operation));
  for (const [status, answer] of Object.entries(operation.responses || {})) {
    table.append(line(status, "answer", "", answer.description));
  }
  return table;
}

function route(api, path, method, operation) {
  const box = make("details");
  const head = make("summary");
  head.append(make("code", method.toUpperCase(), "method"), make("code", path), " ", words(operation.description, "dim"));
  box.append(head, parts(api, operation));
  return box;
}

fetch("/api/openapi.json").then((answer) => answer.json()).then((api) => {
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ["more"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(route(api, path, method, operation));
    }
  }
  const main = document.getElementById("routes");
  main.replaceChildren();
  for (const [tag, routes] of groups) main.append(make("h2", tag), ...routes);
}).catch((problem) => {
  document.getElementById("routes").textContent = "The list of routes could not be read: " + problem;
});
