// The administration page: more results, versions with restore, undelete.

import { Announcer } from "./announce.js";
import { byId, el, guardImages, namedButton, placeholder, setText, show, thumbnail } from "./dom.js";
import { bytes, dayAndTime, localTimes, plural } from "./format.js";
import { address, ask, imageUrl, restore, undelete, versionsOf } from "./http.js";
import { toast } from "./toast.js";

const VIEWABLE = /^image\/(?:jpeg|png|gif|webp|bmp|avif)$/;

document.documentElement.classList.remove("no-script");
const announcer = new Announcer(byId("announcements"));
const found = byId("found");
const template = byId("found-template").content.firstElementChild;
const dialog = byId("versions");
let shown = null; // the entry whose versions the dialog shows

localTimes(found);
guardImages(found);
found.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (button?.dataset.action === "versions") openVersions(button.closest(".entry"));
  if (button?.dataset.action === "undelete") bringBack(button.closest(".entry"), button);
});
loadMore(byId("more"));
// Without its empty fields the address of a search is short enough to pass on.
byId("search").addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

/** Make the link to the next page a button that adds it here. */
function loadMore(link) {
  if (!link.href) return;
  const next = new URL(link.href).searchParams;
  const button = el("button", { type: "button", class: "button", id: "more" }, "Load more");
  link.replaceWith(button);
  button.addEventListener("click", async () => {
    setText(button, "Loading …");
    try {
      const page = await ask("GET", address(`/admin/images?${next}`));
      const entries = page.images.map(entryOf);
      found.append(...entries);
      announcer.say(`${plural(entries.length, "more image")}.`);
      setText(byId("more-error"), "");
      if (page.cursor) next.set("cursor", page.cursor);
      else {
        entries[0]?.querySelector("a").focus();
        button.remove();
      }
    } catch (refused) {
      setText(byId("more-error"), refused.message);
      announcer.say(refused.message);
    }
    setText(button, "Load more");
  });
}

function entryOf(image) {
  const entry = template.cloneNode(true);
  const part = (selector) => entry.querySelector(selector);
  const name = image.title || image.original_filename || image.image_id;
  const link = imageUrl(image.key, image.restore_version_id ?? "");
  Object.assign(entry.dataset, { key: image.key, name, restore: image.restore_version_id ?? "" });
  part(".thumb").replaceChildren(picture(link, image.content_type));
  part(".name").textContent = name;
  part(".owner").textContent = image.user_id;
  part(".owner").href = searchUrl({ owner: image.user_id });
  part("time").dateTime = image.created_at;
  part(".size").textContent = `${bytes(image.size)} · ${image.width} × ${image.height} · ${kindOf(image.content_type)}`;
  part(".state").textContent = image.deleted ? "Deleted" : "";
  const tag = (text) => el("a", { class: "tag", dir: "auto", href: searchUrl({ tags: text }) }, text);
  part(".tags").replaceChildren(...image.tags.map(tag));
  part("[data-action=open]").href = link;
  show(part("[data-action=undelete]"), image.deleted);
  for (const named of entry.querySelectorAll(".named")) named.textContent = name;
  localTimes(entry);
  return entry;
}

function searchUrl(search) {
  return address(`/admin?${new URLSearchParams(search)}`);
}

function kindOf(type) {
  return type ? type.split("/")[1].toUpperCase() : "?";
}

function picture(link, type) {
  return VIEWABLE.test(type ?? "") ? thumbnail(link, "", kindOf(type)) : placeholder("", kindOf(type));
}

async function openVersions(entry) {
  shown = entry;
  setText(byId("versions-name"), entry.dataset.name);
  byId("versions-list").replaceChildren();
  setText(byId("versions-error"), "");
  dialog.showModal();
  byId("versions-heading").focus();
  await listVersions();
}

async function listVersions() {
  try {
    const versions = await versionsOf(shown.dataset.key);
    byId("versions-list").replaceChildren(...versions.map(versionRow));
  } catch (refused) {
    setText(byId("versions-error"), refused.message);
  }
}

function versionRow(version) {
  const moment = dayAndTime(version.created_at);
  const time = el("time", { datetime: version.created_at }, moment);
  const state = version.is_latest ? el("span", { class: "current" }, version.deleted ? " · now deleted" : " · current") : null;
  if (version.deleted) {
    return el("li", {}, el("span", { class: "thumb" }, placeholder("", "–")), el("p", {}, "Deleted ", time, state));
  }
  const link = imageUrl(shown.dataset.key, version.version_id);
  const facts = el("p", { class: "facts quiet" }, `${bytes(version.size)} · ${kindOf(version.content_type)}`);
  const again = namedButton("Restore", `the version of ${moment}`, () => restoreVersion(version));
  const open = el("a", { class: "button small", href: link }, "Open", el("span", { class: "unseen" }, ` the version of ${moment}`));
  const actions = el("div", { class: "actions" }, open, version.is_latest ? null : again);
  const thumb = el("span", { class: "thumb" }, picture(link, version.content_type));
  return el("li", { "data-version": version.version_id }, thumb, el("div", {}, el("p", {}, time, state), facts), actions);
}

async function restoreVersion(version) {
  try {
    revive(shown, await restore(shown.dataset.key, version.version_id));
  } catch (refused) {
    setText(byId("versions-error"), refused.message);
    return;
  }
  announcer.say(`The version of ${dayAndTime(version.created_at)} is current again.`);
  await listVersions();
  byId("versions-heading").focus();
}

async function bringBack(entry, button) {
  button.disabled = true;
  try {
    const { restore: version, key } = entry.dataset;
    revive(entry, await (version ? restore(key, version) : undelete(key)));
  } catch (refused) {
    button.disabled = false;
    toast(refused.message);
    announcer.say(refused.message);
    return;
  }
  announcer.say(`${entry.dataset.name} is back.`);
  toast(`${entry.dataset.name} is back.`, { seconds: 6 });
  entry.querySelector("[data-action=open]").focus();
}

/** Show an entry as the image now is: not deleted, with these bytes. */
function revive(entry, image) {
  const part = (selector) => entry.querySelector(selector);
  const link = imageUrl(image.key);
  Object.assign(entry.dataset, { key: image.key, restore: "" });
  // Its address stays the same, so the browser is told which bytes by the version.
  part(".thumb").replaceChildren(picture(imageUrl(image.key, image.version_id), image.content_type));
  part(".size").textContent = `${bytes(image.size)} · ${image.width} × ${image.height} · ${kindOf(image.content_type)}`;
  part(".state").textContent = "";
  part("[data-action=open]").href = link;
  show(part("[data-action=undelete]"), false);
}
