// Lights up what is to be asked again by hand: an element with data-changed says those words once
// one of the things named in its data-live has changed.
"use strict";
for (const element of document.querySelectorAll("[data-changed]")) {
  element.addEventListener("refresh", () => {
    element.textContent = element.dataset.changed;
    element.classList.add("button");
  });
}
