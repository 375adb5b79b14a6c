/**
 * A tip under the pointer or the focus: one element for the whole page, made when it is first needed.
 *
 * The element that has it must have a name of its own: the tip only shows it to the eye.
 */
import type { ObjectDirective } from "vue";

const DELAY = 500; // ms
const GAP = 6; // px
const MARGIN = 4; // px to the edge of the window

let tip: HTMLElement | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const texts = new WeakMap<Element, string>();

export const vTip: ObjectDirective<HTMLElement, string, "end"> = {
  mounted(element, { value, modifiers }) {
    texts.set(element, value);
    const show = (): void => later(element, modifiers.end ?? false);
    element.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && show());
    element.addEventListener("focus", () => element.matches(":focus-visible") && show());
    for (const name of ["pointerleave", "pointerdown", "blur", "keydown"]) element.addEventListener(name, hide);
  },
  updated(element, { value }) {
    texts.set(element, value);
  },
  beforeUnmount: hide,
};

function later(element: HTMLElement, isBeside: boolean): void {
  clearTimeout(timer);
  timer = setTimeout(() => show(element, isBeside), DELAY);
}

function hide(): void {
  clearTimeout(timer);
  tip?.classList.remove("shown");
}

function show(element: HTMLElement, isBeside: boolean): void {
  if (!element.isConnected) return;
  if (!tip) {
    tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("aria-hidden", "true");
    document.body.append(tip);
  }
  tip.textContent = texts.get(element) ?? "";
  const { left, right, top, bottom, width, height } = element.getBoundingClientRect();
  const { offsetWidth, offsetHeight } = tip;
  let x = isBeside ? right + GAP : left + width / 2 - offsetWidth / 2;
  let y = isBeside ? top + height / 2 - offsetHeight / 2 : bottom + GAP;
  if (y + offsetHeight > innerHeight - MARGIN) y = top - offsetHeight - GAP;
  x = Math.max(MARGIN, Math.min(x, innerWidth - offsetWidth - MARGIN));
  tip.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  tip.classList.add("shown");
}
