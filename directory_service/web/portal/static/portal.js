// What the pages add where scripts run: suggestions while typing (ARIA combobox), and copying.  All else works without.
"use strict";

const announce = (() => {
  let turn = 0;
  return (text) => {
    const where = document.getElementById("annonce");
    // The same text said twice must change to be read twice.
    where.textContent = text + (turn++ % 2 ? "\u00a0" : "");
  };
})();

// --- copying ---------------------------------------------------------------------------------------------------------

function copyWithoutApi(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done ? Promise.resolve() : Promise.reject(new Error("copy"));
}

async function copy(button) {
  const text = button.dataset.copy, word = button.querySelector("span");
  try {
    // A browser may have the API and refuse it: in a frame, by a policy of the hospital, without a certificate.
    await (navigator.clipboard ? navigator.clipboard.writeText(text).catch(() => copyWithoutApi(text)) : copyWithoutApi(text));
    button.classList.add("copied");
    word.textContent = "Copié";
    announce(button.dataset.said);
  } catch {
    word.textContent = "Copie refusée";
    announce("Le navigateur n’a pas permis la copie. Sélectionnez le texte et copiez-le.");
  }
  setTimeout(() => { button.classList.remove("copied"); word.textContent = "Copier"; }, 3000);
  button.focus();
}

function showCopyButtons(root) {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
});

// --- suggestions -----------------------------------------------------------------------------------------------------

const PAUSE = 120; // ms without a key before asking

function combobox(input, list) {
  let items = [], active = -1, timer = 0, asked = null;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-controls", list.id);

  // Back finds the box as it was left; browsers do not fill in again what they may not complete.
  function remember() {
    history.replaceState({ ...history.state, typed: input.value }, "");
  }

  function go(item) {
    remember();
    location.assign(target(item));
  }

  function close() {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(index) {
    active = index;
    [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
    if (index < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", list.children[index].id);
    list.children[index].scrollIntoView({ block: "nearest" });
  }

  function target(item) {
    if (item.person && item.person.id) return "/professionnels/" + encodeURIComponent(item.person.id);
    return "/boites/" + encodeURIComponent(item.address);
  }

  function part(name, className, text) {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  // It may go on to the next line before its @.
  function mailbox(address) {
    const made = part("span", "mail", address ? "" : "Pas de boîte publiée");
    if (address) made.append(...address.split(/(?=@)/).flatMap((piece, i) => i ? [document.createElement("wbr"), piece] : piece));
    return made;
  }

  // What tells this one from its namesakes is said even where the hint does not (homonym shield).
  function facts(item) {
    const hint = item.hint || "", apart = item.apart || "";
    return hint.includes(apart) ? hint : [hint, apart].filter(Boolean).join(", ");
  }

  function option(item, index) {
    const made = document.createElement("li");
    made.id = list.id + "-" + index;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", "false");
    made.append(part("b", "", item.label), " ", part("span", "why", facts(item)), " ", mailbox(item.address));
    // Her other boxes are hers all the same.
    const id = item.person && item.person.id;
    const own = items.filter((other) => id && other.person && other.person.id === id).map((other) => other.address);
    const near = (item.mistaken || []).map((other) => other.address).filter((address) => !own.includes(address));
    const alike = near.join(", ");
    if (alike) made.append(" ", part("span", "alike", "À ne pas confondre avec " + alike));
    made.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    made.addEventListener("click", () => go(item));
    return made;
  }

  function show(found) {
    items = found;
    list.replaceChildren(...items.map(option));
    if (!items.length) { close(); return announce("Aucune suggestion."); }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    mark(-1);
    announce(items.length + (items.length > 1 ? " suggestions" : " suggestion") + ", flèche bas pour les parcourir.");
  }

  // Mailboxes of that name; where there are none, the people that the button would find by trade, town or number.
  async function find(text, signal) {
    let found = [];
    for (const where of ["/v1/suggest?limit=8&q=", "/propositions?q="]) {
      const answer = await fetch(where + encodeURIComponent(text), { signal, credentials: "omit" });
      if (!answer.ok) return null;
      found = (await answer.json()).items;
      if (found.length) break;
    }
    return found;
  }

  async function ask() {
    const text = input.value.trim();
    if (asked) asked.abort();
    if (!text) return close();
    asked = new AbortController();
    try {
      const found = await find(text, asked.signal);
      if (!found) return close();
      if (document.activeElement === input && input.value.trim() === text) show(found);
    } catch { /* called off by the next key, or no network: the button still searches */ }
  }

  function step(by) {
    if (list.hidden) return items.length && input.value.trim() ? show(items) : ask();
    const count = items.length + 1; // the box itself is one of the stops
    mark(((active + 1 + by + count) % count) - 1);
  }

  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Escape: () => { if (list.hidden) { input.value = ""; items = []; } close(); },
    Enter: () => (active >= 0 && !list.hidden ? (go(items[active]), true) : (close(), false)),
    Tab: () => (close(), false),
  };

  input.addEventListener("keydown", (event) => {
    const made = keys[event.key];
    if (made && !event.isComposing && !event.altKey && !event.ctrlKey && !event.metaKey && made() !== false) event.preventDefault();
  });
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(ask, PAUSE); });
  input.addEventListener("blur", () => { close(); remember(); });
  input.form.addEventListener("submit", remember);
  if (history.state && "typed" in history.state) input.value = history.state.typed;
}

// --- what was sent ---------------------------------------------------------------------------------------------------

// An answer to a form is kept nowhere: Back would find the browser's error.  It finds the form, as it was filled in.
function refillable(form) {
  const fields = ["address", "person"].map((name) => form.elements[name]).filter(Boolean);
  const asked = history.state && history.state.asked;
  if (form.dataset.verifier === "answered") {
    history.replaceState({ ...history.state, asked: Object.fromEntries(fields.map((field) => [field.name, field.value])) }, "");
  } else if (asked) {
    for (const field of fields) if (field.name in asked) field.value = asked[field.name];
  }
}

showCopyButtons(document);
const verifier = document.querySelector("[data-verifier]");
if (verifier) refillable(verifier);
const filters = document.getElementById("filtres");
if (filters && !("used" in filters.dataset) && matchMedia("(max-width: 48rem)").matches) filters.open = false;
const box = document.getElementById("q");
if (box) combobox(box, document.getElementById("q-liste"));
