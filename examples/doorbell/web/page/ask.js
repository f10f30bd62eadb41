// Requests to the server, and what went wrong with them.

export class Refused extends Error {
  constructor(status, body) {
    super(sentence(body.error || `The camera answered with ${status}`));
    this.status = status;
    this.path = body.path || "";
    this.revision = body.revision || "";
  }
}

// Who is let in no more asks again only after a minute, or when somebody comes back to the
// page: a page left open over a night would be wrong a thousand times.
const rest = 60000; // ms
let refused = null; // with 401, the last time
let restsUntil = 0;
const back = () => { restsUntil = 0; };
addEventListener("focus", back);
document.addEventListener("visibilitychange", back);

// ask sends a request and returns the response, or throws Refused for one that
// was refused and TypeError when there was no answer.
export async function ask(method, url, { body, headers = {}, keepalive = false, timeout = 20000 } = {}) {
  if (refused && performance.now() < restsUntil) throw refused;
  const options = { method, headers, body, keepalive, credentials: "same-origin" };
  if (!keepalive) options.signal = AbortSignal.timeout(timeout);
  const response = await fetch(url, options);
  if (response.ok) {
    refused = null;
    return response;
  }
  const text = await response.text();
  let fault;
  try {
    fault = JSON.parse(text);
  } catch {
    fault = { error: text.trim() };
  }
  const error = new Refused(response.status, fault);
  if (response.status === 401) {
    refused = error;
    restsUntil = performance.now() + rest;
  }
  throw error;
}

// sentence makes a sentence of an error's text.
const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

export const byId = (id) => document.getElementById(id);

// say sets a text only if it differs, so that screen readers do not repeat it.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
