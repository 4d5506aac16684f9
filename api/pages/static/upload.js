// The upload page: puts the parts together.

import { Announcer } from "./announce.js";
import { byId } from "./dom.js";
import { plural } from "./format.js";
import { Gallery } from "./gallery.js";
import { address } from "./http.js";
import { QueuePanel } from "./panel.js";
import { CANCELLED, DONE, FAILED, REFUSED, SENDING, UploadQueue, WAITING } from "./queue.js";
import { Reconciler } from "./reconcile.js";
import { examine } from "./sniff.js";
import { fromList, listen } from "./sources.js";
import { QueueStore } from "./store.js";
import { send } from "./transport.js";

const MOST_FILES = 10_000;
const MANY = 24;
const MANY_MS = 5000;

document.documentElement.classList.remove("no-script");
const form = byId("upload");
const input = byId("file");
const { label } = form.dataset;
const maxSize = Number(form.dataset.maxSize);
const reconciler = new Reconciler(label);
const announcer = new Announcer(byId("announcements"));
const gallery = new Gallery(label, form.dataset.pageSize, announcer);
const queue = new UploadQueue(start, { changed, progressed, paused, idle });
const panel = new QueuePanel(queue, bytesOf, (items) => store.remove(items));
let store = new QueueStore(null, label); // until the kept one is open
let arrived = [];
let order = Date.now() * 1000;
let adding = restore();

input.multiple = true;
input.required = false;
input.addEventListener("change", () => {
  take(fromList([...input.files]));
  input.value = ""; // so that choosing the same file again is a change
});
listen(form, take);
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("offline", () => queue.hold("You are offline.", 0));
addEventListener("online", () => queue.resume());
addEventListener("beforeunload", (event) => {
  const unsafe = (item) => !item.kept && (item.state === WAITING || item.state === SENDING);
  if ([...queue.items.values()].some(unsafe)) event.preventDefault();
});

/** Go on where the page was left. */
async function restore() {
  store = await QueueStore.open(label);
  const items = await store.load().catch(() => []);
  if (items.length === 0) return;
  for (const item of items) {
    item.file = null;
    reconciler.claim(item.key);
    if (item.state === SENDING) item.state = WAITING;
    if (!item.kept && item.state !== DONE && item.state !== REFUSED) {
      item.state = REFUSED;
      item.error = "There was no room to keep this file over the reload; choose it again.";
    }
  }
  const unfinished = items.filter((item) => item.state === WAITING).length;
  queue.add(items);
  panel.itemsChanged();
  if (unfinished) announcer.say(`Going on with ${plural(unfinished, "upload")} from before.`);
}

/** Add files, one source after the other. */
function take(batches) {
  adding = adding.then(() => addAll(batches)).catch((error) => console.error(error));
}

async function addAll(batches) {
  let added = 0;
  const refused = [];
  queue.expect(true);
  for await (const files of batches) {
    const room = MOST_FILES - queue.items.size;
    const items = await Promise.all(files.slice(0, room).map(itemOf));
    for (const item of items) {
      if (item.state === REFUSED) refused.push(item);
      else added += 1;
    }
    enqueue(items);
    if (files.length <= room) continue;
    announcer.say(`The queue holds ${plural(MOST_FILES, "file")}; the rest was left out.`);
    break;
  }
  if (added) announcer.say(`${plural(added, "file")} added.`);
  if (refused.length === 1) announcer.say(`${refused[0].name} was not taken: ${refused[0].error}`);
  if (refused.length > 1) announcer.say(`${plural(refused.length, "file")} were not taken.`);
  queue.expect(false);
}

async function itemOf(file) {
  const { type, refusal } = await examine(file, maxSize);
  order += 1;
  return {
    id: `${order.toString(36)}-${Math.random().toString(36).slice(2, 10)}`,
    order,
    name: file.name,
    size: file.size,
    type,
    state: refusal ? REFUSED : WAITING,
    error: refusal,
    file: refusal ? null : file,
    key: "",
    kept: false,
    inDoubt: false,
    sentAt: 0,
  };
}

function enqueue(items) {
  if (items.length === 0) return;
  queue.add(items);
  store.put(items);
  panel.itemsChanged();
}

function bytesOf(item) {
  return item.file ? Promise.resolve(item.file) : store.bytes(item.id).catch(() => null);
}

/** Upload one item: the queue's `start`. */
function start(item, on) {
  let upload = null;
  let aborted = false;
  const run = async () => {
    const file = await bytesOf(item);
    if (!file) return { kind: "gone" };
    const found = item.inDoubt ? await reconciler.find(item, file, () => !aborted) : null;
    if (found) return { kind: "stored", body: found };
    if (aborted) return { kind: "aborted" };
    // Kept before the first byte goes: of an upload that a reload cuts off nobody else knows that it was begun.
    if (!item.inDoubt) Object.assign(item, { inDoubt: true, sentAt: Date.now() });
    await store.update(item, true).catch((error) => console.warn("not kept over a reload:", error));
    if (aborted) return { kind: "aborted" };
    upload = send(address(`/upload/${label}`), file, item.name, on);
    const result = await upload.outcome;
    item.inDoubt = leavesDoubt(result);
    return result.kind === "lost" && !(await readable(file)) ? { kind: "gone" } : result;
  };
  const abort = () => {
    aborted = true;
    upload?.abort();
  };
  return { outcome: run().catch(() => ({ kind: "lost" })), abort };
}

/** Whether the server may have stored the file all the same: it has the whole body, and what it said is not known. */
function leavesDoubt({ kind, whole, status }) {
  if (kind === "refused") return status === 502 || status === 504; // of a gateway before the service
  return (kind === "lost" || kind === "aborted") && whole;
}

function readable(file) {
  return file.slice(0, 1).arrayBuffer().then(() => true, () => false);
}

function changed(item, before) {
  if (item.state === DONE) stored(item);
  if (item.state === CANCELLED) announcer.outcome("cancelled", item.name);
  if (before === SENDING && (item.state === FAILED || item.state === REFUSED)) {
    announcer.outcome("failed", item.name, item.error);
  }
  // After a reload it waits again; that it was begun, and when, is kept by start().
  if (item.state !== SENDING) store.update(item, item.state !== DONE && item.state !== REFUSED);
  panel.changed(item);
  if (byId("only-failed").checked) panel.itemsChanged();
}

function stored(item) {
  announcer.outcome("uploaded", item.name);
  item.key = item.result.key;
  reconciler.claim(item.key);
  arrived.push(item.result);
  // In a long queue not one by one: each new image would be fetched while it is at the top, beside the uploads.
  const wait = queue.counts[WAITING] > MANY ? MANY_MS : 0;
  if (arrived.length === 1) setTimeout(showArrived, wait);
  // The row needs neither any more; the file's bytes may be in memory.
  item.result = null;
  item.file = null;
}

function showArrived() {
  gallery.prepend(arrived);
  arrived = [];
}

function progressed(item) {
  panel.changed(item);
}

function paused() {
  if (queue.pause) announcer.say(`Uploads wait. ${queue.pause.reason}`);
  panel.changed();
}

function idle({ done, failed, cancelled }) {
  showArrived();
  const counted = [failed || cancelled ? `${done} uploaded` : `${plural(done, "file")} uploaded`];
  if (failed) counted.push(`${failed} failed`);
  if (cancelled) counted.push(`${cancelled} cancelled`);
  announcer.conclude(`All done: ${counted.join(", ")}.`);
}
