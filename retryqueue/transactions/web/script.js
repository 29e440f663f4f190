// What the screen gains where scripts run: a box that selects all rows, how many are selected, and fresh counts.
"use strict";
const rows = document.getElementById("rows");
const all = document.getElementById("all");
if (rows && all) {
  const boxes = [...rows.querySelectorAll("tbody input[type=checkbox]")];
  const box = all.querySelector("input");
  const chosen = document.getElementById("chosen");
  const show = () => {
    const n = boxes.filter((b) => b.checked).length;
    box.checked = n > 0 && n === boxes.length;
    box.indeterminate = n > 0 && n < boxes.length;
    chosen.textContent = n ? n + " selected" : "";
  };
  all.hidden = false;
  box.addEventListener("change", () => {
    for (const b of boxes) b.checked = box.checked;
    show();
  });
  rows.addEventListener("change", (e) => e.target !== box && show());
  show();
}
const tabs = document.querySelector("nav.tabs");
if (tabs) {
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const kind = encodeURIComponent(tabs.dataset.kind);
      const answer = await fetch("./?format=json&rows=1&kind=" + kind);
      if (!answer.ok) return;
      const { counts } = await answer.json();
      for (const c of tabs.querySelectorAll("[data-count]")) c.textContent = counts[c.dataset.count];
    } catch {
      // the next one may do better
    }
  };
  setInterval(refresh, 15000);
  window.addEventListener("focus", refresh);
}
