// Everything here only makes the pages quicker: without it they work by links and forms.
"use strict";

const narrow = matchMedia("(max-width: 60rem)");

// The person's time zone, so that the server can write local times
function tellZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && !document.cookie.includes(`tz=${zone}`)) setCookie("tz", zone);
}

function setCookie(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  const age = value ? 31536000 : 0;
  document.cookie = `${name}=${value}; path=/; max-age=${age}; samesite=lax${secure}`;
}

// Theme: the same as the form does, without loading the page again
document.addEventListener("click", (event) => {
  const button = event.target.closest(".theme button");
  if (!button) return;
  event.preventDefault();
  setCookie("theme", button.value);
  if (button.value) document.documentElement.dataset.theme = button.value;
  else delete document.documentElement.dataset.theme;
  for (const other of button.parentElement.querySelectorAll("button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
});

// The list: one row is the selected one
function mark(row) {
  for (const other of document.querySelectorAll(".row[aria-current]")) other.removeAttribute("aria-current");
  row.setAttribute("aria-current", "true");
}

function move(step) {
  const rows = [...document.querySelectorAll(".row")];
  if (!rows.length) return;
  const current = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const row = rows[Math.min(Math.max(current + step, 0), rows.length - 1)];
  row.focus();
  row.scrollIntoView({ block: "nearest" });
  if (!narrow.matches) row.click();
}

document.addEventListener("htmx:beforeRequest", (event) => {
  const source = event.target;
  // Nobody looks: ask again when somebody does
  if (document.hidden && !source.matches(".row")) event.preventDefault();
  if (!source.matches(".row")) return;
  if (narrow.matches) {
    // No room beside the list: the page instead of the preview
    event.preventDefault();
    location.href = source.dataset.open;
  } else {
    mark(source);
  }
});

// Keys
function open() {
  const row = document.querySelector(".row[aria-current]");
  if (row) location.href = row.dataset.open;
}

function act(key) {
  const control = document.querySelector(`[data-key="${key}"]`);
  if (!control) return;
  if (control.matches("details")) {
    control.open = true;
    control.querySelector("select, textarea")?.focus();
  } else {
    control.click();
    control.control?.focus();
  }
}

function close() {
  for (const details of document.querySelectorAll("details.action[open], details.menu[open]")) {
    details.open = false;
    details.querySelector("summary").focus();
  }
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  o: open,
  "/": () => document.getElementById("search")?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") return close();
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input:not([type=radio]), select, textarea, dialog[open]")) return;
  if (event.key === "Enter" && event.target.matches(".row")) {
    event.preventDefault();
    location.href = event.target.dataset.open;
    return;
  }
  const does = KEYS[event.key] ?? (/^[cdemr]$/.test(event.key) ? () => act(event.key) : null);
  if (!does) return;
  event.preventDefault();
  does();
});

// A menu or form closes when somebody clicks elsewhere
document.addEventListener("click", (event) => {
  for (const details of document.querySelectorAll("details.menu[open], details.action[open]")) {
    if (!details.contains(event.target)) details.open = false;
  }
});

// Two clicks on one button are one wish
document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

tellZone();
