// Light or dark: as the system says, unless the reader has chosen.
"use strict";
(() => {
  const root = document.documentElement;
  const chosen = () => { try { return localStorage.getItem("wherry.theme"); } catch { return null; } };
  const show = (theme) => { if (theme) root.dataset.theme = theme; else delete root.dataset.theme; };
  show(chosen());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
    const label = () => { button.textContent = isDark() ? "Light" : "Dark"; button.setAttribute("aria-label", `Use ${isDark() ? "light" : "dark"} colours`); };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      const theme = isDark() ? "light" : "dark";
      try { localStorage.setItem("wherry.theme", theme); } catch { /* it holds for this page */ }
      show(theme);
      label();
      document.dispatchEvent(new Event("wherry:theme"));
    });
  });
})();
