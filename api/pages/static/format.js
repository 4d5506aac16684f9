// Numbers as people read them. Sizes are decimal: 1 MB is a million bytes.

const UNITS = ["B", "kB", "MB", "GB", "TB"];
const DAYS = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const TIMES = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });
const COUNTS = new Intl.NumberFormat("en-GB");

/** 10485760 -> "10.5 MB". */
export function bytes(size) {
  let unit = 0;
  let amount = size;
  while (amount >= 999.5 && unit < UNITS.length - 1) {
    amount /= 1000;
    unit += 1;
  }
  return `${unit > 0 && amount < 99.5 ? amount.toFixed(1) : Math.round(amount)} ${UNITS[unit]}`;
}

/** 3 -> "3 files"; 1 -> "1 file". */
export function plural(count, one, many = `${one}s`) {
  return `${COUNTS.format(count)} ${count === 1 ? one : many}`;
}

export function count(number) {
  return COUNTS.format(number);
}

/** A moment as a day in the reader's own time zone. */
export function day(moment) {
  return DAYS.format(new Date(moment));
}

/** A moment with its time, in the reader's own time zone. */
export function dayAndTime(moment) {
  return TIMES.format(new Date(moment));
}

/** Seconds left -> "2 min left"; "" while nobody can tell. */
export function remaining(seconds) {
  if (!Number.isFinite(seconds)) return "";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s left`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min left`;
  return `${Math.round(seconds / 360) / 10} h left`;
}

/** Put the reader's own day, and the exact moment as a tooltip, into the times that the server wrote. */
export function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    time.textContent = day(time.dateTime);
    time.title = dayAndTime(time.dateTime);
  }
}
