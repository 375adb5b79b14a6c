/** Where the focus was before something lay over the page: it goes back there, so that one can go on with the keyboard. */
import { onUnmounted, watch } from "vue";

/** For a component that is there only while it is open, or, with `isOpen`, for one that stays. */
export function returnFocus(isOpen: () => boolean = () => true): void {
  let before: Element | null = null;
  const goBack = (): void => {
    const element = before;
    before = null;
    // Later, as what was open is still closing; not if the focus has found a place of its own meanwhile.
    setTimeout(() => {
      const now = document.activeElement;
      const isLost = !now || now === document.body || now.closest(".v-overlay") !== null;
      if (isLost && element instanceof HTMLElement && element.isConnected) element.focus({ preventScroll: true });
    });
  };
  watch(isOpen, (open) => (open ? (before = document.activeElement) : goBack()), { immediate: true, flush: "sync" });
  onUnmounted(() => before && goBack());
}
