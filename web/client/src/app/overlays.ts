/** What lies over the page and is opened from anywhere. */
import { reactive, ref } from "vue";

export const commandBox = reactive({ isOpen: false, text: "" });
export const shortcutsOpen = ref(false);

export function openCommandBox(text = ""): void {
  commandBox.text = text;
  commandBox.isOpen = true;
}
