// Where files come from: drops (also of folders), pastes, the file picker.

const BATCH = 50;
const IGNORED = /^(?:\..*|Thumbs\.db|desktop\.ini)$/i;

/** The files of a list that the browser gave, in its order, in batches. */
export function* fromList(list) {
  for (let start = 0; start < list.length; start += BATCH) yield list.slice(start, start + BATCH);
}

/**
 * The files of a drop in batches, folders walked as they are needed: one of 100,000 files must not be read at once.
 * Call it inside the event: the browser empties `transfer` afterwards.
 */
export function fromDrop(transfer) {
  const entries = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    entries.push(item.webkitGetAsEntry?.() ?? item.getAsFile());
  }
  return walk(entries.filter(Boolean), true);
}

async function* walk(entries, chosen) {
  // What systems put into folders by themselves is nobody's upload; a file that was dropped by name is.
  const files = entries.filter((entry) => !entry.isDirectory && (chosen || !IGNORED.test(entry.name)));
  for (const batch of fromList(files)) {
    const opened = await Promise.all(batch.map(fileOf));
    yield opened.filter(Boolean);
  }
  for (const entry of entries) if (entry.isDirectory) yield* walkFolder(entry.createReader());
}

async function* walkFolder(reader) {
  for (;;) {
    // At most 100 at a time, by specification; an empty batch is the end.
    const batch = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (batch.length === 0) return;
    yield* walk(batch, false);
  }
}

/** The file of an entry; null when it can not be opened. */
function fileOf(entry) {
  if (entry instanceof File) return entry;
  return new Promise((resolve) => entry.file(resolve, () => resolve(null)));
}

/** Call `take` with what is dropped anywhere on the page or pasted, and mark `zone` while files are over it. */
export function listen(zone, take) {
  let depth = 0;
  const over = (on) => zone.classList.toggle("over", on);
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    over(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth = Math.max(0, depth - 1);
    over(depth > 0);
  });
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    take(fromDrop(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    take(fromList(files.map(named)));
  });
}

/** Browsers call every pasted picture image.png; its moment tells them apart. */
function named(file) {
  if (file.name !== "image.png") return file;
  const moment = new Date().toISOString().slice(0, 19).replace("T", " ").replaceAll(":", ".");
  return new File([file], `Pasted ${moment}.png`, { type: file.type });
}
