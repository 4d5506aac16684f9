// The queue's memory over a reload: names, sizes, states and bytes in the browser's own database, within bounds.

const DATABASE = "image-service-uploads";
const MOST_BYTES = 512 * 1024 * 1024;
const FORGET_MS = 3 * 24 * 3600 * 1000;
const LOCK_MS = 1500;
const KEPT = ["id", "label", "order", "name", "size", "type", "state", "error", "key", "kept", "inDoubt", "sentAt", "at"];

export class QueueStore {
  #database;
  #label;
  #bytes = 0;

  constructor(database, label) {
    this.#database = database;
    this.#label = label;
  }

  /** Whether anything is kept. It is not where the browser has no database, or another tab keeps this label's queue. */
  get works() {
    return this.#database !== null;
  }

  /** The store of one label's queue; it never fails, at worst it keeps nothing. */
  static async open(label) {
    try {
      if (!(await owned(label))) return new QueueStore(null, label);
      const store = new QueueStore(await openDatabase(), label);
      await store.#forgetOld();
      return store;
    } catch (error) {
      console.warn("the queue is not kept over a reload:", error);
      return new QueueStore(null, label);
    }
  }

  /** Every item that was kept, in its order, without bytes. */
  async load() {
    if (!this.works) return [];
    const items = await finished(this.#table("items").index("label").getAll(this.#label));
    items.sort((a, b) => a.order - b.order);
    this.#bytes = items.reduce((sum, item) => sum + (item.kept ? item.size : 0), 0);
    return items;
  }

  /** The bytes of an item, or null. */
  async bytes(id) {
    if (!this.works) return null;
    return (await finished(this.#table("bytes").get(id))) ?? null;
  }

  /** Keep new items; sets each one's `kept`, false where its bytes are too many. */
  async put(items) {
    if (!this.works) return;
    for (const item of items) {
      item.kept = item.file !== null && this.#bytes + item.size <= MOST_BYTES;
      if (item.kept) this.#bytes += item.size;
    }
    if (await this.#write((rows, bytes) => {
      for (const item of items) {
        rows.put(this.#record(item));
        if (item.kept) bytes.put(item.file, item.id);
      }
    })) return;
    // No room for the bytes; the names are worth keeping all the same.
    for (const item of items) this.#drop(item);
    await this.#write((rows) => items.forEach((item) => rows.put(this.#record(item))));
  }

  /** Keep an item's new state, and let its bytes go when they are not needed again. */
  async update(item, needsBytes) {
    if (!this.works) return;
    const drop = item.kept && !needsBytes;
    if (drop) this.#drop(item);
    await this.#write((rows, bytes) => {
      rows.put(this.#record(item));
      if (drop) bytes.delete(item.id);
    });
  }

  async remove(items) {
    if (!this.works || items.length === 0) return;
    for (const item of items) this.#drop(item);
    await this.#write((rows, bytes) => {
      for (const { id } of items) {
        rows.delete(id);
        bytes.delete(id);
      }
    });
  }

  #drop(item) {
    if (item.kept) this.#bytes -= item.size;
    item.kept = false;
  }

  #record(item) {
    const record = Object.fromEntries(KEPT.map((name) => [name, item[name]]));
    return { ...record, label: this.#label, at: Date.now() };
  }

  #table(name) {
    return this.#database.transaction(name).objectStore(name);
  }

  /** Do it in one transaction; whether it was done. */
  #write(change) {
    return new Promise((resolve) => {
      const transaction = this.#database.transaction(["items", "bytes"], "readwrite");
      transaction.oncomplete = () => resolve(true);
      transaction.onabort = () => {
        console.warn("not kept over a reload:", transaction.error);
        resolve(false);
      };
      change(transaction.objectStore("items"), transaction.objectStore("bytes"));
    });
  }

  /** Queues that nobody came back to, of every label. */
  async #forgetOld() {
    const ids = await finished(this.#table("items").index("at").getAllKeys(IDBKeyRange.upperBound(Date.now() - FORGET_MS)));
    await this.remove(ids.map((id) => ({ id, kept: false })));
  }
}

/** Whether this tab may keep the label's queue: two tabs that both went on with it would upload everything twice. */
function owned(label) {
  if (!navigator.locks) return Promise.resolve(true); // only on https and localhost
  return new Promise((resolve) => {
    const hold = () => {
      resolve(true);
      return new Promise(() => {}); // until the page goes
    };
    // Waited for a little: on a reload the page before may just be going.
    const options = { signal: AbortSignal.timeout(LOCK_MS) };
    navigator.locks.request(`image-service-uploads:${label}`, options, hold).catch(() => resolve(false));
  });
}

function openDatabase() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => {
    const items = request.result.createObjectStore("items", { keyPath: "id" });
    items.createIndex("label", "label");
    items.createIndex("at", "at");
    request.result.createObjectStore("bytes");
  };
  return finished(request);
}

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
