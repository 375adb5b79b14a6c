/** What a conversation is called, and what its last line says. */
import type { Conversation, Message } from "@/api/chat_schemas";
import { useChat } from "@/chat/store";
import { otherIn } from "@/chat/state";
import { translate } from "@/i18n";
import { usePeople } from "@/people/store";

export function titleOf(conversation: Conversation): string {
  const people = usePeople();
  const me = useChat().state.me;
  if (conversation.kind === "direct") return people.nameOf(otherIn(conversation, me));
  if (conversation.title) return conversation.title;
  const others = conversation.members.filter((number) => number !== me);
  return others.map((number) => people.nameOf(number)).join(", ") || translate("chat.empty-group");
}

/** The line under the title in the list. */
export function previewOf(message: Message | null | undefined, isGroup: boolean): string {
  if (!message) return "";
  const me = useChat().state.me;
  const text = textOf(message);
  if (message.kind !== "text") return text;
  if (message.author === me) return `${translate("chat.you")}: ${text}`;
  const first = usePeople().nameOf(message.author).split(" ")[0] ?? "";
  return isGroup ? `${first}: ${text}` : text;
}

export function textOf(message: Message): string {
  if (message.deleted_at) return translate("chat.deleted");
  if (message.kind === "call" && message.call) return callText(message);
  if (message.system) return happeningText(message);
  if (message.text) return message.text;
  const first = message.attachments[0];
  if (!first) return "";
  return first.type.startsWith("image/") ? translate("chat.picture") : first.name;
}

/** A call in the timeline, from where I stand. */
export function callText(message: Message): string {
  const call = message.call;
  if (!call) return message.text;
  const isMine = call.caller === useChat().state.me;
  if (call.outcome === "answered") return translate(isMine ? "chat.call-out" : "chat.call-in");
  if (isMine) return translate(`chat.call-out-${call.outcome === "busy" || call.outcome === "refused" ? call.outcome : "missed"}`);
  return translate("chat.call-missed");
}

/** What was done to a group, and by whom. */
function happeningText(message: Message): string {
  const { nameOf } = usePeople();
  const { what, number, title } = message.system ?? { what: "group.created" };
  return translate(`chat.happening.${what}`, { who: nameOf(message.author), whom: nameOf(number), title: title ?? "" });
}
