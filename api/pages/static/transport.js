// One upload over the wire. XMLHttpRequest, since fetch() does not tell how much of a body has been sent.

import { Speed } from "./speed.js";

const STALL_MS = 120_000;

/**
 * Send `file` as the form field `file`.
 * @param on `progress(sent, perSecond)` while the body is sent.
 * @returns {{outcome: Promise<object>, abort: () => void}} the outcome never rejects; its `kind` is "stored" (with
 *   `body`), "refused" (with `status`, `error`, `wait` in seconds or 0), "lost" or "aborted"; `whole` says whether all of
 *   the body was under way by then.
 */
export function send(url, file, name, on) {
  const request = new XMLHttpRequest();
  const speed = new Speed(2);
  let stalled = 0;
  let whole = false;
  let resolve;
  const outcome = new Promise((done) => {
    resolve = (result) => {
      clearTimeout(stalled);
      done({ ...result, whole });
    };
  });
  const watch = () => {
    clearTimeout(stalled);
    stalled = setTimeout(() => {
      resolve({ kind: "lost" });
      request.abort();
    }, STALL_MS);
  };
  request.upload.addEventListener("progress", (event) => {
    watch();
    // The form's own framing counts as sent too; the file is all that people know of.
    on.progress(Math.min(event.loaded, file.size), speed.at(event.loaded));
  });
  request.upload.addEventListener("load", () => {
    watch();
    whole = true;
  });
  request.addEventListener("load", () => resolve(answer(request)));
  request.addEventListener("error", () => resolve({ kind: "lost" }));
  request.addEventListener("abort", () => resolve({ kind: "aborted" }));
  request.open("POST", url);
  request.setRequestHeader("Accept", "application/json");
  const form = new FormData();
  form.append("file", file, name);
  watch();
  request.send(form);
  return { outcome, abort: () => request.abort() };
}

function answer(request) {
  let body = null;
  try {
    body = JSON.parse(request.responseText);
  } catch {
    // A proxy's own error page; its status is all that there is.
  }
  if (request.status >= 200 && request.status < 300 && body) return { kind: "stored", body };
  const error = body?.error ?? `The server answered ${request.status}; try again.`;
  return { kind: "refused", status: request.status, error, wait: Number(request.getResponseHeader("Retry-After")) || 0 };
}
