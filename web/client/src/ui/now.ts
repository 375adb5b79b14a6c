/** The time, for what counts up while one looks: ticks only while somebody uses it. */
import { onMounted, onUnmounted, type Ref, ref, shallowRef } from "vue";

export function useNow(every = 1000): Ref<number> {
  const now = ref(Date.now());
  let timer: ReturnType<typeof setInterval>;
  onMounted(() => (timer = setInterval(() => (now.value = Date.now()), every)));
  onUnmounted(() => clearInterval(timer));
  return now;
}

/** The day: pages stay open over midnight, and then what was of today is of yesterday. */
export function useToday(): Ref<Date> {
  const today = shallowRef(new Date());
  let timer: ReturnType<typeof setInterval>;
  onMounted(() => {
    timer = setInterval(() => {
      const now = new Date();
      if (now.toDateString() !== today.value.toDateString()) today.value = now;
    }, 30_000);
  });
  onUnmounted(() => clearInterval(timer));
  return today;
}
