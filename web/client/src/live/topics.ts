/** What pages that show a list from the server listen to: "this list has changed, fetch it again". */
import { onUnmounted, reactive, watch } from "vue";

export type Topic = "calls" | "directory" | "forwarding" | "devices" | "blocks" | "registrations";

const counts = reactive(new Map<Topic, number>());

export function changed(topic: Topic): void {
  counts.set(topic, (counts.get(topic) ?? 0) + 1);
}

/** Calls the handler when a topic changes, gathering those within 300 ms, as long as the component lives. */
export function onTopic(topic: Topic, handler: () => void): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(
    () => counts.get(topic),
    () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        handler();
      }, 300);
    },
  );
  onUnmounted(() => clearTimeout(timer));
}
