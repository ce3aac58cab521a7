
"use strict";

// The page's own address without its last part is where the API is: behind a proxy, perhaps under a prefix.
// The page is at /docs, and at /docs/ as well.
const base = new URL(location.pathname.endsWith("/") ? ".." : ".", location.href);
let document_;

// Text becomes text, never markup.
function el(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children.flat().filter((child) => child !== undefined && child !== ""));
  return element;
}

function deref(node) {
  if (!node || !node.$ref) return node;
  const found = node.$ref.slice(2).split("/").reduce((at, key) => at[key], document_);
  return { ...deref(found), ...node, $ref: undefined };
}

// Of Markdown, what the document has: paragraphs, `code` and [links](https://…).
function prose(text) {
  return (text || "").split("\n\n").filter(Boolean).map((paragraph) => el("p", {}, inline(paragraph)));
}

function inline(text) {
  return (text || "").split(/(`[^`]+`|\[[^\]]+\]\(https:[^)]+\))/).map((part) => {
    const link = /^\[(.+)\]\((.+)\)$/.exec(part);
    if (link) return el("a", { href: link[2], rel: "noreferrer" }, link[1]);
    return part.startsWith("`") ? el("code", {}, part.slice(1, -1)) : part;
  });
}

function kindOf(schema) {
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.anyOf || schema.oneOf) return (schema.anyOf || schema.oneOf).map((one) => kindOf(deref(one))).join(" or ");
  if (schema.type === "array") return `array of ${kindOf(deref(schema.items))}`;
  const kind = [schema.type || "any"].flat().join(" or ");
  const range = [
    ["minLength", "at least", "characters"], ["maxLength", "at most", "characters"],
    ["minimum", "at least", ""], ["maximum", "at most", ""], ["maxItems", "at most", "items"],
  ].filter(([key]) => key in schema).map(([key, word, unit]) => `${word} ${schema[key]} ${unit}`.trim());
  return [kind, schema.format, ...range].filter(Boolean).join(", ");
}

// What an object consists of, and the objects within it.
function fields(given) {
  const schema = deref(given);
  if (schema.type === "array") return fields(schema.items);
  const choices = schema.oneOf || [];
  if (choices.length) return el("ul", {}, choices.map((one) => el("li", {}, inline(deref(one).description || "either"), fields(one) || "")));
  if (!schema.properties) return undefined;
  const required = schema.required || [];
  return el("ul", {}, Object.entries(schema.properties).map(([name, property]) => {
    const inner = deref(property);
    return el("li", {},
      el("code", {}, name), " ",
      el("span", { className: "kind" }, `${kindOf(inner)}${required.includes(name) ? "" : ", optional"}`), " ",
      inline(inner.description), inner.enum && inner.enum.length < 6 ? ` One of ${inner.enum.map((one) => JSON.stringify(one)).join(", ")}.` : "",
      fields(inner) || "");
  }));
}

function examplesOf(media) {
  if (media.examples) return Object.entries(media.examples).map(([name, one]) => [name, one.value]);
  return "example" in media ? [["", media.example]] : [];
}

function show(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function response([status, given]) {
  const described = deref(given);
  const headers = Object.entries(described.headers || {}).filter(([name]) => name !== "X-Request-Id");
  const media = Object.entries(described.content || {});
  const about = media.flatMap(([type, one]) => [
    el("p", { className: "kind" }, type),
    type === "application/problem+json" ? "" : fields(one.schema) || "",
    examplesOf(one).map(([name, value]) => [name ? el("p", {}, el("code", {}, name)) : "", el("pre", {}, show(value))]),
  ]);
  return el("details", {},
    el("summary", {}, el("span", { className: "status" }, status), " ", inline(described.description)),
    headers.length ? el("ul", {}, headers.map(([name, one]) => el("li", {}, el("code", {}, name), " ", inline(deref(one).description)))) : "",
    about.flat(3));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// A body in the media type that was chosen, out of the JSON that was typed.
function encode(type, text) {
  if (type !== "application/x-www-form-urlencoded") return text;
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(JSON.parse(text))) form.append(name, [value].flat().join(" "));
  return form.toString();
}

function requestOf(method, path, inputs, body, operation) {
  let filled = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const [parameter, input] of inputs) {
    const value = input.value.trim();
    if (parameter.in === "path") filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value && parameter.in === "header") headers[parameter.name] = value;
    else if (value && parameter.schema.type === "array") value.split(/\s+/).forEach((one) => query.append(parameter.name, one));
    else if (value) query.append(parameter.name, value);
  }
  const token = document.getElementById("token").value.trim();
  if (operation.security.length && token) headers.Authorization = `Bearer ${token}`;
  const request = { method: method.toUpperCase(), headers, redirect: "error", credentials: "omit", cache: "no-store" };
  if (body) {
    headers["Content-Type"] = body.type.value;
    request.body = encode(body.type.value, body.text.value);
  }
  const url = new URL(filled.slice(1), base);
  url.search = query.toString();
  return [url, request];
}

