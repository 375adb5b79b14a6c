/** Giving the call of this browser to a phone of mine that is registered. */
import { computed, onMounted, ref, type ComputedRef } from "vue";

import type { Device } from "@/api/schemas";
import { getDevices } from "@/api/session";
import { useCalls } from "@/calls/store";
import { onTopic } from "@/live/topics";
import type { Call } from "@/phone/call_state";
import { usePhone } from "@/phone/store";

export interface Handover {
  devices: ComputedRef<Device[]>; // to which it can be given now
  give: (device?: Device) => void;
}

export function useHandover(current: () => Call | null): Handover {
  const calls = useCalls();
  const phone = usePhone();
  const all = ref<Device[]>([]);
  const load = async (): Promise<void> => {
    all.value = await getDevices().then((page) => page.items, () => []);
  };
  onMounted(load);
  onTopic("devices", () => void load());

  /** The server's name of the call: that with the same person, on a browser of mine. */
  const served = computed(() => calls.state.live.find((one) => one.other?.number === current()?.number && one.device?.browser !== false));
  const devices = computed(() => (served.value ? all.value.filter((device) => device.online) : []));

  function give(device = devices.value[0]): void {
    if (served.value && device) void phone.pull(served.value.id, device.sip_name);
  }
  return { devices, give };
}
