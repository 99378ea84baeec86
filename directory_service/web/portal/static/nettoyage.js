// The clean-up page where scripts run: files dropped on it, and lines that come some at a time.
"use strict";

const GROUP = 100; // lines asked for at a time

function dropping(form, zone, input) {
  document.getElementById("fichier-depot").hidden = false;
  const mark = document.createElement("input"); // the page may come empty, and be filled by us
  mark.type = "hidden"; mark.name = "script"; mark.value = "1";
  form.append(mark);
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("drop-over"); });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("drop-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    if (!event.dataTransfer.files.length) return;
    input.files = event.dataTransfer.files;
    announce("Fichier déposé\u00a0: " + input.files[0].name);
  });
  form.addEventListener("submit", () => announce("Lecture du carnet…"));
}

const written = (number) => number.toLocaleString("fr-FR");

async function fill(progress) {
  const book = JSON.parse(document.getElementById("carnet").value);
  const bar = document.getElementById("barre"), count = document.getElementById("compte"), total = book.rows.length;
  let told = 0;
  for (let start = 0; start < total; start += GROUP) {
    const end = Math.min(start + GROUP, total);
    const part = { ...book, rows: book.rows.slice(start, end), lines: book.lines.slice(start, end) };
    const answer = await post(part);
    document.getElementById("corps").insertAdjacentHTML("beforeend", answer.html);
    addSums(answer.sums);
    bar.value = end;
    count.textContent = written(end) + " sur " + written(total) + " lignes";
    const quarter = Math.floor((4 * end) / total);
    if (quarter > told && quarter < 4) announce(25 * quarter + "\u202f% des lignes vérifiées");
    told = quarter;
  }
  showCopyButtons(document.getElementById("corps"));
  progress.hidden = true;
  announce("Carnet vérifié\u00a0: " + written(total) + " lignes.");
}

async function post(part) {
  for (let tries = 0; ; tries++) {
    const answer = await fetch("/nettoyage/lignes", {
      method: "POST", credentials: "omit", headers: { "Content-Type": "application/json" }, body: JSON.stringify(part),
    });
    if (answer.ok) return answer.json();
    if (![429, 503].includes(answer.status) || tries >= 5) throw new Error(String(answer.status));
    const pause = Number(answer.headers.get("Retry-After")) || 2;
    await new Promise((done) => setTimeout(done, 1000 * Math.min(pause, 60)));
  }
}

function addSums(sums) {
  for (const [advice, more] of Object.entries(sums)) {
    const item = document.querySelector(`[data-advice="${advice}"]`), number = item.querySelector("span");
    number.textContent = Number(number.textContent) + more;
    item.hidden = false;
  }
}

const form = document.getElementById("depot"), later = document.querySelector("[data-later]");
if (form) dropping(form, document.getElementById("zone"), document.getElementById("fichier"));
if (later) {
  fill(later).catch(() => {
    later.className = "note note-bad";
    later.textContent = "La vérification s’est interrompue. Rechargez la page pour la recommencer.";
    announce(later.textContent);
  });
}
