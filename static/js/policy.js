// The editor of the policy: line numbers, suggestions, jumps to a place, a warning about unsaved changes.
// Without it the text field and its buttons do the work.
"use strict";

(() => {
  const text = document.getElementById("id_document");
  const editor = text?.closest(".editor");
  if (!editor) return;
  const form = document.getElementById("draft");
  const gutter = editor.querySelector(".gutter");
  const list = document.getElementById("completion");
  const words = [...document.querySelectorAll("#policy-words option")].map((option) => ({ word: option.value, place: option.label }));
  const SHOWN = 12;
  const VALUES = new Set(["outcome", "severity", "disposition", "mode", "quorum", "complete"]);

  for (const hidden of document.querySelectorAll(".with-script")) hidden.hidden = false;

  // Line numbers, with a mark where something is wrong
  let numbered = "";

  function number() {
    const lines = text.value.split("\n").length;
    const wrong = new Set([...document.querySelectorAll("#check .findings > ul:not(.examples) [data-line]")].map((link) => Number(link.dataset.line)));
    const key = `${lines}:${[...wrong]}`;
    if (key !== numbered) {
      numbered = key;
      gutter.textContent = Array.from({ length: lines }, (_, index) => (wrong.has(index + 1) ? `● ${index + 1}` : index + 1)).join("\n");
    }
    gutter.scrollTop = text.scrollTop;
  }

  // A place in the text: from a problem to its line and column
  function go(line, column) {
    const lines = text.value.split("\n");
    const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    const start = Math.min(before + column - 1, text.value.length);
    const end = /^[\w-]*/.exec(text.value.slice(start))[0].length;
    text.focus();
    text.setSelectionRange(start, start + end);
    text.scrollTop = Math.max(0, (line - 6) * lineHeight());
    text.scrollLeft = Math.max(0, (column - 40) * charWidth());
    number();
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    if (!link) return;
    event.preventDefault();
    go(Number(link.dataset.line), Number(link.dataset.column) || 1);
  });

  // Sizes of the fixed-width font, to put the suggestions below the word
  function lineHeight() {
    return parseFloat(getComputedStyle(text).lineHeight);
  }

  function charWidth() {
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = getComputedStyle(text).font;
    return canvas.measureText("0".repeat(100)).width / 100;
  }

  // What may stand at the caret: the places whose words fit, and how far a word has been typed
  function context() {
    const before = text.value.slice(0, text.selectionStart);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const typed = /\w*$/.exec(line)[0];
    const key = /^\s*(\w+)\s*=/.exec(line)?.[1] ?? "";
    const quoted = (line.split('"').length - 1) % 2 === 1;
    if (/^\s*#/.test(line) || key === "name") return { typed, places: [] };
    if (/^\s*\w*$/.test(line)) return { typed, places: ["key", "fact", "function"] };
    if (key === "reason") return { typed, places: /\{\w*$/.test(line) ? ["fact"] : [] };
    if (VALUES.has(key)) return { typed, places: [key], quote: !quoted && key !== "complete", value: true };
    return { typed, places: ["fact", "function"] };
  }

  let found = { typed: "" };
  let chosen = -1;

  function suggest(asked) {
    found = context();
    const typed = found.typed.toLowerCase();
    const enough = asked || typed.length > 1 || (found.value && typed);
    const fitting = enough
      ? words.filter(({ word, place }) => found.places.includes(place) && word.toLowerCase().startsWith(typed) && word !== found.typed)
      : [];
    if (!fitting.length) return hide();
    list.replaceChildren(...fitting.slice(0, SHOWN).map(option));
    place();
    list.hidden = false;
    text.setAttribute("aria-controls", list.id);
    choose(0);
  }

  function option({ word, place }, index) {
    const item = document.createElement("li");
    item.id = `completion-${index}`;
    item.role = "option";
    item.dataset.word = word;
    const kind = document.createElement("span");
    kind.className = "place";
    kind.textContent = place;
    item.append(word, kind);
    return item;
  }

  function place() {
    const before = text.value.slice(0, text.selectionStart - found.typed.length).split("\n");
    const columns = before.at(-1).replaceAll("\t", "    ").length;
    const left = text.offsetLeft + 8 + columns * charWidth() - text.scrollLeft;
    const top = text.offsetTop + 8 + before.length * lineHeight() - text.scrollTop;
    const above = top + 180 > editor.clientHeight;
    list.style.left = `${Math.max(0, Math.min(left, editor.clientWidth - 220))}px`;
    list.style.top = above ? "auto" : `${top}px`;
    list.style.bottom = above ? `${editor.clientHeight - top + lineHeight()}px` : "auto";
  }

  function choose(index) {
    const items = [...list.children];
    chosen = (index + items.length) % items.length;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    items[chosen].scrollIntoView({ block: "nearest" });
    text.setAttribute("aria-activedescendant", items[chosen].id);
  }

  function hide() {
    list.hidden = true;
    chosen = -1;
    text.removeAttribute("aria-activedescendant");
    text.removeAttribute("aria-controls");
  }

  function accept(word) {
    const end = text.selectionStart;
    const whole = found.quote ? `"${word}"` : word;
    text.setSelectionRange(end - found.typed.length, end);
    // Unlike setRangeText this can be undone
    if (!document.execCommand("insertText", false, whole)) {
      text.setRangeText(whole, end - found.typed.length, end, "end");
      text.dispatchEvent(new Event("input", { bubbles: true }));
    }
    hide();
  }

  const OPEN = {
    ArrowDown: () => choose(chosen + 1),
    ArrowUp: () => choose(chosen - 1),
    Enter: () => accept(list.children[chosen].dataset.word),
    Escape: hide,
  };

  text.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.code === "Space") {
      event.preventDefault();
      return suggest(true);
    }
    if (list.hidden || !OPEN[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    OPEN[event.key]();
  });

  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const item = event.target.closest("li");
    if (item) accept(item.dataset.word);
  });

  text.addEventListener("input", (event) => {
    number();
    if (event.inputType === "insertText" || event.inputType === "deleteContentBackward") suggest(false);
  });
  text.addEventListener("scroll", () => {
    number();
    hide();
  });
  text.addEventListener("blur", hide);
  document.addEventListener("htmx:afterSwap", number);

  // Unsaved changes are not lost by accident
  let leaving = false;
  const dirty = () => "unsaved" in form.dataset || text.value !== text.defaultValue;
  form.addEventListener("submit", () => { leaving = true; });
  addEventListener("beforeunload", (event) => {
    if (!text.readOnly && !leaving && dirty()) event.preventDefault();
  });

  // The list of facts
  const search = document.getElementById("fact-search");
  search?.addEventListener("input", () => {
    const wanted = search.value.trim().toLowerCase();
    let left = 0;
    for (const fact of document.querySelectorAll("[data-fact]")) {
      fact.hidden = !fact.dataset.fact.toLowerCase().includes(wanted);
      left += fact.hidden ? 0 : 1;
    }
    document.getElementById("no-fact").hidden = left > 0;
  });

  gutter.hidden = false;
  if (!text.readOnly) text.setAttribute("aria-autocomplete", "list");
  number();
})();
