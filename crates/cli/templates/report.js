"use strict";
const form = document.getElementById("filters");
const findings = [...document.querySelectorAll(".finding")];
function filter() {
  const data = new FormData(form);
  const severities = data.getAll("severity"), kind = data.get("kind"), text = data.get("text").toLowerCase();
  let shown = 0;
  for (const finding of findings) {
    const { severity, kind: own, stands } = finding.dataset;
    finding.hidden = !(severities.includes(severity) && (!kind || kind === own) && (data.has("over") || stands === "true")
      && (!text || finding.textContent.toLowerCase().includes(text)));
    shown += !finding.hidden;
  }
  document.getElementById("shown").value = `${shown} of ${findings.length}`;
}
function follow() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.matches(".finding")) { target.hidden = false; target.open = true; target.scrollIntoView(); }
}
form.addEventListener("input", filter);
form.addEventListener("submit", event => event.preventDefault());
addEventListener("hashchange", follow);
form.hidden = findings.length === 0;
filter();
follow();