function curl(url, request) {
  const headers = Object.entries(request.headers).map(([name, value]) =>
    `-H ${name === "Authorization" ? '"Authorization: Bearer $TOKEN"' : quoted(`${name}: ${value}`)}`);
  const body = request.body === undefined ? [] : [`--data-raw ${quoted(request.body)}`];
  return ["curl -i", request.method === "GET" ? [] : [`-X ${request.method}`], quoted(url.href), headers, body].flat().join(" ");
}

async function send(url, request, out) {
  out.replaceChildren(el("pre", {}, curl(url, request)), "…");
  const answer = await fetch(url, request);
  const text = await answer.text();
  const isJson = (answer.headers.get("Content-Type") || "").includes("json");
  const value = isJson ? JSON.parse(text) : text;
  const head = [...answer.headers].map(([name, one]) => `${name}: ${one}`).join("\n");
  const token = isJson && value.token_type === "Bearer" && value.token;
  out.replaceChildren(
    el("pre", {}, curl(url, request)),
    el("p", { className: "status" }, `${answer.status} ${answer.statusText}`),
    el("pre", {}, `${head}\n\n${show(value)}`),
    token ? el("button", { type: "button", onclick: () => { document.getElementById("token").value = token; } }, "Use this token") : "");
}

function bodyInputs(described) {
  if (!described) return undefined;
  const media = Object.entries(described.content);
  const type = el("select", {}, media.map(([name]) => el("option", {}, name)));
  return { type, text: el("textarea", { spellcheck: false }, show(examplesOf(media[0][1])[0][1])) };
}

function tryIt(method, path, operation, parameters) {
  const inputs = parameters.map((parameter) =>
    [parameter, el("input", { required: parameter.in === "path", spellcheck: false, placeholder: [parameter.example].flat().join(" ") })]);
  const body = bodyInputs(operation.requestBody);
  const out = el("div", { role: "status" });
  const form = el("form", {},
    inputs.map(([parameter, input]) => el("label", {}, `${parameter.name} (${parameter.in})`, input)),
    body ? [el("label", {}, "Sent as ", body.type), el("label", {}, "Body, in JSON", body.text)] : "",
    el("button", {}, "Send"), out);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await send(...requestOf(method, path, inputs, body, operation), out);
    } catch (error) {
      out.replaceChildren(el("p", { className: "status" }, String(error)));
    }
  });
  return form;
}

function needs(operation) {
  if (!operation.security.length) return "";
  const scopes = operation.security.flatMap((one) => one.token);
  return el("span", { className: "needs" }, scopes.length ? `a token with ${scopes.join(", ")}` : "a token");
}

function operation([path, method, described, shared]) {
  const parameters = [...shared, ...(described.parameters || [])].map(deref);
  const section = el("details", { className: "operation", id: described.operationId },
    el("summary", {}, el("span", { className: "method" }, method.toUpperCase()), el("code", {}, path), described.summary, needs(described)));
  // Filled when it is opened first: most are not.
  section.addEventListener("toggle", () => section.append(
    ...prose(described.description),
    parameters.length ? el("h3", {}, "Parameters") : "",
    el("ul", {}, parameters.map((one) => el("li", {}, el("code", {}, one.name), " ",
      el("span", { className: "kind" }, `${one.in}, ${kindOf(deref(one.schema))}`), " ", inline(one.description)))),
    ...(described.requestBody ? [el("h3", {}, "Body"), el("p", { className: "kind" }, Object.keys(described.requestBody.content).join(" or ")),
      fields(Object.values(described.requestBody.content)[0].schema)] : []),
    el("h3", {}, "Answers"), ...Object.entries(described.responses).map(response),
    el("h3", {}, "Try it"), tryIt(method, path, described, parameters)), { once: true });
  return section;
}

function render() {
  const operations = Object.entries(document_.paths).flatMap(([path, { parameters = [], ...methods }]) =>
    Object.entries(methods).map(([method, described]) => [path, method, described, parameters]));
  const { info } = document_;
  document.querySelector("main").replaceChildren(
    el("h1", {}, `${info.title} ${info.version}`), ...prose(info.description),
    el("p", {}, "The document itself: ", el("a", { href: new URL("openapi.json", base) }, "openapi.json"), "."),
    el("label", { className: "token" }, "Your token, for what needs one; it is kept nowhere but on this page",
      el("input", { id: "token", type: "password", autocomplete: "off", placeholder: "jtn_…" })),
    ...document_.tags.flatMap((tag) => [el("h2", {}, tag.name), ...prose(tag.description),
      ...operations.filter(([, , described]) => described.tags.includes(tag.name)).map(operation)]));
  const linked = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (linked) {
    linked.open = true;
    linked.scrollIntoView();
  }
}

fetch(new URL("openapi.json", base)).then((answer) => answer.json()).then((json) => {
  document_ = json;
  render();
}).catch((error) => document.querySelector("main").replaceChildren(el("p", {}, `The document cannot be shown: ${error}`)));
