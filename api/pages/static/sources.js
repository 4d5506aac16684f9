// Where files come from: drops (also of folders), pastes, the file picker.

const IGNORED = /^(?:\..*|Thumbs\.db|desktop\.ini)$/i;

/** The files of a list that the browser gave, in its order. */
export function* fromList(list) {
  yield* list;
}

/**
 * The files of a drop, folders walked one entry at a time: a folder of 100,000 files must not be read at once.
 * Call it inside the event: the browser empties `transfer` afterwards.
 */
export function fromDrop(transfer) {
  const entries = [];
  for (const item of transfer.items) {
    if (item.kind !== "file") continue;
    const entry = item.webkitGetAsEntry?.();
    entries.push(entry ?? item.getAsFile());
  }
  return walk(entries);
}

async function* walk(entries) {
  for (const entry of entries) {
    if (!entry) continue;
    if (entry instanceof File) yield entry;
    else yield* walkEntry(entry, true);
  }
}

async function* walkEntry(entry, chosen) {
  if (entry.isFile) {
    // What systems put into folders by themselves is nobody's upload; a file that was dropped by name is.
    if (!chosen && IGNORED.test(entry.name)) return;
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) yield file;
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // At most 100 at a time, by specification; an empty batch is the end.
    const batch = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (batch.length === 0) return;
    for (const inner of batch) yield* walkEntry(inner, false);
  }
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
