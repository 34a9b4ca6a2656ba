// Shows the OpenAPI document as a list. Text only ever enters as text.
"use strict";

function make(tag, text, name) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (name) node.className = name;
  return node;
}

function parameters(operation) {
  const table = make("table");
  for (const parameter of operation.parameters || []) {
    const row = make("tr");
    const cell = make("td");
    cell.append(make("code", parameter.name));
    row.append(cell, make("td", parameter.in, "dim"), make("td", parameter.description || ""));
    table.append(row);
  }
  return table;
}

function route(path, method, operation) {
  const box = make("details");
  const head = make("summary");
  head.append(make("code", method.toUpperCase(), "method"), make("code", path), " ", make("span", operation.description || "", "dim"));
  box.append(head, parameters(operation));
  return box;
}

fetch("/api/openapi.json").then((answer) => answer.json()).then((api) => {
  const groups = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ["more"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(route(path, method, operation));
    }
  }
  const main = document.getElementById("routes");
  main.replaceChildren();
  for (const [tag, routes] of groups) main.append(make("h2", tag), ...routes);
}).catch((problem) => {
  document.getElementById("routes").textContent = "The list of routes could not be read: " + problem;
});
