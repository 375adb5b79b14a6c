/** A device in words: whether its phone is there, and which one it is. */
import type { Device } from "@/api/schemas";
import { translate } from "@/i18n";
import { ago, dateTime } from "@/ui/format";

/** Online since 3 Nov, 12:04. Last seen 5 min ago. Never registered. */
export function deviceState(device: Device): string {
  if (device.online) return device.registered_at ? translate("devices.online-since", { time: dateTime(device.registered_at) }) : translate("devices.online");
  return device.last_seen ? translate("devices.seen", { time: ago(device.last_seen) }) : translate("devices.never");
}

/** Yealink SIP-T54W 96.86.0.70 · 10.0.0.7 · TLS; of the phone that is there, or of the last one that was. */
export function devicePhone(device: Device): string {
  return [device.user_agent, device.address, device.transport?.toUpperCase()].filter(Boolean).join("\u00a0· ");
}
