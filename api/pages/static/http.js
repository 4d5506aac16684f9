// Requests to this service; an answer that is no success becomes an Error with the server's own sentence.

const ROOT = document.documentElement.dataset.root ?? "";

/** Where a path of this service is: the service may be mounted below a prefix, as on a stage of an API Gateway. */
export function address(path) {
  return ROOT + path;
}

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The JSON of an answer; `url` is from `address`. `options.json` is sent as the body. */
export async function ask(method, url, options = {}) {
  return (await askTimed(method, url, options)).members;
}

/** The same as {members, ahead}: `ahead` is by how many milliseconds the server's clock is ahead, to about a second. */
export async function askTimed(method, url, { json, headers = {} } = {}) {
  const body = json === undefined ? undefined : JSON.stringify(json);
  const typed = body === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(url, { method, body, headers: { Accept: "application/json", ...typed, ...headers } });
  } catch {
    throw new Refused(0, "The server can not be reached; check the connection and try again.");
  }
  let members = null;
  try {
    members = await answer.json();
  } catch {
    // A proxy's own error page; its status is all that there is.
  }
  if (!answer.ok || members === null) {
    throw new Refused(answer.status, members?.error ?? `The server answered ${answer.status}; try again.`);
  }
  return { members, ahead: (Date.parse(answer.headers.get("Date")) || Date.now()) - Date.now() };
}

export function imageUrl(key, versionId = "") {
  const query = versionId ? `?version=${encodeURIComponent(versionId)}` : "";
  return address(`/image/${encodeURIComponent(key)}${query}`);
}

/** An image's versions and delete markers, newest first. */
export async function versionsOf(key) {
  return (await ask("GET", address(`/image/${encodeURIComponent(key)}/versions`))).versions;
}

/** Make a version the newest one; returns the image. */
export function restore(key, versionId, headers = {}) {
  return ask("POST", address(`/image/${encodeURIComponent(key)}/restore`), { json: { version_id: versionId }, headers });
}

/** Undo a delete: make the newest version that has bytes current again. */
export async function undelete(key, headers = {}) {
  const newest = (await versionsOf(key)).find((version) => !version.deleted);
  if (!newest) throw new Refused(404, "This image has no version left.");
  return restore(key, newest.version_id, headers);
}
